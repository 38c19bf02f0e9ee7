"""Nothing grows past what can be read in one go."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

from tests.house.tree import PACKAGES, functions, lines, parse, place, python

FILE_STOP = 350
FILE_MEDIAN = 150
FUNCTION_STOP = 50
FUNCTION_P90 = 25
PARAMETERS = 6
FIELDS = 16


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """What a caller must keep in mind: self and the class are not among it."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return sum(1 for argument in named if argument.arg not in ("self", "cls"))


def fields(path: Path) -> Iterator[tuple[ast.ClassDef, int]]:
    """Every class of a file with the number of its annotated fields."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ClassDef):
            annotated = [one for one in node.body if isinstance(one, ast.AnnAssign)]
            yield node, sum(1 for one in annotated if "ClassVar" not in ast.unparse(one.annotation))


def test_no_file_is_too_long() -> None:
    assert [f"{path}: {lines(path)}" for path in python() if lines(path) > FILE_STOP] == []


def test_half_of_the_files_are_short() -> None:
    assert median(lines(path) for path in python(*PACKAGES) if lines(path)) <= FILE_MEDIAN


def test_no_function_is_too_long() -> None:
    assert [
        f"{place(path, function.lineno)}: {function.name} has {length(function)} lines"
        for path in python()
        for function in functions(path)
        if length(function) > FUNCTION_STOP
    ] == []


def test_nine_functions_of_ten_are_short() -> None:
    lengths = [length(one) for path in python(*PACKAGES) for one in functions(path)]
    assert quantiles(lengths, n=10)[-1] <= FUNCTION_P90


def test_no_function_asks_for_too_much() -> None:
    assert [
        f"{place(path, function.lineno)}: {function.name} has {parameters(function)} parameters"
        for path in python()
        for function in functions(path)
        if parameters(function) > PARAMETERS
    ] == []


def test_no_struct_is_too_wide() -> None:
    assert [
        f"{place(path, node.lineno)}: {node.name} has {count} fields"
        for path in python(*PACKAGES)
        for node, count in fields(path)
        if count > FIELDS
    ] == []


def test_there_is_as_much_test_as_code() -> None:
    code = sum(lines(path) for path in python(*PACKAGES))
    tests = sum(lines(path) for path in python("tests"))
    assert tests >= code, f"{tests} lines of tests for {code} lines of code"
