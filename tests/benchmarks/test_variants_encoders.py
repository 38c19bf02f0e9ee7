"""Encoders: tuned, exported, asked one prompt at a time, and remembered. Needs torch and ONNX."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.variants.encoders import Encoders
from benchmarks.variants.ground import Ground, ground
from benchmarks.variants.tuned import Tuning, shorten
from classifier.finetune import finetune
from tests.synthetic import examples, prompt, vocabulary

LACKING = [
    name for name in ("transformers", "onnx", "onnxruntime") if not importlib.util.find_spec(name)
]
needs_encoders = pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}")
TUNING = Tuning(layers=1, tokens=24, epochs=1)


def base(folder: Path, layers: int = 1) -> Path:
    """A very small encoder that knows nothing."""
    from transformers import BertConfig, BertModel, BertTokenizerFast  # noqa: PLC0415

    folder.mkdir()
    pieces = [*vocabulary(), "[CLS]", "[SEP]", "[MASK]"]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def world() -> Ground:
    return ground(examples(40), examples(5, seed=3))


def everything(found: Ground) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    return np.ones(len(found.rows), np.bool_)


def test_a_shorter_encoder_is_the_same_files_with_fewer_layers(tmp_path: Path) -> None:
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"num_hidden_layers": 6, "hidden_size": 8}))
    (folder / "model.safetensors").write_bytes(b"weights")
    short = shorten(folder, 2, tmp_path / "cache" / "short")
    assert json.loads((short / "config.json").read_bytes()) == {
        "num_hidden_layers": 2,
        "hidden_size": 8,
    }
    assert (short / "model.safetensors").read_bytes() == b"weights"
    assert shorten(folder, 2, short) == short
    assert shorten(folder, 6, tmp_path / "whole") == folder


@needs_encoders
def test_what_serves_says_what_was_tuned(tmp_path: Path) -> None:
    found, where = world(), base(tmp_path / "base")
    encoders = Encoders(found, tmp_path / "cache", lambda text: None, where)
    told = encoders.answers(TUNING, 0, "rows", everything(found))
    assert told.shape == (len(found.rows), 6)
    rows = [row for row, keep in zip(found.rows, found.fitted(0), strict=True) if keep]
    teacher = finetune(rows, where, tmp_path / "cache" / TUNING.name / "0", TUNING.plan)
    assert 1 / (1 + np.exp(-told)) == pytest.approx(teacher(found.rows), abs=0.05)


@needs_encoders
def test_only_what_is_asked_is_read_and_only_once(tmp_path: Path) -> None:
    found, told = world(), list[str]()
    encoders = Encoders(found, tmp_path / "cache", told.append, base(tmp_path / "base"))
    few = np.arange(len(found.rows)) < 10
    answers = encoders.answers(16, 0, "rows", few)
    assert np.isfinite(answers[few]).all()
    assert np.isnan(answers[~few]).all()
    assert [line for line in told if "10 prompts" in line]
    told.clear()
    assert np.array_equal(encoders.answers(16, 0, "rows", few)[few], answers[few])
    assert told == []


@needs_encoders
def test_no_more_pieces_are_read_than_wanted(tmp_path: Path) -> None:
    encoders = Encoders(world(), tmp_path / "cache", lambda text: None, base(tmp_path / "base"))
    one, size = encoders.model(8, 0)
    long = " ".join(["lamp"] * 4 + ["river"] * 50 + ["cloud"])
    longer = " ".join(["lamp"] * 4 + ["prime"] * 80 + ["cloud"])
    same = " ".join(["lamp"] * 4 + ["river"] * 70 + ["cloud"])
    assert np.array_equal(one(prompt(long)), one(prompt(same)))
    assert not np.array_equal(one(prompt(long)), one(prompt(longer)))
    assert size < 1_000_000
