"""Where the configurations are that ship with the project."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from router.errors import ConfigError

CHECKOUT: Final = Path(__file__).parents[2] / "deploy" / "presets"


def preset_names() -> tuple[str, ...]:
    """Every preset, by name."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def preset_path(name: str) -> Path:
    """The file of preset `name`. Raises ConfigError that names those there are."""
    if name not in preset_names():
        raise ConfigError(f"there is no preset `{name}`; there are {', '.join(preset_names())}")
    return _folder() / f"{name}.toml"


def _folder() -> Path:
    """`deploy/presets` of a checkout; an installed package carries a copy of it."""
    return CHECKOUT if CHECKOUT.is_dir() else Path(str(files("router") / "presets"))
