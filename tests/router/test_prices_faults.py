"""Prices and lengths where something is gone, full, huge or unknown: exact, or null and said."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.config.schema import Config
from router.domain import Attempt, Candidate, Decision, Facts, ModelId, Usage, Warm
from router.errors import ConfigError
from router.prices.answers import UNTIMED, Answers, gather, of_trace
from router.prices.book import build_prices
from router.prices.features import matrix
from router.prices.fit import drifting_error, fit_lengths, fit_speed
from router.prices.fitted import read_fit, rows_of, write_fit
from router.prices.lengths import Lengths
from router.prices.listed import quote_named
from router.prices.overview import overview
from router.prices.rates import Rate
from router.prices.settlement import settle
from tests.ledgers import NOON_US, entry
from tests.lengths import LARGE, SMALL, answers
from tests.router.test_prices_lengths import fitted
from tests.router.test_prices_settlement import CONFIG

DAY = datetime(2026, 11, 23, tzinfo=UTC)
SETTINGS = msgspec.toml.decode(CONFIG, type=Config)
BOOK = build_prices(SETTINGS, DAY)
LENGTHS = Lengths.priors(SETTINGS)
FLASH, INSTRUCT, THINKING = ModelId("flash"), ModelId("instruct"), ModelId("thinking")
DECISION = Decision(
    tier="medium",
    model=INSTRUCT,
    reason="label",
    candidates=(
        Candidate(tier="easy", model=FLASH),
        Candidate(tier="medium", model=INSTRUCT),
        Candidate(tier="hard", model=THINKING),
    ),
)


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow past a few bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_old_fit_and_no_litter(tmp_path: Path) -> None:
    """The half of a new file used to stay behind, under a hidden name, at every try."""
    path, fit = tmp_path / "lengths.json", fitted(small=100)
    write_fit(path, fit)
    with full_disk(), pytest.raises(ConfigError, match="cannot be written: File too large"):
        write_fit(path, fitted(small=200))
    assert read_fit(path) == fit
    assert [one.name for one in tmp_path.iterdir()] == ["lengths.json"]


def test_a_folder_in_the_place_of_a_fit_is_said(tmp_path: Path) -> None:
    (tmp_path / "lengths.json").mkdir()
    with pytest.raises(ConfigError, match="holds no output lengths: Is a directory; write it anew"):
        read_fit(tmp_path / "lengths.json")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_fit(tmp_path / "lengths.json", fitted(small=60))
    assert [one.name for one in tmp_path.iterdir()] == ["lengths.json"]


def test_a_fit_that_was_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lengths.json"
    write_fit(path, fitted(small=60, large=60))
    text = path.read_bytes().strip()
    for length in range(0, len(text), 97):
        path.write_bytes(text[:length])
        with pytest.raises(ConfigError, match="write it anew: gearshift costs fit"):
            read_fit(path)


def test_a_fit_may_be_of_models_with_any_name(tmp_path: Path) -> None:
    path = tmp_path / "lengths.json"
    (level,) = fitted(small=60).levels.values()
    named = {ModelId(name): level for name in ("模型/k2", 'a"b', "", "\x7f", "x" * 1_000)}
    write_fit(path, replace(fitted(small=60), levels=named))
    found = read_fit(path)
    assert found is not None
    assert found.levels == named
    assert rows_of(found.levels) == 5 * level.rows


@pytest.mark.parametrize(
    ("name", "known"),
    [("gpt-4o-mini", True), ("claude-3-5-haiku-20241022", True), ("no-such-model-7", False)],
)
def test_a_name_alone_may_tell_a_price(name: str, known: bool) -> None:
    """Of a log's answers often only the model's name is known, not the host."""
    quote = quote_named(name, DAY)
    assert bool(quote.rates) == known
    assert quote.source.startswith("genai-prices" if known else "unknown: not in genai-prices")
    assert all(0 < rate.input <= rate.output for rate in quote.rates)


@given(st.permutations(range(4)))
def test_the_order_of_failed_attempts_moves_no_money(order: list[int]) -> None:
    usage = [Usage(input=at * 100, output=at * 7, source="billed") for at in range(4)]
    tried = [
        Attempt(model=INSTRUCT, tier="medium", fault="cut", usage=usage[at], cost=None)
        for at in order
    ]
    answer = Attempt(model=INSTRUCT, tier="medium", usage=Usage(input=500, output=50))
    found, cost = settle(BOOK, LENGTHS, DECISION, [*tried, answer])
    assert (found.input, found.output) == (600 + 500, 42 + 50)
    assert cost.actual == 1_100 * 570_000 + 92 * 2_300_000
    assert cost.medium == 500 * 570_000 + 50 * 2_300_000


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**6), st.integers(1, 10**6))
def test_what_a_tier_would_have_cost_is_within_what_its_tokens_may_cost(
    taken: int, cached: int, written: int, cap: int
) -> None:
    usage = Usage(input=taken, cached=cached, output=written, source="billed")
    facts = Facts(input_tokens=taken, max_tokens=cap)
    tried = [Attempt(model=INSTRUCT, tier="medium", usage=usage)]
    _, cost = settle(BOOK, LENGTHS, DECISION, tried, facts=facts)
    assert cost.hard is not None
    rate = BOOK.rate(THINKING, taken)
    assert rate is not None
    assert taken * rate.cached <= cost.hard <= taken * rate.input + (cap + 1) * rate.output
    doubt = cost.doubts.get("hard")
    assert doubt is None or min(doubt.shared, doubt.own) >= 0
    assert cost.easy is not None
    assert cost.actual == cost.medium == BOOK.cost(INSTRUCT, usage)


@given(st.integers(0, 10**5), st.integers(0, 10**5), st.integers(0, 2 * 10**5))
def test_no_more_is_found_in_a_cache_than_was_sent(taken: int, cached: int, warm: int) -> None:
    usage = Usage(input=taken, cached=min(cached, taken), output=10, source="billed")
    facts = Facts(input_tokens=taken, warm=Warm(model=THINKING, tokens=warm))
    tried = [Attempt(model=INSTRUCT, tier="medium", usage=usage)]
    _, cost = settle(BOOK, LENGTHS, DECISION, tried, facts=facts)
    _, cold = settle(BOOK, LENGTHS, DECISION, tried, facts=Facts(input_tokens=taken))
    assert cost.hard is not None
    assert cold.hard is not None
    assert cost.hard <= cold.hard
    assert cost.hard >= taken * 150_000


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_price_is_linear_to_the_last_digit(one: int, other: int, cached: int, out: int) -> None:
    rate = Rate(cached=150_000, input=600_000, output=2_500_000)
    parts = Usage(input=one, output=out), Usage(input=other, cached=min(cached, other))
    whole = Usage(input=one + other, cached=min(cached, other), output=out)
    assert sum(rate.cost(part) for part in parts) == rate.cost(whole)


def test_the_order_of_answers_moves_no_fit() -> None:
    """Without times rows stand as they came; with times any order is the same."""
    one = replace(answers(np.random.default_rng(3), {SMALL: 90, LARGE: 90}))
    timed = replace(one, at_us=np.arange(one.rows) * 1_000_000)
    mixed = np.random.default_rng(4).permutation(one.rows)
    shuffled = Answers(
        simulated=False,
        models=timed.models,
        **{
            name: getattr(timed, name)[mixed]
            for name in ("model", "vectors", "output", "reasoning", "at_us", "duration_ms")
        },
    )
    first, second = fit_lengths(timed), fit_lengths(shuffled)
    assert (first.since_us, first.until_us) == (second.since_us, second.until_us)
    for model in (SMALL, LARGE):
        assert second.levels[model].log_mean == pytest.approx(first.levels[model].log_mean)
        assert second.levels[model].shared == pytest.approx(first.levels[model].shared)
    assert second.slopes == pytest.approx(first.slopes, abs=1e-9)


@pytest.mark.parametrize(("rows", "fits"), [(49, False), (50, True), (51, True)])
def test_a_model_is_fitted_from_so_many_answers_on(rows: int, fits: bool) -> None:
    fit = fit_lengths(answers(np.random.default_rng(1), {SMALL: rows}))
    assert (SMALL in fit.levels) == fits
    assert fit.few == ({} if fits else {SMALL: rows})
    assert (fit.since_us, fit.until_us) == (0, 0)


@pytest.mark.parametrize("value", [1.0, 17.0, 1e6])
def test_a_model_that_always_writes_the_same_is_fitted_without_a_warning(value: float) -> None:
    same = of_trace(SMALL, matrix(np.full(60, 1_150)), np.full(60, int(value)))
    level = fit_lengths(same).levels[SMALL]
    assert np.exp(level.log_mean) == pytest.approx(value)
    assert (level.shared, level.own) == pytest.approx((0, 0))
    assert level.speed is None
    assert fit_speed(same.output, np.full(60, 250.0)) is not None


def test_an_error_never_shrinks_because_rows_drift() -> None:
    chance = np.random.default_rng(5)
    residual, expected = chance.normal(0, 50, 512), np.full(512, 200.0)
    plain = drifting_error(residual, expected)
    drifting = drifting_error(np.sort(residual), expected)
    assert drifting > 3 * plain
    assert drifting_error(10 * residual, 10 * expected) == pytest.approx(plain)
    assert all(
        drifting_error(np.concatenate(order), expected) >= 50 / 200 / 512**0.5 * 0.9
        for order in permutations(np.array_split(residual, 4))
    )


@pytest.mark.parametrize("at_us", [0, NOON_US, 2**62])
def test_answers_of_any_time_are_gathered(at_us: int) -> None:
    usage = Usage(input=9, output=7, reasoning=9, source="billed")
    attempt = Attempt(model=SMALL, tier="easy", status=200, usage=usage)
    good = entry(1, at_us=at_us)
    good = replace(good, outcome=replace(good.outcome, finish="stop", attempts=(attempt,)))
    found = gather([good])
    assert (found.rows, found.at_us.tolist()) == (1, [at_us])
    assert found.reasoning.tolist() == [7.0]
    assert np.isnan(found.duration_ms).all()
    assert gather([]).rows == gather([good], simulated=True).rows == 0
    assert UNTIMED not in found.at_us


def test_an_overview_says_what_is_unknown_and_never_a_zero() -> None:
    told = {one.model: one for one in overview(SETTINGS, BOOK, LENGTHS).models}
    assert told[THINKING].price.cached == 0.15
    assert told[FLASH].price.cached == told[FLASH].price.input == 0.1
    nobody = told[ModelId("unpriced")]
    assert (nobody.price.input, nobody.price.cached, nobody.price.output) == (None, None, None)
    assert nobody.price.source.startswith("unknown: ")
    assert (nobody.own_spread, nobody.first_ms, nobody.tiers, nobody.answers) == (None, None, (), 0)
    for one in told.values():
        for figure in (one.tokens, one.ratio, one.prior):
            assert figure is None or 0 <= figure.low <= figure.value <= figure.high
