"""A fold that was interrupted goes on where it was."""

import io

import numpy as np
import pytest
from msgspec.structs import replace

from router.report.simulation.conclude import conclude
from router.report.simulation.fold import add, begin
from router.report.simulation.keep import restore, save
from router.report.simulation.question import Option, Question
from tests.columns import drawn
from tests.router.report.test_simulation_sums import ASKED, folded

TWO = Question(options=(Option(name="a"), Option(name="b", models=("x", "y", "z"))), rounds=30)
BARS = ((0.75, 0.6), (0.9, 0.8))


def test_what_was_saved_goes_on_to_the_same_answer() -> None:
    first, second = (drawn(400, seed=seed, shared=0.1, bars=BARS) for seed in (1, 2))
    state = restore(save(folded(first, question=TWO)), begin(TWO))
    assert conclude(add(state, second)) == conclude(folded(first, second, question=TWO))


def test_a_state_before_the_first_batch_can_be_saved_too() -> None:
    assert restore(save(begin(ASKED)), begin(ASKED)).requests == 0


def test_a_user_may_have_any_name() -> None:
    columns = replace(drawn(5), user=("", "=1+1", "名前", "nul\0", '"quoted"'))
    state = restore(save(folded(columns)), begin(ASKED))
    assert conclude(state) == conclude(folded(columns))


@pytest.mark.parametrize(
    "changed",
    [
        replace(ASKED, baseline="easy"),
        replace(ASKED, seed=7),
        replace(ASKED, options=(Option(name="another"),)),
        TWO,
    ],
)
def test_a_state_of_another_question_is_refused(changed: Question) -> None:
    with pytest.raises(ValueError, match=r"another question.*--fresh"):
        restore(save(begin(ASKED)), begin(changed))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"\x80\x04pickled", b"x" * 5_000])
def test_what_is_no_state_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(ValueError, match="begin again with --fresh"):
        restore(content, begin(ASKED))


def test_a_cut_or_bent_file_is_refused() -> None:
    content = save(folded(drawn(100)))
    with pytest.raises(ValueError, match="--fresh"):
        restore(content[: len(content) // 2], begin(ASKED))
    with np.load(io.BytesIO(content)) as file:
        arrays = {name: file[name] for name in file.files}
    arrays[".0.0.whole.served"] = arrays[".0.0.whole.served"][:, :2]
    bent = io.BytesIO()
    np.savez_compressed(bent, **arrays)
    with pytest.raises(ValueError, match="another shape"):
        restore(bent.getvalue(), begin(ASKED))


def test_nothing_in_it_can_run() -> None:
    with np.load(io.BytesIO(save(folded(drawn(50)))), allow_pickle=False) as file:
        kinds = {file[name].dtype.kind for name in file.files}
    assert kinds <= {"i", "u", "f", "b"}
