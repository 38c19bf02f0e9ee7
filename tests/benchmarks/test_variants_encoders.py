"""Encoders: tuned, made small, asked one prompt at a time, and remembered. Needs torch and ONNX."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.variants.encoders import ENCODER, Encoders
from benchmarks.variants.ground import Ground, ground
from benchmarks.variants.tuned import Tuning, frozen, shorten
from classifier.features import scored_text
from classifier.finetune import finetune
from classifier.pieces import WordPieces, cut
from tests.synthetic import examples, prompt, vocabulary

LACKING = [name for name in ("transformers", "onnx") if not importlib.util.find_spec(name)]
needs_encoders = pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}")
TUNING = Tuning(layers=1, tokens=24, epochs=1)
PIECES = WordPieces(vocabulary())


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


def encoders(found: Ground, folder: Path, told: list[str] | None = None) -> Encoders:
    note = (lambda text: None) if told is None else told.append
    return Encoders(found, folder / "cache", note, PIECES, base(folder / "base"))


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
    found = world()
    told = encoders(found, tmp_path).answers(TUNING, 0, "rows", everything(found))
    assert told.shape == (len(found.rows), 6)
    rows = [row for row, keep in zip(found.rows, found.fitted(0), strict=True) if keep]
    work = tmp_path / "cache" / TUNING.name / "0"
    tuned = finetune(rows, tmp_path / "base", work, TUNING.plan)
    assert 1 / (1 + np.exp(-told)) == pytest.approx(tuned.teacher(found.rows), abs=0.05)


@needs_encoders
def test_an_encoder_as_it_is_says_the_mean_over_the_pieces(tmp_path: Path) -> None:
    import torch  # noqa: PLC0415

    one, _ = encoders(world(), tmp_path).model(20, 0)
    asked = world().asked[0]
    plain = frozen(tmp_path / "base")
    own = WordPieces(plain.vocabulary)
    ids = torch.tensor([cut(own.encode(scored_text(asked)), 20, plain.ends)])
    with torch.no_grad():
        whole = plain.net["encoder"].eval()(input_ids=ids).last_hidden_state[0].mean(dim=0)
    assert one(asked) == pytest.approx(whole.numpy(), abs=0.1)
    assert np.corrcoef(one(asked), whole.numpy())[0, 1] > 0.99


@needs_encoders
def test_a_small_encoder_that_is_kept_is_not_made_again(tmp_path: Path) -> None:
    found, told = world(), list[str]()
    place = encoders(found, tmp_path, told)
    one, size = place.model(TUNING, 1)
    file = tmp_path / "cache" / TUNING.name / "1" / ENCODER
    assert file.stat().st_size == size
    made = file.stat().st_mtime_ns
    again, _ = place.model(TUNING, 1)
    assert file.stat().st_mtime_ns == made
    assert np.array_equal(again(found.asked[0]), one(found.asked[0]))
    assert not list(file.parent.glob("*.part"))


@needs_encoders
def test_only_what_is_asked_is_read_and_only_once(tmp_path: Path) -> None:
    found, told = world(), list[str]()
    place = encoders(found, tmp_path, told)
    few = np.arange(len(found.rows)) < 10
    answers = place.answers(16, 0, "rows", few)
    assert np.isfinite(answers[few]).all()
    assert np.isnan(answers[~few]).all()
    assert [line for line in told if "10 prompts" in line]
    told.clear()
    assert np.array_equal(place.answers(16, 0, "rows", few)[few], answers[few])
    assert told == []


@needs_encoders
def test_no_more_pieces_are_read_than_wanted(tmp_path: Path) -> None:
    one, size = encoders(world(), tmp_path).model(8, 0)
    long = " ".join(["lamp"] * 4 + ["river"] * 50 + ["cloud"])
    longer = " ".join(["lamp"] * 4 + ["prime"] * 80 + ["cloud"])
    same = " ".join(["lamp"] * 4 + ["river"] * 70 + ["cloud"])
    assert np.array_equal(one(prompt(long)), one(prompt(same)))
    assert not np.array_equal(one(prompt(long)), one(prompt(longer)))
    assert size < 1_000_000
