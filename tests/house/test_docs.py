"""What the documentation says is so."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click import Context, Group

from router.cli.main import gearshift
from router.config.checks import faults
from router.config.schema import Environment
from router.config.shape import known_paths, shape
from scripts.reference import MARKER, PAGE, reference
from tests.house.tree import ROOT, files

PAGES = [path for path in files() if path.suffix == ".md" and path.parts[0] != "data"]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def fenced(path: Path, *languages: str) -> list[str]:
    """The code blocks of a page that are written in one of `languages`."""
    blocks = re.findall(
        r"^```(\w*)\n(.*?)^```", (ROOT / path).read_text(), re.MULTILINE | re.DOTALL
    )
    return [body for language, body in blocks if language in languages]


def test_the_reference_is_what_the_tree_says() -> None:
    assert PAGE.read_text(encoding="utf-8").partition(MARKER)[2] == reference(), "run `make fix`"


def test_every_setting_and_every_variable_is_in_the_reference() -> None:
    page = reference()
    for path in known_paths():
        assert f"| `{path.rpartition('.')[2]}` |" in page
    for name in Environment.__struct_fields__:
        assert name == "upstream_keys" or f"| `GEARSHIFT_{name.upper()}` |" in page


def test_the_example_of_the_configuration_page_is_sound() -> None:
    blocks = fenced(Path("docs/configuration.md"), "toml")
    config = shape(tomllib.loads("\n".join(reversed(blocks))))
    assert list(faults(config)) == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_target_that_a_page_names_exists(page: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|[`\s])make ([a-z]+)\b(?=[`\s]|$)", "\n".join(_commands(text))))
    assert named <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    unknown = []
    for line in "\n".join(_commands((ROOT / page).read_text(encoding="utf-8"))).splitlines():
        called = re.match(r"[`$\s]*(?:\S*/)?gearshift ([a-z]+)([^`|#]*)", line)
        if called:
            command = gearshift.get_command(Context(gearshift), called[1])
            if isinstance(command, Group) and (inner := re.match(r" ([a-z]+)", called[2])):
                command = command.get_command(Context(command), inner[1])
            known = {name for one in command.params for name in one.opts} if command else set()
            options = set(re.findall(r"(?<!\S)\[?(--[a-z-]+)", called[2])) - {"--help"}
            unknown += [line] if command is None or not options <= known else []
    assert unknown == []


def _commands(text: str) -> list[str]:
    """Everything that a page sets in code, by the line or by the word."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [*re.findall(r"`[^`\n]+`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)), *blocks]


def test_every_link_inside_the_project_leads_somewhere() -> None:
    broken = [
        f"{page}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", (ROOT / page).read_text())
        if not (ROOT / page.parent / target).exists()
    ]
    assert broken == []


def test_help_lists_every_target() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^  make (\w+)", listed.stdout, re.MULTILINE)) == TARGETS


def test_the_python_of_the_tests_is_one_that_set_up_would_take() -> None:
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert requires == ">=3.11,<3.14"
    assert (3, 11) <= sys.version_info < (3, 14)
