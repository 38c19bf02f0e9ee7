"""The project's own files, as the rules of the house see them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).parent.parent.parent
PACKAGES: Final = ("router", "classifier")
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files() -> tuple[Path, ...]:
    """Every file that is or would be committed, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    named = (Path(name) for name in listed.split("\0") if name)
    return tuple(sorted(path for path in named if (ROOT / path).is_file()))


def python(*folders: str) -> tuple[Path, ...]:
    """Our Python files, of `folders` alone where some are given."""
    return tuple(
        path
        for path in files()
        if path.suffix == ".py" and (not folders or path.parts[0] in folders)
    )


def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def lines(path: Path) -> int:
    return text(path).count("\n")


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    """Every function of a file, the methods and the nested ones too."""
    for node in ast.walk(parse(path)):
        if isinstance(node, Function):
            yield node


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that is imported anywhere below `tree`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def place(path: Path, line: int) -> str:
    """Where something is, as editors and terminals understand it."""
    return f"{path}:{line}"
