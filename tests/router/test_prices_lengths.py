"""Lengths before any fit, and a fit that meets priors."""

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from router.config.schema import Config
from router.domain import ModelId
from router.errors import ConfigError
from router.prices.features import Features
from router.prices.fit import fit_lengths
from router.prices.fitted import LARGEST_BYTES, Fit, read_fit, write_fit
from router.prices.lengths import Lengths
from router.prices.lines import PRIOR_OWN, REFERENCE_TOKENS, Prior
from tests.lengths import LARGE, OTHER, SMALL, TRUE_MEANS, answers

PLAIN = Features(input_tokens=1_150)
STATED = {
    SMALL: Prior(ratio=1.0, shared=0.0),
    LARGE: Prior(ratio=4.0, shared=math.log(4) / 3.92),
    OTHER: Prior(ratio=2.0, shared=0.1),
}
SPREADS = msgspec.toml.decode(
    """
    tiers = { easy = ["m"], medium = ["m"], hard = ["n"] }
    [upstream.host]
    base_url = "http://127.0.0.1:1/v1"
    [model.m]
    upstream = "host"
    name = "m"
    context = 1_000
    output_ratio = { value = 1, low = 1, high = 1, source = "s" }
    [model.n]
    upstream = "host"
    name = "n"
    context = 1_000
    max_tokens = 700
    output_ratio = { value = 4, low = 2, high = 8, source = "s" }
    """,
    type=Config,
)
M, N = ModelId("m"), ModelId("n")


def fitted(*, simulated: bool = False, **rows: int) -> Fit:
    rng = np.random.default_rng(1)
    given = {ModelId(name): count for name, count in rows.items()}
    return fit_lengths(answers(rng, given, simulated=simulated))


def test_a_prior_s_range_is_a_95_percent_range_of_what_is_common_to_all_requests() -> None:
    ratio = Lengths.priors(SPREADS).ratio(M, N)
    assert ratio is not None
    assert ratio.value == pytest.approx(4.0)
    low, high = (4 * math.exp(sign * 1.96 * ratio.shared_sd / 4) for sign in (-1, 1))
    assert (low, high) == pytest.approx((2.0, 8.0))


def test_the_reference_model_writes_what_is_stated_and_the_others_their_multiple() -> None:
    lengths = Lengths.priors(SPREADS)
    one, four = lengths.expect(M, PLAIN), lengths.expect(N, PLAIN)
    assert one is not None
    assert four is not None
    assert (one.mean, four.mean) == pytest.approx((REFERENCE_TOKENS, 4 * REFERENCE_TOKENS))
    assert one.own_sd == pytest.approx(PRIOR_OWN * one.mean)
    assert four.shared_sd / four.mean > one.shared_sd / one.mean > 0.5


def test_before_a_fit_nothing_is_known_of_prompts_so_all_are_alike() -> None:
    lengths = Lengths.priors(SPREADS)
    long = Features(input_tokens=90_000, difficulty=1.0, needs_info=0.9, tools=True)
    assert lengths.expect(N, long) == lengths.expect(N, PLAIN)


def test_a_model_is_what_it_is() -> None:
    ratio = Lengths({}, {}).ratio(M, M)
    assert ratio is not None
    assert (ratio.value, ratio.shared_sd, ratio.own_sd) == (1.0, 0.0, 0.0)


def test_limits_are_those_of_the_profiles() -> None:
    lengths = Lengths.priors(SPREADS)
    assert (lengths.limit(M), lengths.limit(N), lengths.limit(OTHER)) == (0, 700, 0)


def test_a_fitted_model_uses_the_fit_and_any_other_its_prior_in_the_fit_s_unit() -> None:
    lengths = Lengths(STATED, {}, fitted(small=2_000))
    assert [lengths.source(model) for model in (SMALL, LARGE, ModelId("no"))] == [
        "fit",
        "prior",
        "unknown",
    ]
    ratio = lengths.ratio(SMALL, LARGE)
    assert ratio is not None
    assert ratio.value == pytest.approx(4.0)
    mean = lengths.expect_many((SMALL, LARGE), np.zeros((1, 5))).mean[0]
    assert mean[1] == pytest.approx(4 * mean[0])
    assert mean[0] == pytest.approx(TRUE_MEANS[SMALL], rel=0.1), "not the reference's 210"


def test_two_priors_keep_their_ratio_whatever_was_fitted_beside_them() -> None:
    before, after = (
        Lengths(STATED, {}, fit).ratio(LARGE, OTHER) for fit in (None, fitted(small=400))
    )
    assert before is not None
    assert after is not None
    assert (after.value, after.shared_sd) == pytest.approx((before.value, before.shared_sd))


def test_where_nothing_joins_a_fit_to_a_prior_their_ratio_is_unknown() -> None:
    lengths = Lengths({LARGE: STATED[LARGE]}, {}, fitted(small=400))
    assert lengths.ratio(SMALL, LARGE) is None
    assert lengths.expect(LARGE, PLAIN) is not None
    assert np.isnan(lengths.ratios((SMALL, LARGE)).mean[0, 1])


def test_a_fit_is_less_in_doubt_than_a_prior() -> None:
    prior, fit = (
        Lengths(STATED, {}, each).ratio(SMALL, LARGE)
        for each in (None, fitted(small=2_000, large=2_000))
    )
    assert prior is not None
    assert fit is not None
    assert fit.shared_sd / fit.value < 0.3 * prior.shared_sd / prior.value


def test_the_version_follows_from_priors_and_fit() -> None:
    fit = fitted(small=400)
    versions = {
        Lengths(STATED, {}).version,
        Lengths(STATED, {}, fit).version,
        Lengths({SMALL: STATED[SMALL]}, {}, fit).version,
    }
    assert len(versions) == 3
    assert Lengths(STATED, {}, fit).version in versions


def test_a_fit_comes_back_from_its_file(tmp_path: Path) -> None:
    path, fit = tmp_path / "new" / "lengths.json", fitted(small=400, large=400, other=7)
    write_fit(path, fit)
    assert read_fit(path) == fit
    assert [one.name for one in path.parent.iterdir()] == ["lengths.json"]
    later = fitted(small=100)
    write_fit(path, later)
    assert read_fit(path) == later


def test_without_a_file_the_priors_stand(tmp_path: Path) -> None:
    lengths = Lengths.load(tmp_path / "lengths.json", SPREADS)
    assert lengths.version == Lengths.priors(SPREADS).version
    assert lengths.trouble is None


@pytest.mark.parametrize("simulated", [False, True])
def test_real_and_simulated_answers_are_never_mixed(tmp_path: Path, simulated: bool) -> None:
    path = tmp_path / "lengths.json"
    write_fit(path, fitted(small=400, simulated=simulated))
    assert (Lengths.load(path, SPREADS).fit is None) == simulated
    sandbox = msgspec.structs.replace(SPREADS, simulated=True)
    assert (Lengths.load(path, sandbox).fit is None) != simulated


def broken(fit: Fit, **fields: object) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(fit, **fields))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "truncated"),
        (b"\xff{}", "invalid"),
        (b"[]", "Expected `object`"),
        (broken(fitted(small=60), format=2), "another version"),
        (broken(fitted(small=60), features=("x",)), "another version"),
        (broken(fitted(small=60), covariance=((1.0,),)), "covariance"),
        (broken(fitted(small=60), slopes=(1e9, 0, 0, 0, 0)), "<= 30"),
        (b'{"levels": ' + b" " * LARGEST_BYTES, "larger than"),
    ],
)
def test_a_broken_file_is_named_with_the_remedy_and_leaves_the_priors(
    tmp_path: Path, text: bytes, why: str
) -> None:
    path = tmp_path / "lengths.json"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match=why) as caught:
        Lengths.load(path, SPREADS)
    assert "gearshift costs fit" in str(caught.value)
    assert str(path) in str(caught.value)
    degraded = Lengths.load_or_priors(path, SPREADS)
    assert degraded.version == Lengths.priors(SPREADS).version
    assert degraded.trouble == str(caught.value)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_fit(tmp_path / "file" / "lengths.json", fitted(small=60))


def test_latency_is_known_of_what_was_timed() -> None:
    lengths = Lengths(STATED, {}, fitted(small=400))
    assert lengths.latency_ms(SMALL, 100) == pytest.approx(300 + 12 * 100)
    assert lengths.latency_ms(LARGE, 100) is None
