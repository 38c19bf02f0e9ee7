"""What may be imported, from where, and what that drags in."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import PACKAGES, ROOT, functions, imports, parse, place, python, text

HEAVY = {
    "altair", "cleanlab", "daft", "great_tables", "mapie", "matplotlib", "model2vec", "onnxruntime",
    "pandas", "pyarrow", "ray", "scipy", "sentence_transformers", "sklearn", "skops", "torch",
    "transformers", "vl_convert",
}  # fmt: skip
SERVICE = {
    "aiohttp", "alembic", "httpx", "httpx_aiohttp", "litestar", "prometheus_client", "redis",
    "sqlalchemy", "structlog", "uvicorn",
}  # fmt: skip
CODE_IN_DATA = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}

# What the light set cannot import: these modules say in their first lines which extra they need.
ONLY_WITH_EXTRA: set[str] = set()

PROBE = """
import importlib, json, os, sys, threading
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps({
    "modules": sorted({name.partition(".")[0] for name in sys.modules}),
    "threads": threading.active_count(),
    "files": os.listdir("."),
}))
"""


def module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def modules(package: str) -> list[str]:
    """Every module of a package that the serving set can import."""
    named = [module(path) for path in python(package) if "migrations" not in path.parts]
    return [name for name in named if name not in ONLY_WITH_EXTRA and not name.endswith("__main__")]


def imported(names: list[str], folder: Path) -> dict[str, object]:
    """What a fresh process holds after it imported `names` in an empty folder."""
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", PROBE, *names],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_everything_drags_in_nothing_heavy(package: str, tmp_path: Path) -> None:
    found = imported(modules(package), tmp_path)
    assert isinstance(found["modules"], list)
    assert HEAVY.intersection(found["modules"]) == set()


def test_the_classifier_is_usable_without_the_service(tmp_path: Path) -> None:
    found = imported(modules("classifier"), tmp_path)
    assert isinstance(found["modules"], list)
    assert SERVICE.intersection(found["modules"]) == set()
    assert "router" not in found["modules"]


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_works_at_import_time(package: str, tmp_path: Path) -> None:
    found = imported(modules(package), tmp_path)
    assert found["threads"] == 1
    assert found["files"] == []


def test_packages_have_no_facades() -> None:
    assert [
        str(path) for path in python(*PACKAGES) if path.name == "__init__.py" and text(path)
    ] == []


def test_no_import_of_our_own_code_hides_in_a_function() -> None:
    assert [
        f"{place(path, line)}: {name}"
        for path in python(*PACKAGES)
        for function in functions(path)
        for line, name in imports(function)
        if name.partition(".")[0] in PACKAGES
    ] == []


def test_only_the_configuration_reads_the_environment() -> None:
    assert [
        place(path, node.lineno)
        for path in python(*PACKAGES)
        if path.parts[:2] != ("router", "config")
        for node in ast.walk(parse(path))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv"))
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and _names_environment(node))
    ] == []


def _names_environment(node: ast.ImportFrom) -> bool:
    return any(name.name in ("environ", "getenv", "putenv") for name in node.names)


def test_nothing_is_loaded_that_could_run_code() -> None:
    assert [
        f"{place(path, line)}: {name}"
        for path in python()
        for line, name in imports(parse(path))
        if name.partition(".")[0] in CODE_IN_DATA
    ] == []
