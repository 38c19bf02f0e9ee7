"""A fit finds the law that answers were written by, and says how unsure it is."""

import math

import numpy as np
import pytest
from msgspec.structs import replace

from router.domain import ModelId
from router.prices.answers import Answers, of_trace
from router.prices.features import NAMES, Features, Floats, matrix, vector
from router.prices.fit import LEAST_ROWS, drifting_error, fit_lengths, fit_speed
from router.prices.fitted import Fit
from router.prices.lengths import Lengths, Ratio
from tests.lengths import (
    LARGE,
    OTHER,
    SMALL,
    TRUE_MEANS,
    TRUE_SLOPES,
    answers,
    requests,
    written,
)

TRACE = ModelId("trace")
TRUE_RATIO = TRUE_MEANS[LARGE] / TRUE_MEANS[SMALL]


def made(seed: int, rows: int = 1_500, *, apart: bool = False) -> Answers:
    return answers(np.random.default_rng(seed), {SMALL: rows, LARGE: rows}, apart=apart)


def ratio_of(fit: Fit) -> Ratio:
    ratio = Lengths({}, {}, fit).ratio(SMALL, LARGE)
    assert ratio is not None
    return ratio


def test_slopes_are_those_of_the_law() -> None:
    fit = fit_lengths(made(1, 6_000))
    errors = np.sqrt(np.diag(np.array(fit.covariance)))
    for at, name in enumerate(NAMES[:4]):
        assert abs(fit.slopes[at] - TRUE_SLOPES[at]) < 4 * errors[at], name
    assert fit.slopes[4] == 0.0, "nothing was unscored"


def test_expected_tokens_sum_up_to_what_each_model_wrote() -> None:
    given = made(2)
    fit = fit_lengths(given)
    lengths = Lengths({}, {}, fit)
    expected = lengths.expect_many(given.models, given.vectors).mean
    for code in range(2):
        own = given.model == code
        assert expected[own, code].sum() == pytest.approx(given.output[own].sum())


def test_what_routing_sends_to_whom_is_no_part_of_how_much_a_model_writes() -> None:
    """The large model gets the harder half, whose answers are longer with any model."""
    given = made(3, 4_000, apart=True)
    naive = given.output[given.model == 1].mean() / given.output[given.model == 0].mean()
    ratio = ratio_of(fit_lengths(given))
    assert naive > 1.4 * TRUE_RATIO
    assert abs(ratio.value - TRUE_RATIO) < 3 * ratio.shared_sd
    assert ratio.shared_sd < 0.1 * TRUE_RATIO


def test_the_interval_of_a_ratio_covers_it_and_not_one_that_has_shifted() -> None:
    ratios = [ratio_of(fit_lengths(made(100 + seed, 300, apart=True))) for seed in range(100)]
    inside = [abs(ratio.value - TRUE_RATIO) < 1.96 * ratio.shared_sd for ratio in ratios]
    assert sum(inside) >= 90
    shifted = [abs(ratio.value - 1.5 * TRUE_RATIO) < 1.96 * ratio.shared_sd for ratio in ratios]
    assert sum(shifted) <= 20


def test_the_spread_and_the_reasoning_share_are_those_of_the_answers() -> None:
    level = fit_lengths(made(4, 6_000)).levels[LARGE]
    assert level.own == pytest.approx(math.sqrt(math.exp(0.7**2) - 1), rel=0.1)
    assert level.reasoning == pytest.approx(0.6, abs=0.01)


def test_a_model_with_few_answers_keeps_its_prior_and_is_named() -> None:
    rng = np.random.default_rng(5)
    fit = fit_lengths(answers(rng, {SMALL: 400, OTHER: LEAST_ROWS - 1}))
    assert set(fit.levels) == {SMALL}
    assert fit.few == {OTHER: LEAST_ROWS - 1}


def test_nothing_at_all_is_a_fit_of_nothing() -> None:
    fit = fit_lengths(answers(np.random.default_rng(6), {SMALL: 3}))
    assert (fit.levels, fit.few) == ({}, {SMALL: 3})
    assert fit.slopes == (0.0, 0.0, 0.0, 0.0, 0.0)


def test_independent_rows_have_the_usual_error_and_rows_that_drift_a_larger_one() -> None:
    rng = np.random.default_rng(7)
    noise = rng.standard_normal(4_000)
    expected = np.full(4_000, 2.0)
    usual = 1 / math.sqrt(4_000) / 2
    assert usual < drifting_error(noise, expected) < 1.9 * usual
    wave = np.sin(np.arange(4_000) / 4_000 * 2 * math.pi)
    assert drifting_error(noise + wave, expected) > 5 * usual


def test_speed_is_first_byte_and_pace() -> None:
    rng = np.random.default_rng(8)
    output = rng.integers(20, 3_000, 500).astype(np.float64)
    took = (400 + 15 * output) * np.exp(0.2 * rng.standard_normal(500))
    speed = fit_speed(output, np.where(rng.random(500) < 0.1, np.nan, took))
    assert speed is not None
    assert speed.per_token_ms == pytest.approx(15, rel=0.1)
    assert speed.first_ms == pytest.approx(400, rel=0.4)
    assert 400 < speed.rows < 500
    assert fit_speed(output[:20], took[:20]) is None


@pytest.mark.parametrize(("first", "pace"), [(900.0, -0.1), (-500.0, 10.0)])
def test_no_speed_is_below_zero(first: float, pace: float) -> None:
    output = np.linspace(100, 1_000, 200)
    speed = fit_speed(output, first + pace * output)
    assert speed is not None
    assert min(speed.first_ms, speed.per_token_ms) >= 0
    middle = speed.first_ms + speed.per_token_ms * 550
    assert middle == pytest.approx(first + pace * 550, rel=0.2)


def trace(rng: np.random.Generator, rows: int, *, drift: float, shift: float = 0.0) -> Floats:
    """Lengths whose level wanders: a random walk that is drawn back, as hours of a day are."""
    level, levels = 0.0, np.empty(rows)
    for at, step in enumerate(rng.standard_normal(rows)):
        level = 0.99 * level + drift * step
        levels[at] = level
    noise = 0.7 * rng.standard_normal(rows) - 0.245
    levels[rows // 2 :] += shift
    output = np.rint(300 * np.exp(levels + noise))
    return np.asarray(np.maximum(1.0, output), dtype=np.float64)


def second_half_inside(seed: int, *, drift: float, shift: float = 0.0) -> bool:
    rng = np.random.default_rng(seed)
    output = trace(rng, 3_000, drift=drift, shift=shift).astype(np.int64)
    vectors = matrix(rng.integers(100, 5_000, 3_000))
    fit = fit_lengths(of_trace(TRACE, vectors[:1_500], output[:1_500]))
    total = Lengths({}, {}, fit).forecast(TRACE, vectors[1_500:])
    assert total is not None
    return abs(total.mean - float(output[1_500:].sum())) < 1.96 * total.shared_sd


@pytest.mark.parametrize("drift", [0.0, 0.02, 0.04])
def test_the_second_half_of_a_trace_lies_inside_what_the_first_half_says(drift: float) -> None:
    assert sum(second_half_inside(seed, drift=drift) for seed in range(60)) >= 54


def test_and_does_not_when_the_law_is_shifted() -> None:
    assert sum(second_half_inside(seed, drift=0.0, shift=0.4) for seed in range(60)) <= 6


def test_rows_without_an_answer_are_no_length() -> None:
    output = np.array([0, 5, 7], dtype=np.int64)
    assert of_trace(TRACE, matrix(np.array([1, 2, 3])), output).rows == 2


def test_vectors_of_one_and_of_many_are_the_same() -> None:
    given = [
        Features(input_tokens=10),
        Features(input_tokens=0, difficulty=0.9, needs_info=0.3, tools=True),
        Features(input_tokens=90_000, difficulty=0.0, needs_info=0.0),
    ]
    many = matrix(
        np.array([one.input_tokens for one in given]),
        np.array([np.nan if one.difficulty is None else one.difficulty for one in given]),
        np.array([np.nan if one.needs_info is None else one.needs_info for one in given]),
        np.array([one.tools for one in given]),
    )
    assert many == pytest.approx(np.array([vector(one) for one in given]))


def test_an_expectation_of_one_and_of_many_are_the_same() -> None:
    rng = np.random.default_rng(9)
    lengths = Lengths({}, {}, fit_lengths(made(9)))
    features = Features(input_tokens=700, difficulty=0.8, needs_info=0.1, tools=True)
    many = lengths.expect_many((SMALL, LARGE, OTHER), np.array([vector(features)]))
    for at, model in enumerate((SMALL, LARGE)):
        one = lengths.expect(model, features)
        assert one is not None
        assert (one.mean, one.shared_sd, one.own_sd) == pytest.approx(
            (many.mean[0, at], many.shared_sd[0, at], many.own_sd[0, at])
        )
    assert np.isnan(many.mean[0, 2])
    assert lengths.expect(OTHER, features) is None
    far = lengths.expect_many((SMALL,), requests(rng, 5))
    assert (far.own_sd > far.shared_sd).all()


def test_a_request_far_from_what_was_seen_is_more_in_doubt() -> None:
    lengths = Lengths({}, {}, fit_lengths(made(10, 300)))
    near, far = (
        lengths.expect(SMALL, Features(input_tokens=tokens, difficulty=0.5, needs_info=0.2))
        for tokens in (5_000, 1)
    )
    assert near is not None
    assert far is not None
    assert far.shared_sd / far.mean > near.shared_sd / near.mean


def test_totals_of_prompts_without_an_answer_are_inside_their_interval() -> None:
    inside = 0
    for seed in range(60):
        rng = np.random.default_rng(1_000 + seed)
        lengths = Lengths({}, {}, fit_lengths(made(2_000 + seed, 200)))
        vectors = requests(rng, 500)
        said = lengths.expect_many((LARGE,), vectors)
        sd = math.hypot(said.shared_sd.sum(), np.sqrt(np.square(said.own_sd).sum()))
        truth = written(rng, TRUE_MEANS[LARGE], vectors).sum()
        inside += abs(truth - said.mean.sum()) < 1.96 * sd
    assert inside >= 55


def test_real_and_simulated_fits_say_so() -> None:
    assert fit_lengths(replace(made(11, 60), simulated=True)).simulated
