"""What every table of the configuration is made of."""

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(gt=0, le=1_000_000_000)]
"""A thousand million of anything here is a slip of the finger, and still fits every type behind."""
Natural = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Money = Annotated[float, Meta(ge=0.0, le=1_000_000.0)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: frozen, and an unknown key is an error."""
