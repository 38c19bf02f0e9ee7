"""Fine-tuning: the questions, the cut, the batches; and the training, where torch is there."""

import importlib.util
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.contextual import Contextual
from classifier.corpus import Example
from classifier.finetune import Plan, batches, finetune, questions
from classifier.model import sigmoid
from classifier.pieces import WordPieces, cut
from classifier.shrink import shrink
from tests.synthetic import examples, prompt, vocabulary

PLAN = Plan(epochs=2, batch=8, tokens=24, rate=5e-3, head_rate=1e-2, save_every=5)
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="the train extra is not installed"
)


def test_every_head_is_asked_and_what_is_unknown_weighs_nothing() -> None:
    rows = [
        Example(prompt="a", label="hard", needs_info=0, share_small=0.25, source="one"),
        Example(prompt="b", needs_info=1, source="two"),
        Example(prompt="c", label="easy", source="one"),
    ]
    asked = questions(rows)
    known = (asked.weight > 0).tolist()
    assert known[0] == [True, True, True, True, False, False]
    assert known[1] == [True, False, False, False, False, False]
    assert known[2] == [False, True, False, False, False, False]
    assert asked.target[0].tolist() == [0, 1, 1, 0.25, 0, 0]
    assert asked.source[0] == asked.source[2] != asked.source[1]


@given(st.integers(0, 300), st.integers(4, 64))
def test_a_text_is_cut_to_its_bound_head_and_tail(size: int, tokens: int) -> None:
    pieces = list(range(1_000, 1_000 + size))
    kept = cut(pieces, tokens, (1, 2))
    assert len(kept) == min(size + 2, tokens)
    assert (kept[0], kept[-1]) == (1, 2)
    middle = kept[1:-1]
    assert middle == sorted(middle)
    if size:
        assert (middle[0], middle[-1]) == (pieces[0], pieces[-1])


def test_an_epoch_has_every_row_once_in_an_order_of_its_own() -> None:
    lengths = np.random.default_rng(0).integers(2, 100, 101)
    first, again, second = (batches(lengths, PLAN, epoch) for epoch in (0, 0, 1))
    assert sorted(np.concatenate(first).tolist()) == list(range(101))
    assert max(len(batch) for batch in first) == PLAN.batch
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]
    assert [batch.tolist() for batch in first] != [batch.tolist() for batch in second]


def base(folder: Path) -> Path:
    """A very small encoder that knows nothing, the same each time: how fast one learns is luck."""
    import torch  # noqa: PLC0415
    from transformers import BertConfig, BertModel, BertTokenizerFast  # noqa: PLC0415

    torch.manual_seed(3)
    folder.mkdir()
    pieces = [*vocabulary(), "[CLS]", "[SEP]", "[MASK]"]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@needs_torch
def test_the_encoder_learns_to_answer(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    tuned = finetune(
        examples(40), base(tmp_path / "base"), tmp_path / "work", PLAN, lambda *at: steps.append(at)
    )
    assert steps == [(step, 40) for step in range(1, 41)]
    fresh = examples(10, seed=9)
    told = tuned.teacher(fresh)
    assert told.shape == (40, 6)
    lacking = np.array([e.needs_info == 1 for e in fresh])
    assert told[lacking, 0].mean() > told[~lacking, 0].mean() + 0.2
    assert told == pytest.approx(np.stack([tuned.teacher([one])[0] for one in fresh]), abs=0.02)
    assert not list(tmp_path.rglob("*.bin")) + list(tmp_path.rglob("*.pt"))


@needs_torch
def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    class Interrupted(Exception):
        pass

    def until(step: int, of: int) -> None:
        if step == 13:
            raise Interrupted

    where, work = base(tmp_path / "base"), tmp_path / "work"
    with pytest.raises(Interrupted):
        finetune(examples(40), where, work, PLAN, until)
    assert json.loads((work / "progress.json").read_bytes())["step"] == 10
    told: list[int] = []
    first = finetune(examples(40), where, work, PLAN, lambda step, of: told.append(step))
    assert told == list(range(11, 41))
    again = finetune(examples(40), where, work, PLAN, lambda step, of: told.append(step))
    assert told[-1] == 40
    assert len(told) == 30
    assert again.teacher(examples(3)) == pytest.approx(first.teacher(examples(3)))


@needs_torch
def test_made_small_it_says_the_same_under_other_numbers(tmp_path: Path) -> None:
    tuned = finetune(examples(40), base(tmp_path / "base"), tmp_path / "work", PLAN)
    turned = [*reversed(vocabulary()), "##never"]
    shrink(tuned, turned, tmp_path / "encoder.onnx")
    assert [file.name for file in tmp_path.glob("*.onnx*")] == ["encoder.onnx"]
    small = Contextual(tmp_path / "encoder.onnx", WordPieces(turned))
    fresh = examples(10, seed=9)
    pieces = [small.pieces(prompt(example.prompt).text, 22) for example in fresh]
    told = np.array([sigmoid(small.logits(one)) for one in pieces if one is not None])
    assert told == pytest.approx(tuned.teacher(fresh), abs=0.1)


@needs_torch
def test_another_plan_begins_anew(tmp_path: Path) -> None:
    where, work = base(tmp_path / "base"), tmp_path / "work"
    finetune(examples(20), where, work, PLAN)
    told: list[int] = []
    other = msgspec.structs.replace(PLAN, rate=1e-3)
    finetune(examples(20), where, work, other, lambda step, of: told.append(step))
    assert told[0] == 1
