"""The presets that ship: one file for each way to be served."""

from pathlib import Path

from router.errors import ConfigError


def preset_names() -> tuple[str, ...]:
    """The names of all presets, in alphabetical order."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def preset_path(name: str) -> Path:
    """The file of the preset `name`. Raises ConfigError that lists those there are."""
    if name not in preset_names():
        raise ConfigError(f"there is no preset {name!r}; there are {', '.join(preset_names())}")
    return _folder() / f"{name}.toml"


def _folder() -> Path:
    """`router/presets` where the package was installed, `deploy/presets` in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "presets"
    return installed if installed.is_dir() else package.parent / "deploy" / "presets"
