"""The variants that are compared, by name, in the order of the table."""

from typing import Final, TypeAlias

import msgspec

from benchmarks.variants.heads import Kind
from benchmarks.variants.tuned import Tuning

SHORT: Final = Tuning(layers=6, tokens=64, epochs=1)
LONG: Final = Tuning(layers=6, tokens=112, epochs=3)
"""As the teacher of the shipped version was tuned, and the second stage; four of them take an hour
and a half of CPU, minutes of a GPU."""
MIDDLE: Final = Tuning(layers=6, tokens=128, epochs=1)
SHALLOW: Final = Tuning(layers=2, tokens=64, epochs=1)


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """The version that ships, as it is: it knows every source, so none can be left out."""


class Static(msgspec.Struct, frozen=True, kw_only=True):
    """A head over the shipped static encoder, surface and, where linear or end to end, terms."""

    head: Kind
    teacher: Tuning | None = None
    """The encoder that is asked for half of each target; tuned on the same rows."""


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """The same with the vector of MiniLM as it is, int8, in place of the static one."""

    head: Kind
    tokens: int


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """MiniLM with heads, fine-tuned together, int8; no surface features."""

    tuning: Tuning
    folds: bool = True
    """Whether sources are left out in turn, which takes three more tunings."""


class Cascade(msgspec.Struct, frozen=True, kw_only=True):
    """The first variant, blended with the second where it is unsure and the prompt is short."""

    first: str
    second: str
    share: float
    """Share of the rows that calibrate which the second is asked about; 1 asks it always."""
    pieces: int | None
    """Most word pieces of a prompt that the second is asked about; none sets no limit."""


Making: TypeAlias = Shipped | Static | Frozen | Tuned | Cascade


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    name: str
    """For the command line."""
    title: str
    """For readers."""
    making: Making


BASE: Final = "static-linear"
"""The shipped kind, without a teacher; every other variant is compared with it."""
FIRST: Final = "static-linear-taught-long"
"""The first stage of every cascade: the kind that ships."""
SECOND: Final = "tuned-6x112-long"
PIECES: Final = 62
"""With the marks at its ends 64; half of val have more, and most of the cost is theirs."""


def _cascade(percent: int, pieces: int | None) -> Variant:
    name = "any" if pieces is None else "short"
    among = "" if pieces is None else f", at most {pieces} pieces"
    return Variant(
        name=f"cascade-{percent}-{name}",
        title=f"taught static, blended with the long tuning where unsure: {percent} %{among}",
        making=Cascade(first=FIRST, second=SECOND, share=percent / 100, pieces=pieces),
    )


VARIANTS: Final[tuple[Variant, ...]] = (
    Variant(name="shipped", title="**shipped version, as it is**", making=Shipped()),
    Variant(
        name=BASE,
        title="static, linear heads with terms: the shipped kind, without a teacher",
        making=Static(head="linear"),
    ),
    Variant(
        name="static-linear-taught",
        title="the same, taught by the tuned 6 layers below (64 tokens, one epoch)",
        making=Static(head="linear", teacher=SHORT),
    ),
    Variant(
        name="static-linear-taught-long",
        title="the same, taught as the shipped version was (112 tokens, three epochs)",
        making=Static(head="linear", teacher=LONG),
    ),
    Variant(name="static-boosting", title="static, boosting", making=Static(head="boosting")),
    Variant(name="static-network", title="static, small network", making=Static(head="network")),
    Variant(
        name="static-end-to-end",
        title="static vectors tuned end to end with pairs, small network",
        making=Static(head="end to end"),
    ),
    Variant(
        name="static-end-to-end-taught",
        title="the same, taught likewise",
        making=Static(head="end to end", teacher=SHORT),
    ),
    Variant(
        name="minilm-64-linear",
        title="frozen MiniLM, 64 tokens, linear heads with terms",
        making=Frozen(head="linear", tokens=64),
    ),
    Variant(
        name="minilm-128-linear",
        title="frozen MiniLM, 128 tokens, linear heads with terms",
        making=Frozen(head="linear", tokens=128),
    ),
    Variant(
        name="minilm-256-linear",
        title="frozen MiniLM, 256 tokens, linear heads with terms",
        making=Frozen(head="linear", tokens=256),
    ),
    Variant(
        name="minilm-128-boosting",
        title="frozen MiniLM, 128 tokens, boosting",
        making=Frozen(head="boosting", tokens=128),
    ),
    Variant(
        name="minilm-128-network",
        title="frozen MiniLM, 128 tokens, small network",
        making=Frozen(head="network", tokens=128),
    ),
    Variant(
        name="tuned-2x64",
        title="tuned MiniLM, 2 of 6 layers, 64 tokens, one epoch",
        making=Tuned(tuning=SHALLOW),
    ),
    Variant(
        name="tuned-6x64",
        title="tuned MiniLM, 6 layers, 64 tokens, one epoch",
        making=Tuned(tuning=SHORT),
    ),
    Variant(
        name="tuned-6x128",
        title="tuned MiniLM, 6 layers, 128 tokens, one epoch",
        making=Tuned(tuning=MIDDLE, folds=False),
    ),
    Variant(
        name="tuned-6x112-long",
        title="tuned MiniLM, 6 layers, 112 tokens, three epochs",
        making=Tuned(tuning=LONG),
    ),
    *(_cascade(percent, PIECES) for percent in (3, 5, 10, 20)),
    *(_cascade(percent, None) for percent in (5, 10, 100)),
)


def leaves_out(making: Making) -> bool:
    """Whether a variant is made without some sources, to be judged by them."""
    if isinstance(making, Tuned):
        return making.folds
    return not isinstance(making, Shipped)


BY_NAME: Final = {variant.name: variant for variant in VARIANTS}
