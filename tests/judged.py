"""Rows with verdicts to judge by, made up to the number."""

from classifier.corpus import Example
from classifier.facts import Facts, LengthRule, Source
from classifier.judge.rows import Judged, judged
from classifier.types import Label, Probabilities, Success, Verdict
from tests.verdicts import VERSION

FACTS = Facts(
    data="",
    encoder="",
    rows=3,
    left_out={},
    sources=(
        Source(
            name="exam",
            rows=2,
            labels={"hard": 2},
            needs_info=0,
            shares=(0, 0, 0),
            majority="hard",
            licenses=("MIT",),
        ),
    ),
    majority="easy",
    length_rule=LengthRule(edges=(10.0,), labels=("easy", "hard")),
    held_macro_f1=0.5,
)


def verdict(
    label: Label = "easy",
    confidence: float = 1.0,
    *,
    lacking: float | None = None,
    success: tuple[float, float, float] = (0.5, 0.6, 0.7),
) -> Verdict:
    """A verdict that says `label`; what is left of its confidence goes to the next label."""
    shares = dict.fromkeys(("easy", "medium", "hard", "needs_info"), 0.0)
    shares["medium" if label == "easy" else "easy"] = 1 - confidence
    shares[label] = confidence
    if lacking is not None:
        shares["needs_info"] = lacking
    easy, medium, hard = success
    return Verdict(
        label=label,
        probabilities=Probabilities(**shares),
        success=Success(easy=easy, medium=medium, hard=hard),
        difficulty=0.5,
        confidence=confidence,
        truncated=False,
        model_version=VERSION,
    )


def seen(*pairs: tuple[Label, Label], source: str = "exam", prompt: str = "x") -> Judged:
    """Rows by true and said label."""
    rows = [Example(prompt=prompt, source=source, label=truth) for truth, _ in pairs]
    return judged(rows, [verdict(said) for _, said in pairs])
