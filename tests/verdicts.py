"""Prompts, verdicts and a clock to test with."""

from hypothesis import strategies as st

from classifier.types import LABELS, Probabilities, Prompt, Success, Verdict, Version

VERSION = Version("20261123-0a1b2c3d")


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def prompt(text: str = "hello", *, context: str = "") -> Prompt:
    return Prompt(text=text, context=context, length=len(text))


def verdict(difficulty: float = 0.25, *, version: Version = VERSION) -> Verdict:
    return Verdict(
        label="easy",
        probabilities=Probabilities(easy=0.7, medium=0.15, hard=0.1, needs_info=0.05),
        success=Success(easy=0.8, medium=0.9, hard=0.95),
        difficulty=difficulty,
        confidence=0.7,
        truncated=False,
        model_version=version,
    )


_shares = st.floats(min_value=0.0, max_value=1.0)


def prompts() -> st.SearchStrategy[Prompt]:
    return st.builds(
        Prompt,
        text=st.text(max_size=40),
        context=st.text(max_size=40),
        truncated=st.booleans(),
        length=st.integers(min_value=0, max_value=10**7),
    )


def verdicts() -> st.SearchStrategy[Verdict]:
    return st.builds(
        Verdict,
        label=st.sampled_from(LABELS),
        probabilities=st.builds(
            Probabilities, easy=_shares, medium=_shares, hard=_shares, needs_info=_shares
        ),
        success=st.builds(Success, easy=_shares, medium=_shares, hard=_shares),
        difficulty=_shares,
        confidence=_shares,
        truncated=st.booleans(),
        model_version=st.text(max_size=20).map(Version),
    )
