"""A kept state that is damaged: it goes on to the same answer, or says how to begin again."""

import io
import random
import zipfile

import msgspec
import numpy as np
import pytest

from router.report.simulation.conclude import conclude
from router.report.simulation.fold import State, add, begin
from router.report.simulation.keep import restore, save
from tests.columns import drawn, rows_of
from tests.router.report.test_simulation_sums import ASKED, folded


def kept() -> bytes:
    return save(folded(drawn(60, shared=0.1)))


def refused(content: bytes) -> str:
    with pytest.raises(ValueError, match="begin again with --fresh") as told:
        restore(content, begin(ASKED))
    assert "\n" not in str(told.value)
    return str(told.value)


def bent(content: bytes, **arrays: object) -> bytes:
    """The file with other arrays in it."""
    with np.load(io.BytesIO(content)) as file:
        found = {name: file[name] for name in file.files}
    out = io.BytesIO()
    np.savez_compressed(out, **{**found, **arrays})
    return out.getvalue()


def about(content: bytes, **fields: object) -> bytes:
    """The file with something else said of it."""
    with np.load(io.BytesIO(content)) as file:
        said = msgspec.json.decode(file["about"].tobytes())
    return bent(content, about=np.frombuffer(msgspec.json.encode({**said, **fields}), np.uint8))


def test_a_file_cut_at_any_place_is_refused() -> None:
    content = kept()
    for length in sorted(random.Random(1).sample(range(len(content)), 40)):
        refused(content[:length])


def test_a_bit_that_flipped_changes_no_figure() -> None:
    """Either the file is refused, or the bit was of no matter."""
    content, state = kept(), folded(drawn(60, shared=0.1))
    expected, chance, refusals = conclude(state), random.Random(2), 0
    for _ in range(60):
        flipped = bytearray(content)
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        try:
            found = restore(bytes(flipped), begin(ASKED))
        except ValueError:
            refusals += 1
        else:
            assert conclude(found) == expected
    assert refusals > 40


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 2},
        {"version": "1"},
        {"requests": "many"},
        {"question": None},
        {"names": []},
        {"more": 1},
    ],
)
def test_a_state_of_another_version_is_refused(fields: dict[str, object]) -> None:
    refused(about(kept(), **fields))


def test_groups_without_their_names_are_refused() -> None:
    content = kept()
    with np.load(io.BytesIO(content)) as file:
        names = msgspec.json.decode(file["about"].tobytes())["names"]
    names[0][3] = names[0][3][:-1]
    assert "its groups and their names do not match" in refused(about(content, names=names))


@pytest.mark.parametrize(
    ("name", "array"),
    [
        (".0.0.cost", np.zeros(1_024, np.float64)),
        (".0.0.parts", np.zeros((1_024, 4, 2), np.int64)),
        ("about", np.zeros(3, np.uint8)),
        (".0.0.requests", np.array(["x"])),
    ],
)
def test_arrays_of_another_kind_are_refused(name: str, array: object) -> None:
    refused(bent(kept(), **{name: array}))


def test_an_array_that_is_missing_is_named() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(kept())) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if name != ".0.0.priced.npy":
                new.writestr(name, old.read(name))
    assert ".0.0.priced" in refused(out.getvalue())


def test_nothing_that_could_run_is_taken_for_an_array() -> None:
    """An array of objects would be unpickled, and what is unpickled can do anything."""
    refused(bent(kept(), seen=np.array([print], dtype=object)))


def test_a_log_may_be_interrupted_after_every_batch() -> None:
    columns = drawn(100, shared=0.1, own=0.1)
    state: State = begin(ASKED)
    for at in range(0, 100, 20):
        state = restore(save(add(state, rows_of(columns, slice(at, at + 20)))), begin(ASKED))
    assert conclude(state) == conclude(folded(columns))
    assert save(state) == save(restore(save(state), begin(ASKED)))
