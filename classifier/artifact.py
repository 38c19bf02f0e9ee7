"""A model on disk: inert files, hashed, sealed and proved at load. Never pickle.

manifest.json        version, feature spec, calibration, cut-offs, digests of the files, a seal
arrays.safetensors   the encoder's tables and the heads' weights
vocabulary.txt       word pieces, one a line
encoder.onnx         the second stage, where the model has one
probes.json          prompts of our own with the verdicts that were made at training
facts.json           what it learned from, and the baselines that come of it
MODEL_CARD.md        the same for people: how good it is, whom it fails
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from classifier.contextual import Contextual
from classifier.features import FEATURE_SPEC
from classifier.linear import Heads
from classifier.model import Calibration, Classifier
from classifier.static import StaticEmbedder
from classifier.types import Cutoffs, Guarantee, Prompt, Verdict, Version

FORMAT: Final = 3
READABLE: Final = (1, 2, FORMAT)
"""Format 1 says nothing of data, parent, metrics, cut-offs and guarantee, format 2 nothing of a
second stage: all may be left out."""
MANIFEST: Final = "manifest.json"
ARRAYS: Final = "arrays.safetensors"
VOCABULARY: Final = "vocabulary.txt"
ENCODER: Final = "encoder.onnx"
PROBES: Final = "probes.json"
FACTS: Final = "facts.json"
CARD: Final = "MODEL_CARD.md"

LONGEST_NAME: Final = 255
"""Bytes of a file's name, beyond which systems raise instead of saying that it is not there."""

TOLERANCE: Final = 1e-3
"""How far a probe may drift on another machine: rounding, not another verdict."""
DOUBT: Final = 0.1
"""The same where the second stage is asked: processors round its eight bits differently, and the
label of a prompt that is near two of them may then be the other one."""

Arrays = Mapping[str, NDArray[Any]]  # safetensors gives every dtype; the readers check theirs


class ArtifactError(Exception):
    """The model cannot be used; the message names the file and the fix."""


class Manifest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What an artifact says of itself."""

    format: int
    version: Version
    feature_spec: str
    calibration: Calibration
    files: dict[str, str]
    """File name → SHA-256, hex."""
    libraries: dict[str, str]
    """Versions that it was trained with."""
    data: str = ""
    """SHA-256 of the data that it learned from, hex."""
    parent: Version | None = None
    """The version that it was made of: the same model with other cut-offs, or trained further."""
    metrics: dict[str, float] = {}
    """Headline figures at training time."""
    cutoffs: dict[str, Cutoffs] = {}
    """Name of a dial → the cut-offs on `success` that were chosen for it."""
    guarantee: Guarantee | None = None
    """What the cut-offs of `auto` were chosen to keep."""
    seal: str
    """SHA-256 of this manifest with an empty seal."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a version comes from: those fields of its manifest that say so."""

    libraries: Mapping[str, str]
    data: str = ""
    parent: Version | None = None
    metrics: Mapping[str, float] = {}


class Probe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A prompt, and the verdict that the model must give."""

    prompt: Prompt
    verdict: Verdict


def load(path: Path) -> Classifier:
    """The classifier in folder `path`, verified: digests, seal, feature spec, probes.

    Raises ArtifactError, also where it has a second stage and onnxruntime is missing.
    """
    manifest = read_manifest(path)
    contents = {name: _verified(path / name, digest) for name, digest in manifest.files.items()}
    second = manifest.calibration.second is not None
    for name in (ARRAYS, VOCABULARY, PROBES, *([ENCODER] if second else ())):
        if name not in contents:
            raise _damaged(path / MANIFEST, f"does not list {name}")
    try:
        arrays = load_arrays(contents[ARRAYS])
        embedder = StaticEmbedder.from_arrays(contents[VOCABULARY].decode().split("\n"), arrays)
        classifier = Classifier(
            version=manifest.version,
            embedder=embedder,
            heads=Heads.from_arrays(arrays),
            calibration=manifest.calibration,
            encoder=_second_stage(path / ENCODER, embedder) if second else None,
            cutoffs=manifest.cutoffs,
        )
    except (SafetensorError, KeyError, ValueError) as error:
        raise _damaged(path / ARRAYS, f"cannot be used: {error}") from error
    _prove(classifier, path / PROBES, contents[PROBES])
    return classifier


def _second_stage(file: Path, embedder: StaticEmbedder) -> Contextual:
    try:
        return Contextual(file, embedder.pieces)
    except ImportError as error:
        msg = f"{file.parent} has a second stage, which needs onnxruntime: make setup EXTRAS=second"
        raise ArtifactError(msg) from error
    except ValueError as error:
        raise _damaged(file, f"cannot be used: {error}") from error


def read_text(path: Path, name: str) -> str:
    """A further file of the artifact in folder `path`, verified. Raises ArtifactError."""
    digest = read_manifest(path).files.get(name)
    if digest is None:
        raise _damaged(path / MANIFEST, f"does not list {name}")
    return _verified(path / name, digest).decode()


def read_manifest(path: Path) -> Manifest:
    """The manifest of folder `path`, its seal and its format checked. Raises ArtifactError."""
    file = path / MANIFEST
    try:
        manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
    except OSError as error:
        raise _damaged(file, f"cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(file, f"is not a manifest: {error}") from error
    if manifest.seal != _seal(manifest):
        raise _damaged(file, "was changed after training")
    if not all(map(is_plain, manifest.files)):
        raise _damaged(file, "lists a file outside of its folder")
    if manifest.format not in READABLE or manifest.feature_spec != FEATURE_SPEC:
        msg = (
            f"{file}: made as format {manifest.format}, {manifest.feature_spec}; this version of "
            f"gearshift reads format {FORMAT}, {FEATURE_SPEC}. Train it again: gearshift train"
        )
        raise ArtifactError(msg)
    return manifest


def is_plain(name: str) -> bool:
    """Whether `name` names something in a folder, and nothing outside of it."""
    short = len(os.fsencode(name)) <= LONGEST_NAME
    return short and name not in {"", ".", ".."} and Path(name).name == name


def save(
    path: Path,
    classifier: Classifier,
    *,
    embedder: StaticEmbedder,
    probes: Sequence[Prompt],
    texts: Mapping[str, str],
    origin: Origin,
) -> None:
    """Write `classifier` to the new folder `path`, whole or not at all.

    `embedder` is the classifier's own; `texts` are further files (FACTS, CARD), hashed as well.
    """
    verdicts = classifier.assess_many(probes)
    pairs = [Probe(prompt=p, verdict=v) for p, v in zip(probes, verdicts, strict=True)]
    contents = {
        ARRAYS: _pack({**embedder.arrays(), **classifier.heads.arrays()}),
        VOCABULARY: "\n".join(embedder.pieces.vocabulary).encode(),
        PROBES: msgspec.json.format(msgspec.json.encode(pairs)),
        **{name: text.encode() for name, text in texts.items()},
    }
    if classifier.encoder is not None:
        contents[ENCODER] = classifier.encoder.file.read_bytes()
    manifest = Manifest(
        format=FORMAT,
        version=classifier.version,
        feature_spec=FEATURE_SPEC,
        calibration=classifier.calibration,
        files={},
        libraries=dict(origin.libraries),
        data=origin.data,
        parent=origin.parent,
        metrics=dict(origin.metrics),
        cutoffs=dict(classifier.cutoffs),
        seal="",
    )
    _write(path, manifest, contents)


def derive(
    path: Path,
    parent: Path,
    *,
    version: Version,
    cutoffs: Mapping[str, Cutoffs],
    guarantee: Guarantee,
    card: str,
) -> None:
    """Write `version` to the new folder `path`: the model in `parent`, with `cutoffs` of its own.

    Raises ArtifactError where the parent is damaged.
    """
    manifest = read_manifest(parent)
    contents = {name: _verified(parent / name, digest) for name, digest in manifest.files.items()}
    contents[CARD] = card.encode()
    manifest = msgspec.structs.replace(
        manifest,
        format=FORMAT,
        version=version,
        parent=manifest.version,
        cutoffs=manifest.cutoffs | dict(cutoffs),
        guarantee=guarantee,
    )
    _write(path, manifest, contents)


def _write(path: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> None:
    """Folder `path` with `contents`, and `manifest` with their digests and its seal."""
    files = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    manifest = msgspec.structs.replace(manifest, files=files)
    manifest = msgspec.structs.replace(manifest, seal=_seal(manifest))
    draft = path.with_name(f".{path.name}.part")
    draft.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (draft / name).write_bytes(data)
    (draft / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    draft.rename(path)


def _pack(arrays: Arrays) -> bytes:
    """Contiguous first: safetensors writes the memory of a transposed array as it lies."""
    return save_arrays({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def _seal(manifest: Manifest) -> str:
    plain = msgspec.json.encode(msgspec.structs.replace(manifest, seal=""), order="sorted")
    return hashlib.sha256(plain).hexdigest()


def _verified(file: Path, digest: str) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise _damaged(file, f"cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise _damaged(file, "does not match its digest in the manifest")
    return data


def _prove(classifier: Classifier, file: Path, data: bytes) -> None:
    """Every probe must get the verdict that it got at training, but for `TOLERANCE`."""
    try:
        probes = msgspec.json.decode(data, type=tuple[Probe, ...])
    except msgspec.DecodeError as error:
        raise _damaged(file, f"is not a list of probes: {error}") from error
    if not probes:
        raise _damaged(file, "has no probe")
    for number, probe in enumerate(probes, 1):
        verdict = classifier.assess(probe.prompt)
        if not _alike(verdict, probe.verdict, sure=classifier.glance(probe.prompt).sure):
            raise _damaged(file, f"probe {number} gets another verdict than at training")


def _alike(one: Verdict, other: Verdict, *, sure: bool) -> bool:
    drift = float(np.abs(np.subtract(_numbers(one), _numbers(other))).max())
    return (one.label == other.label and drift <= TOLERANCE) if sure else drift <= DOUBT


def _numbers(verdict: Verdict) -> tuple[float, ...]:
    values: tuple[float, ...] = msgspec.structs.astuple(verdict.probabilities)
    return values + msgspec.structs.astuple(verdict.success)


def _damaged(file: Path, what: str) -> ArtifactError:
    return ArtifactError(
        f"{file} {what}. Reinstall gearshift, or choose another version: gearshift models list"
    )
