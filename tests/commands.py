"""Commands as they are typed, without a process of their own: an import takes longer than most."""

from pathlib import Path

from click.testing import CliRunner, Result
from rich_click import Command


def typed(home: Path, command: Command, *words: str | Path) -> Result:
    """What `command` does with `home` as its data directory. Its error is the result's."""
    environ = {
        "GEARSHIFT_DATA_DIR": str(home),
        "GEARSHIFT_LEDGER_URL": "",
        "GEARSHIFT_REGISTRY": "",
    }
    return CliRunner(env=environ).invoke(command, [str(word) for word in words])


def done(home: Path, command: Command, *words: str | Path) -> Result:
    """The same of a command that must succeed."""
    result = typed(home, command, *words)
    assert result.exit_code == 0, result.output or result.exception
    return result
