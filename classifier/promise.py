"""What a model card says of the target that its version's cut-offs were chosen to keep."""

from typing import Final

from classifier.markdown import table
from classifier.types import Cutoffs, Guarantee, Version

_HEADING: Final = "## What its cut-offs keep"


def with_promise(
    card: str, *, parent: Version, version: Version, cutoffs: Cutoffs, guarantee: Guarantee
) -> str:
    """The card of `version`, made of the `card` of its parent."""
    text = card.partition(f"\n{_HEADING}\n")[0].replace(parent, version, 1)
    return f"{text.rstrip()}\n\n{_HEADING}\n\n{_section(parent, cutoffs, guarantee)}"


def _section(parent: Version, cutoffs: Cutoffs, guarantee: Guarantee) -> str:
    rows = [
        ("target", f"`{guarantee.target}`"),
        ("delta", f"{guarantee.delta:g}"),
        ("held-out rows", f"{guarantee.rows:,}"),
        ("value on them", f"{guarantee.value:.1%}"),
        ("bound at 1 - delta", f"{guarantee.bound:.1%}"),
        ("tested on", guarantee.day),
        ("cut-offs of `auto`", f"easy {cutoffs.easy:g}, medium {cutoffs.medium:g}"),
        ("what lacks information", guarantee.needs_info_tier),
    ]
    if guarantee.costs:
        costs = " : ".join(f"{cost:.3g}" for cost in guarantee.costs)
        rows.append(("cost of a request by tier", costs))
    told = "\n".join(table(("", ""), rows))
    return f"""\
{told}

The model is that of {parent}. The cut-offs apply where `policy.by = "success"`; they were chosen by
learn-then-test (arXiv 2110.01052) on the calibration part of the data, each group of near
duplicates counted once. On traffic unlike those rows nothing is promised.
"""
