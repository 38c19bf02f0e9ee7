"""Ways to serve the same requests that a policy is measured by: lots, the length rule."""

import numpy as np

from classifier.types import TIERS
from router.report.simulation.answer import Beside, Controls
from router.report.simulation.arrays import Floats
from router.report.simulation.draws import Draws, noise
from router.report.simulation.length_rule import shares
from router.report.simulation.question import Option
from router.report.simulation.scenario import Sides, beside, sides
from router.report.simulation.sums import Doubts, Lengths, Sums, Versus, Whole


def controls(draws: Draws, sums: Sums, option: Option) -> Controls:
    """All of them."""
    easy, medium, hard = (
        versus(draws, one, option, f"always {tier}")
        for tier, one in zip(TIERS, sums.tiers, strict=True)
    )
    return Controls(
        always_hard=hard,
        always_medium=medium,
        always_easy=easy,
        random_mix=_random_mix(draws, sums.whole, option),
        length_rule=_length_rule(draws, sums.whole, sums.lengths, option),
        oracle=versus(draws, sums.oracle, option, "oracle"),
    )


def versus(draws: Draws, sums: Versus, option: Option, name: str) -> Beside:
    """Another way whose sums are known."""
    doubt = noise(draws, sums.doubts, option, option, name)
    return beside(draws, sides(draws, sums), doubt, sums)


def _random_mix(draws: Draws, whole: Whole, option: Option) -> Beside:
    """Every request's tier by lot, expected: the mean of each tier, as often as it serves."""
    requests, served = draws.of(whole.requests), draws.of(whole.served)
    with np.errstate(invalid="ignore", divide="ignore"):
        mix = served / requests[:, None]
    chance = np.nan_to_num(mix[0])
    doubts = _apart(whole, whole.controls_shared * chance, whole.controls_own * chance**2)
    drawn = _sides(
        draws,
        whole,
        other=(mix * draws.of(whole.controls)).sum(axis=1),
        quality=(mix * draws.of(whole.qualities)).sum(axis=1),
    )
    return beside(draws, drawn, noise(draws, doubts, option, option, "random mix"))


def _length_rule(draws: Draws, whole: Whole, lengths: Lengths, option: Option) -> Beside:
    """By the thresholds that give the log's own mix; they stay the same in all replicates."""
    mix = whole.served.sum(axis=0).astype(np.float64)
    part = shares(lengths.requests.sum(axis=0).astype(np.float64), mix)
    doubts = _apart(whole, (lengths.shared * part).sum(axis=0), (lengths.own * part**2).sum(axis=0))
    drawn = _sides(
        draws,
        whole,
        other=draws.weights @ (lengths.costs * part).sum(axis=(1, 2)),
        quality=draws.weights @ (lengths.qualities * part).sum(axis=(1, 2)),
    )
    return beside(draws, drawn, noise(draws, doubts, option, option, "length rule"))


def _apart(whole: Whole, shared: Floats, own: Floats) -> Doubts:
    """Doubts of ways whose errors on single requests are taken as unrelated: wider, if anything."""
    return Doubts(
        routed_shared=whole.routed_shared,
        routed_own=whole.routed_own,
        other_shared=shared,
        other_own=own,
        common_own=np.zeros(len(TIERS)),
    )


def _sides(draws: Draws, whole: Whole, *, other: Floats, quality: Floats) -> Sides:
    nothing = np.zeros(len(draws.weights))
    return Sides(
        requests=draws.of(whole.requests),
        routed=draws.of(whole.routed),
        other=other,
        scored=draws.of(whole.scored),
        routed_quality=draws.of(whole.routed_quality),
        other_quality=quality,
        timed=nothing,
        other_time=nothing,
    )
