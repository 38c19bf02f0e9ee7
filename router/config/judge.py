"""The table about the model that judges."""

from router.config.section import Money, Section, Share
from router.domain import ModelId


class Judge(Section, frozen=True, kw_only=True):
    """`[judge]`: a model that labels kept prompts for training, by `gearshift judge`."""

    model: ModelId = ModelId("")
    """Name of a `[model.NAME]`, which says its host and its price; empty: there is no judge."""
    share: Share = 0.1
    """Share of the kept prompts that is judged: a sample finds what is wrong, all of it is dear."""
    budget_usd: Money = 1.0
    """Where one run ends, by what was billed and an estimate of what is under way."""
