"""What no committed file may say."""

import re

from tests.house.tree import ROOT, files, place

# Spelled so that this file does not contain what it looks for.
PLACES = ("/wo" + "rk/", "/ro" + "ot/", "/opt/wh" + "eels", "/opt/py" + "pi", "/tmp/uv" + "env")
HOSTS = ("py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js", "deb.deb" + "ian.org")
FORBIDDEN = re.compile("|".join(re.escape(word) for word in (*PLACES, *HOSTS)))
KEYS = re.compile(r"\b(sk-[A-Za-z0-9]{20,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,})\b")

LARGEST_BYTES = 24 * 1024 * 1024


def found(pattern: re.Pattern[str]) -> list[str]:
    """Where `pattern` stands in a committed text file."""
    return [
        f"{place(path, number)}: {match.group()}"
        for path in files()
        for number, line in enumerate((ROOT / path).read_bytes().splitlines(), 1)
        if (match := pattern.search(line.decode("utf-8", "replace")))
    ]


def test_no_file_names_a_machine_or_a_registry() -> None:
    assert found(FORBIDDEN) == []


def test_no_file_holds_a_key() -> None:
    assert found(KEYS) == []


def test_no_file_is_too_large_to_clone() -> None:
    assert [str(path) for path in files() if (ROOT / path).stat().st_size > LARGEST_BYTES] == []
