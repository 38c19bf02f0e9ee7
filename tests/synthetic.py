"""A small world to train in: a rule decides how hard a prompt is, and no torch is needed."""

import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
from safetensors.numpy import save_file

from classifier.corpus import Example
from classifier.embed import HashEmbedder
from classifier.features import extract
from classifier.fit import Settings
from classifier.static import StaticEmbedder
from classifier.train import Trained, train
from classifier.types import Label, Prompt, Turn, Version

VERSION = Version("20261123-0a1b2c3d")

WORDS = (
    "lamp",
    "river",
    "engine",
    "garden",
    "matrix",
    "prime",
    "letter",
    "window",
    "copper",
    "cloud",
)
TEMPLATES: dict[Label, tuple[str, ...]] = {
    "easy": ("what is {n} plus {m} ?", "name the colour of a {w}", "spell the word {w}"),
    "medium": (
        "a {w} costs {n} and a {v} costs {m} more ; what do both cost together ? show each step",
        "write a loop that prints every {w} from {n} to {m} and explain how it ends",
    ),
    "hard": (
        "prove that no {w} of order {n} has a {v} of order {m} , and bound the {w} from below",
        "derive the limit of the {w} as {n} grows , justify the exchange of sum and {v} integral",
    ),
    "needs_info": (
        "fix it",
        "send the {w} to them",
        "do the same for the other {w}",
        "change that one",
    ),
}
SHARES: dict[Label, tuple[float, float, float]] = {
    "easy": (0.95, 1.0, 1.0),
    "medium": (0.2, 0.9, 1.0),
    "hard": (0.0, 0.2, 0.8),
}


def prompt(text: str) -> Prompt:
    found = extract((Turn(role="user", text=text),))
    assert found is not None
    return found


def examples(count: int = 70, seed: int = 1) -> list[Example]:
    """`count` rows of each label, in two sources, some near duplicates among them."""
    return list(_examples(count, random.Random(seed)))


def _examples(count: int, draw: random.Random) -> Iterator[Example]:
    for label, templates in TEMPLATES.items():
        for number in range(count):
            text = draw.choice(templates).format(
                n=draw.randint(2, 99),
                m=draw.randint(2, 99),
                w=draw.choice(WORDS),
                v=draw.choice(WORDS),
            )
            shares = SHARES.get(label, (None, None, None))
            yield Example(
                prompt=text,
                id=f"{label}-{number}",
                source=f"source {number % 2}",
                label=label,
                needs_info=int(label == "needs_info"),
                conf=0.9,
                share_small=shares[0],
                share_mid=shares[1],
                share_top=shares[2],
                cluster=text,
                license="Apache-2.0",
                license_class="permissive",
            )


def vocabulary() -> list[str]:
    """Word pieces that cover the templates, and letters for everything else."""
    words = {word for texts in TEMPLATES.values() for text in texts for word in text.split()}
    letters = "abcdefghijklmnopqrstuvwxyz0123456789?.,;+"
    pieces = {word for word in words if "{" not in word} | set(WORDS) | set(letters)
    return ["[PAD]", "[UNK]", *sorted(pieces), *(f"##{letter}" for letter in letters)]


def static_embedder(dims: int = 8) -> StaticEmbedder:
    pieces = vocabulary()
    return StaticEmbedder.quantise(pieces, _table(len(pieces), dims))


def save_encoder(folder: Path, dims: int = 8) -> Path:
    """The same encoder as files, as model2vec writes them."""
    pieces = vocabulary()
    folder.mkdir(parents=True)
    numbered = {piece: number for number, piece in enumerate(pieces)}
    model = {"type": "WordPiece", "vocab": numbered}
    tokenizer = {"model": model, "normalizer": {"type": "BertNormalizer", "lowercase": True}}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    save_file({"embeddings": _table(len(pieces), dims)}, folder / "model.safetensors")
    return folder


def save_examples(path: Path, rows: list[Example]) -> Path:
    path.write_bytes(b"\n".join(map(msgspec.json.encode, rows)) + b"\n")
    return path


@cache
def trained() -> Trained:
    """A model of this world on the static encoder; made once."""
    return train(examples(), static_embedder(), settings=Settings(), version=VERSION)


@cache
def trained_on_hashes() -> Trained:
    """The same on the fake encoder."""
    return train(examples(), HashEmbedder(), settings=Settings(), version=VERSION)


def _table(pieces: int, dims: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(5).standard_normal((pieces, dims)).astype(np.float32)
