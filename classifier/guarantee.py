"""Cut-offs that keep a promise: chosen on rows that no head has seen, by learn-then-test.

Every bar of an ordered family is a policy, and "this policy misses the target" is a hypothesis.
The bars are tested in a fixed order, the safest first, each at level delta, up to the first that
cannot be refuted; with probability of at least 1 - delta every bar before it keeps the target
(Angelopoulos et al. 2021, Learn then Test, arXiv 2110.01052: fixed-sequence testing).
Nothing is assumed of the classifier or of the rows' distribution: only that the rows are drawn
independently from the traffic that the promise is about. Near duplicates are not, so each group
of them counts once.

Pure; all arrays have one entry a row unless said otherwise.
"""

import re
from typing import Final, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from classifier.pvalues import Floats, betting_tail, binomial_tail
from classifier.types import TIERS, Costs, Cutoffs, Tier

Kind: TypeAlias = Literal["hard-miss", "spend", "quality"]

BARS: Final = tuple(round(0.01 * step, 2) for step in range(101))
SEED: Final = 20_261_123
MOST_ROWS: Final = 1_000_000
"""Where the search for the number of rows that would be needed ends."""
STEP: Final = 0.001
"""How finely the bound is told."""

_FORM: Final = re.compile(r"(hard-miss|spend|quality)\s*(<=|>=)\s*(\d+(?:\.\d+)?)\s*%")


class TargetError(Exception):
    """The target cannot be read or cannot be met; the message says why and what would help."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised."""

    kind: Kind
    level: float
    """A share: at most this for hard-miss and spend, at least this for quality."""

    def __str__(self) -> str:
        return f"{self.kind}{'>=' if self.kind == 'quality' else '<='}{_percent(self.level)}"


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Held-out rows: what the classifier says of each, and what is known of it."""

    easy: Floats
    """success.easy"""
    medium: Floats
    """success.medium"""
    lacking: NDArray[np.bool_]
    """Whether it is called needs_info, so that no cut-off is asked."""
    hard: NDArray[np.bool_]
    """Whether it is truly hard."""
    quality: Floats
    """How good each tier's answer is, 0 to 1, shape (n, 3); NaN where nobody knows."""
    group: NDArray[np.intp]
    """A number that near duplicates share."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be promised, how surely, and under which policy."""

    target: Target
    delta: float
    """Chance that the promise is not kept, over the draw of the rows."""
    needs_info_tier: Tier = "medium"
    costs: Costs | None = None
    """Needed for spend alone."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The cut-offs that were chosen, and what they do on the rows."""

    cutoffs: Cutoffs
    rows: int
    """Independent rows that the target was tested on."""
    value: float
    """The target's quantity on them."""
    bound: float
    """Its one-sided bound at 1 - delta, for these cut-offs taken by themselves."""
    shares: tuple[float, float, float]
    """Share of all rows that is sent to each tier."""


class _Case(msgspec.Struct, frozen=True, kw_only=True):
    """One target on its rows. The quantity is sum(part of the tier chosen) / sum(whole)."""

    rows: Rows
    terms: Terms
    part: Floats
    """Shape (n, 3)."""
    whole: Floats
    span: tuple[float, float]
    """Least and greatest value that a part can have, known without the rows."""

    @property
    def floor(self) -> bool:
        """Whether the target is a least value."""
        return self.terms.target.kind == "quality"

    def taken(self, bar: float) -> Floats:
        """The part of each row under the policy of `bar`."""
        tier = tiers(self.rows, cutoffs_at(bar), self.terms.needs_info_tier)
        chosen: Floats = self.part[np.arange(tier.size), tier]
        return chosen

    def value(self, bar: float) -> float:
        """The quantity on these rows."""
        return float(self.taken(bar).sum() / max(self.whole.sum(), 1e-9))

    def p_value(self, taken: Floats, level: float) -> float:
        """Chance of rows that look so good or better if the quantity just missed `level`."""
        if self.terms.target.kind == "hard-miss":
            return binomial_tail(int(taken.sum()), taken.size, level)
        gain = taken - level * self.whole if self.floor else level - taken
        low, high = self.span
        ends = (low - level, high) if self.floor else (level - high, level - low)
        return betting_tail(gain, ends, self.terms.delta)


def parse_target(text: str) -> Target:
    """The target that `text` spells: `hard-miss<=5%`, `spend<=40%`, `quality>=98%`.

    Raises TargetError.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        forms = '"hard-miss<=5%", "spend<=40%" or "quality>=98%"'
        raise TargetError(f"{text!r} is no target; write {forms}")
    kind, sign, percent = found.groups()
    target: Target = msgspec.convert({"kind": kind, "level": float(percent) / 100}, Target)
    if sign not in str(target):
        bound = "at least" if kind == "quality" else "at most"
        raise TargetError(f"{text!r}: {kind} is promised to be {bound} a value; write {target}")
    if not 0 < target.level < 1:
        raise TargetError(f"{text!r}: only what lies between 0% and 100% can be tested")
    return target


def cutoffs_at(bar: float) -> Cutoffs:
    """The policy of `bar`. Medium may be less sure than easy: the next tier is dearer there.

    On labelled rows this curve came within a point of quality of the best of all pairs at each
    spend, where one bar for both lost up to four.
    """
    return Cutoffs(easy=bar, medium=round(bar * bar, 4))


def tiers(rows: Rows, cutoffs: Cutoffs, needs_info_tier: Tier) -> NDArray[np.intp]:
    """Where the policy by success sends each row, as positions in TIERS."""
    other = np.where(rows.medium >= cutoffs.medium, 1, 2)
    tier = np.where(rows.easy >= cutoffs.easy, 0, other)
    return np.where(rows.lacking, TIERS.index(needs_info_tier), tier)


def choose(rows: Rows, terms: Terms) -> Choice:
    """The cut-offs that keep the target and save most, or for spend those of the best quality.

    Both are the last bar that passes: a lower bar sends more to cheaper tiers. Raises TargetError.
    """
    case = _case(rows, terms)
    level = terms.target.level
    passed = None
    for bar in BARS if terms.target.kind == "spend" else reversed(BARS):
        if case.p_value(case.taken(bar), level) > terms.delta:
            break
        passed = bar
    if passed is None:
        raise TargetError(_refusal(case))
    cutoffs = cutoffs_at(passed)
    everywhere = tiers(rows, cutoffs, terms.needs_info_tier)
    easy, medium, hard = (np.bincount(everywhere, minlength=3) / everywhere.size).tolist()
    return Choice(
        cutoffs=cutoffs,
        rows=case.whole.size,
        value=case.value(passed),
        bound=_bound(case, case.taken(passed)),
        shares=(easy, medium, hard),
    )


def _case(rows: Rows, terms: Terms) -> _Case:
    kind = terms.target.kind
    known: dict[Kind, NDArray[np.bool_]] = {
        "hard-miss": rows.hard,
        "quality": np.array(np.isfinite(rows.quality).all(axis=1)),
        "spend": np.ones(rows.hard.size, np.bool_),
    }
    used = known[kind]
    if not used.any():
        raise TargetError(f"{terms.target} cannot be tested: no held-out row is {_NEEDED[kind]}")
    rows = _independent(rows, used)
    ones = np.ones(rows.hard.size)
    part, whole, span = rows.quality, rows.quality[:, 2], (0.0, 1.0)
    if kind != "quality":
        each = (1.0, 0.0, 0.0) if kind == "hard-miss" else _relative(terms.costs)
        part, whole, span = np.outer(ones, each), ones, (min(each), max(each))
    return _Case(rows=rows, terms=terms, part=part, whole=whole, span=span)


_NEEDED: Final[dict[Kind, str]] = {
    "hard-miss": "labelled hard",
    "quality": "labelled by tier, or has a share of each tier",
    "spend": "of any label",
}


def _relative(costs: Costs | None) -> Costs:
    if costs is None or costs[2] <= 0:
        raise TargetError("a target on spend needs to know what each tier costs")
    easy, medium, hard = costs
    return easy / hard, medium / hard, 1.0


def _independent(rows: Rows, used: NDArray[np.bool_]) -> Rows:
    """One row of each group of those `used`, in an order that no file and no source decides."""
    drawn = np.random.default_rng(SEED).permutation(np.flatnonzero(used))
    chosen = drawn[np.sort(np.unique(rows.group[drawn], return_index=True)[1])]
    return Rows(**{name: column[chosen] for name, column in msgspec.structs.asdict(rows).items()})


def _bound(case: _Case, taken: Floats) -> float:
    """The strictest level, in steps from the target's, that these rows still prove."""
    level, sign = case.terms.target.level, 1 if case.floor else -1
    while case.p_value(taken, level) <= case.terms.delta:
        bound, level = level, round(level + sign * STEP, 9)
        if not 0 < level < 1:
            break
    return bound


def _refusal(case: _Case) -> str:
    """Why no bar passes: none is good enough, or the rows are too few to prove it."""
    terms, size = case.terms, f"{case.whole.size:,} held-out rows"
    what = f"{terms.target} cannot be met:"
    best = (max if case.floor else min)(BARS, key=case.value)
    value, level = case.value(best), terms.target.level
    if value < level if case.floor else value > level:
        return f"{what} the best that any cut-off reaches is {_percent(value)}, on {size}"
    needed = _needed(case, case.taken(best))
    many = f"about {needed:,}" if needed else f"more than {MOST_ROWS:,}"
    return (
        f"{what} {size} are too few at delta {terms.delta:g}; {many} like them would be needed "
        f"({_NEEDED[terms.target.kind]}, near duplicates counted once)"
    )


def _needed(case: _Case, taken: Floats) -> int:
    """How many rows like these would pass; 0 where `MOST_ROWS` do not."""

    def passes(size: int) -> bool:
        more = msgspec.structs.replace(case, whole=np.resize(case.whole, size))
        return more.p_value(np.resize(taken, size), case.terms.target.level) <= case.terms.delta

    low, high = taken.size, 2 * taken.size
    while not passes(high):
        low, high = high, 2 * high
        if low > MOST_ROWS:
            return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def _percent(share: float) -> str:
    return f"{round(100 * share, 3):g}%"
