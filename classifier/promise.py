"""What a model card says of the target that its version's cut-offs were chosen to keep."""

from typing import Final

from classifier.types import Cutoffs, Guarantee, Version

_HEADING: Final = "## What its cut-offs keep"


def with_promise(
    card: str, *, parent: Version, version: Version, cutoffs: Cutoffs, guarantee: Guarantee
) -> str:
    """The card of `version`, made of the `card` of its parent."""
    text = card.partition(f"\n{_HEADING}\n")[0].replace(parent, version, 1)
    return f"{text.rstrip()}\n\n{_HEADING}\n\n{_section(parent, cutoffs, guarantee)}"


def _section(parent: Version, cutoffs: Cutoffs, guarantee: Guarantee) -> str:
    costs = ""
    if guarantee.costs:
        easy, medium, hard = guarantee.costs
        costs = f" A request to each tier was taken to cost {easy:.3g} : {medium:.3g} : {hard:.3g}."
    return f"""\
| | |
| --- | --- |
| target | `{guarantee.target}` |
| delta | {guarantee.delta:g} |
| held-out rows | {guarantee.rows:,} |
| value on them | {guarantee.value:.1%} |
| bound at 1 - delta | {guarantee.bound:.1%} |
| tested on | {guarantee.day} |
| cut-offs of `auto` | easy {cutoffs.easy:g}, medium {cutoffs.medium:g} |

The model is that of {parent}; the cut-offs were chosen by learn-then-test (arXiv 2110.01052) on
rows that its heads were not fitted on, each group of near duplicates counted once. They apply where
`policy.by = "success"`, and what lacks information goes to {guarantee.needs_info_tier}.{costs}
On other traffic than those rows are drawn from, nothing is promised.
"""
