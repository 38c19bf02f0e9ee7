"""The output lengths that were fitted from a log: an inert JSON document in the data folder."""

import os
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from router.domain import ModelId
from router.errors import ConfigError
from router.prices.features import NAMES

FILE: Final = "lengths.json"
"""Its name in the data folder."""
LARGEST_BYTES: Final = 4 * 1024 * 1024
"""A thousand models are a third of that: what is larger is another file."""
_FORMAT: Final = 1
_LOG_LIMIT: Final = 30.0

Log = Annotated[float, Meta(ge=-_LOG_LIMIT, le=_LOG_LIMIT)]
Spread = Annotated[float, Meta(ge=0.0, le=_LOG_LIMIT)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Duration = Annotated[float, Meta(ge=0.0, le=1e9)]
Count = Annotated[int, Meta(ge=0)]
Five = tuple[Log, Log, Log, Log, Log]


class Speed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a model takes: `first_ms + per_token_ms * output` to the last byte."""

    first_ms: Duration
    per_token_ms: Duration
    rows: Count


class Level(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much one model writes."""

    rows: Count
    """Answers that it was fitted on."""
    log_mean: Log
    """Logarithm of the expected output tokens of a request at `centre`."""
    centre: Five
    """Mean vector of the features of those answers."""
    shared: Spread
    """Standard error of `log_mean`, from the means of blocks of time: what drifts is in it."""
    own: Spread
    """Standard deviation of one answer about its expectation, as a share of the expectation."""
    reasoning: Share = 0.0
    """Share of the output tokens that were reasoning."""
    speed: Speed | None = None
    """None where the answers had no timings."""


class Fit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Levels of several models over common slopes: log-linear in the features."""

    format: int = _FORMAT
    features: tuple[str, ...] = NAMES
    simulated: bool
    """Fitted on answers of the sandbox. Never used for real money, nor the other way round."""
    since_us: int
    """When the first answer was asked for, microseconds since the epoch, UTC; 0: no time known."""
    until_us: int
    """When the last was."""
    slopes: Five
    """Change of the logarithm by each feature, alike for all models."""
    covariance: tuple[tuple[float, ...], ...]
    """Of the slopes, (5, 5)."""
    levels: dict[ModelId, Level]
    few: dict[ModelId, Count] = {}
    """Models with too few answers to be fitted, and how many they had: their priors stand."""


def digest_of(*parts: object) -> str:
    """16 hex digits over `parts`."""
    return blake2b(msgspec.json.encode(parts, order="sorted"), digest_size=8).hexdigest()


def read_fit(path: Path) -> Fit | None:
    """The fit at `path`; none where there is no such file.

    Raises ConfigError for what is no fit, saying what to do.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _broken(path, error.strerror or "it cannot be read") from error
    if len(text) > LARGEST_BYTES:
        raise _broken(path, f"it is larger than {LARGEST_BYTES:,} bytes")
    try:
        fit = msgspec.json.decode(text, type=Fit)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _broken(path, str(error)) from error
    if fit.format != _FORMAT or fit.features != NAMES:
        raise _broken(path, "another version of gearshift wrote it")
    if {len(row) for row in fit.covariance} != {len(NAMES)} or len(fit.covariance) != len(NAMES):
        raise _broken(path, f"its covariance is not {len(NAMES)} by {len(NAMES)}")
    return fit


def write_fit(path: Path, fit: Fit) -> None:
    """Put `fit` at `path` all at once: who reads it sees the old one or the new one.

    Raises ConfigError where the folder does not let it.
    """
    text = msgspec.json.format(msgspec.json.encode(fit)) + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            pass
        try:
            with Path(file.name).open("wb") as new:
                new.write(text)
                new.flush()
                os.fsync(new.fileno())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def rows_of(levels: Mapping[ModelId, Level]) -> int:
    """Answers that all of `levels` were fitted on."""
    return sum(level.rows for level in levels.values())


def _broken(path: Path, why: str) -> ConfigError:
    return ConfigError(f"{path} holds no output lengths: {why}; write it anew: gearshift costs fit")
