"""A model on disk is whole, or it is refused with the file's name and the fix."""

import shutil
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from classifier import artifact
from classifier.artifact import (
    ArtifactError,
    Manifest,
    derive,
    load,
    read_manifest,
    read_text,
    save,
)
from classifier.corpus import read, samples
from classifier.promise import with_promise
from classifier.registry import two_stage
from classifier.static import StaticEmbedder
from classifier.types import Cutoffs, Version
from tests.registries import KEPT
from tests.synthetic import VERSION, examples, prompt, static_embedder, trained

PROBES = tuple(prompt(example.prompt) for example in examples(3))
FILES = ("manifest.json", "arrays.safetensors", "vocabulary.txt", "probes.json", "MODEL_CARD.md")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("artifact") / VERSION
    store(path)
    return path


@pytest.fixture
def model(made: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(made, tmp_path / "model")


def store(path: Path) -> None:
    save(
        path,
        trained().classifier,
        embedder=static_embedder(),
        probes=PROBES,
        texts={artifact.CARD: "# Card\n"},
        origin=artifact.Origin(libraries={"numpy": "2"}, data="ab", metrics={"macro_f1": 0.5}),
    )


def rewrite(path: Path, change: Callable[[Manifest], Manifest]) -> None:
    """A manifest that someone sealed again after changing it."""
    changed = msgspec.structs.replace(change(read_manifest(path)), seal="")
    sealed = msgspec.structs.replace(changed, seal=artifact._seal(changed))
    (path / "manifest.json").write_bytes(msgspec.json.encode(sealed))


def relist(path: Path, digests: Mapping[str, str | None]) -> None:
    """A manifest with other digests of some files, none for one that it no longer lists."""
    listed = {**read_manifest(path).files, **digests}
    files = {name: digest for name, digest in listed.items() if digest}
    rewrite(path, lambda manifest: msgspec.structs.replace(manifest, files=files))


def test_what_was_saved_is_loaded(made: Path) -> None:
    loaded, first = load(made), trained().classifier
    assert loaded.version == VERSION
    assert loaded.calibration == first.calibration
    many = [prompt(example.prompt) for example in examples(30, seed=4)]
    assert loaded.assess_many(many) == first.assess_many(many)


def test_it_is_made_of_inert_files_only(made: Path) -> None:
    assert {file.name for file in made.iterdir()} == set(FILES)
    assert isinstance(load(made).embedder, StaticEmbedder)


def test_saving_leaves_no_draft_and_overwrites_nothing(made: Path) -> None:
    assert [path.name for path in made.parent.iterdir()] == [VERSION]
    with pytest.raises(OSError, match=r"(?i)not empty|exist"):
        store(made)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_is_noticed(model: Path, name: str) -> None:
    data = bytearray((model / name).read_bytes())
    data[len(data) // 2] ^= 1
    (model / name).write_bytes(data)
    with pytest.raises(ArtifactError, match=name):
        load(model)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named_with_the_fix(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(ArtifactError, match=rf"{name} cannot be read: .*gearshift models list"):
        load(model)


@pytest.mark.parametrize("name", FILES)
def test_a_cut_file_is_noticed(model: Path, name: str) -> None:
    data = (model / name).read_bytes()
    (model / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(ArtifactError, match=name):
        load(model)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nowhere/manifest.json cannot be read"):
        load(tmp_path / "nowhere")


def test_a_changed_calibration_breaks_the_seal(model: Path) -> None:
    file = model / "manifest.json"
    text = file.read_text()
    cutoff = str(read_manifest(model).calibration.needs_info)
    file.write_text(text.replace(f'"needs_info": {cutoff}', '"needs_info": 0.999'))
    assert file.read_text() != text
    with pytest.raises(ArtifactError, match="changed after training"):
        load(model)


@pytest.mark.parametrize("name", ["../else.txt", "/etc/hosts", "..", ""])
def test_a_manifest_may_list_only_what_is_in_its_folder(model: Path, name: str) -> None:
    rewrite(model, lambda one: msgspec.structs.replace(one, files=one.files | {name: "0" * 64}))
    with pytest.raises(ArtifactError, match="outside of its folder"):
        load(model)


@pytest.mark.parametrize("change", [{"format": 99}, {"feature_spec": "gearshift-features/0"}])
def test_another_format_or_feature_spec_says_to_train_again(
    model: Path, change: dict[str, object]
) -> None:
    rewrite(model, lambda manifest: msgspec.structs.replace(manifest, **change))
    with pytest.raises(ArtifactError, match=r"gearshift-features.*gearshift train"):
        load(model)


def test_probes_must_get_their_verdicts(model: Path) -> None:
    """A model that is whole but answers otherwise, say under another library, is refused."""

    def shift(manifest: Manifest) -> Manifest:
        offset = tuple(value + 1 for value in manifest.calibration.offset)
        calibration = msgspec.structs.replace(manifest.calibration, offset=offset)
        return msgspec.structs.replace(manifest, calibration=calibration)

    rewrite(model, shift)
    with pytest.raises(ArtifactError, match=r"probes.json probe 1 gets another verdict"):
        load(model)


def test_a_manifest_must_list_what_is_needed(model: Path) -> None:
    def forget(manifest: Manifest) -> Manifest:
        files = {name: digest for name, digest in manifest.files.items() if name != "probes.json"}
        return msgspec.structs.replace(manifest, files=files)

    rewrite(model, forget)
    with pytest.raises(ArtifactError, match=r"does not list probes.json"):
        load(model)


def test_heads_of_another_encoder_are_refused(model: Path, tmp_path: Path) -> None:
    rewrite(
        model,
        lambda manifest: msgspec.structs.replace(
            manifest,
            calibration=msgspec.structs.replace(manifest.calibration, slope=(1.0,), offset=(0.0,)),
        ),
    )
    with pytest.raises(ArtifactError, match=r"arrays.safetensors cannot be used: heads of shape"):
        load(model)


def test_further_files_are_read_and_verified(model: Path) -> None:
    assert read_text(model, artifact.CARD) == "# Card\n"
    with pytest.raises(ArtifactError, match=r"does not list facts.json"):
        read_text(model, artifact.FACTS)
    (model / artifact.CARD).write_text("# Better\n")
    with pytest.raises(ArtifactError, match=artifact.CARD):
        read_text(model, artifact.CARD)


def test_a_manifest_says_what_it_learned_from_and_how_well(made: Path) -> None:
    manifest = read_manifest(made)
    assert (manifest.format, manifest.data, manifest.parent) == (artifact.FORMAT, "ab", None)
    assert manifest.metrics == {"macro_f1": 0.5}
    assert (manifest.cutoffs, manifest.guarantee) == ({}, None)
    assert load(made).cutoffs == {}


def test_a_model_of_the_format_before_is_still_read(model: Path) -> None:
    def older(manifest: Manifest) -> Manifest:
        return msgspec.structs.replace(manifest, format=1, data="", metrics={})

    rewrite(model, older)
    assert "metrics" not in (model / "manifest.json").read_text()
    assert load(model).version == VERSION


CHOSEN = Cutoffs(easy=0.6, medium=0.36)
CALIBRATED = Version("20261125-11223344")


def calibrated(parent: Path, version: Version = CALIBRATED) -> Path:
    """A version made of `parent` with cut-offs of its own."""
    path = parent.with_name(version)
    before = read_manifest(parent).version
    card = read_text(parent, artifact.CARD)
    card = with_promise(card, parent=before, version=version, cutoffs=CHOSEN, guarantee=KEPT)
    derive(path, parent, version=version, cutoffs={"auto": CHOSEN}, guarantee=KEPT, card=card)
    return path


def test_a_version_with_cutoffs_is_the_same_model(model: Path) -> None:
    path = calibrated(model)
    manifest, parent = read_manifest(path), read_manifest(model)
    assert (manifest.version, manifest.parent) == (CALIBRATED, VERSION)
    assert (manifest.cutoffs, manifest.guarantee) == ({"auto": CHOSEN}, KEPT)
    assert (manifest.data, manifest.metrics) == (parent.data, parent.metrics)
    assert load(path).cutoffs == {"auto": CHOSEN}
    many = [prompt(example.prompt) for example in examples(10, seed=4)]
    for one, other in zip(load(path).assess_many(many), load(model).assess_many(many), strict=True):
        assert msgspec.structs.replace(one, model_version=VERSION) == other


def test_changed_cutoffs_break_the_seal(model: Path) -> None:
    file = calibrated(model) / "manifest.json"
    text = file.read_text()
    file.write_text(text.replace("0.36", "0.26"))
    assert file.read_text() != text
    with pytest.raises(ArtifactError, match="changed after training"):
        load(file.parent)


def test_the_card_tells_the_promise_once(model: Path) -> None:
    first = calibrated(model)
    second = calibrated(first, Version("20261126-55667788"))
    card = read_text(second, artifact.CARD)
    assert card.count("## What its cut-offs keep") == 1
    assert "| target | `spend<=40%` |" in card
    assert "| held-out rows | 1,234 |" in card
    assert "easy 0.6, medium 0.36" in card
    assert "0.1 : 0.4 : 1" in card
    assert f"The model is that of {CALIBRATED}" in card


def test_a_damaged_parent_is_refused(model: Path) -> None:
    (model / "vocabulary.txt").write_text("none")
    with pytest.raises(ArtifactError, match=r"vocabulary.txt does not match"):
        calibrated(model)
    assert not model.with_name(CALIBRATED).exists()


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    """A copy of the version that ships with a second stage."""
    return shutil.copytree(two_stage(), tmp_path / "staged")


def test_a_second_stage_is_saved_with_its_version(tmp_path: Path) -> None:
    shipped = load(two_stage())
    assert isinstance(shipped.embedder, StaticEmbedder)
    save(
        tmp_path / "again",
        shipped,
        embedder=shipped.embedder,
        probes=PROBES,
        texts={},
        origin=artifact.Origin(libraries={}),
    )
    again = load(tmp_path / "again")
    assert (tmp_path / "again" / artifact.ENCODER).read_bytes() == (
        two_stage() / artifact.ENCODER
    ).read_bytes()
    many = [prompt(example.prompt) for example in examples(10, seed=4)]
    assert again.assess_many(many) == shipped.assess_many(many)


def test_a_second_stage_that_is_gone_or_damaged_is_refused(staged: Path) -> None:
    whole = (staged / artifact.ENCODER).read_bytes()
    (staged / artifact.ENCODER).write_bytes(whole[:-1])
    with pytest.raises(ArtifactError, match=r"encoder\.onnx does not match its digest"):
        load(staged)
    (staged / artifact.ENCODER).unlink()
    with pytest.raises(ArtifactError, match=r"encoder\.onnx cannot be read"):
        load(staged)


def test_a_second_stage_that_is_no_model_or_not_listed_is_refused(staged: Path) -> None:
    (staged / artifact.ENCODER).write_bytes(b"no model")
    relist(staged, {artifact.ENCODER: sha256(b"no model").hexdigest()})
    with pytest.raises(ArtifactError, match=r"encoder\.onnx cannot be used: no ONNX model"):
        load(staged)
    relist(staged, {artifact.ENCODER: None})
    with pytest.raises(ArtifactError, match=r"does not list encoder\.onnx"):
        load(staged)


def test_a_probe_in_doubt_may_drift_a_little_and_no_further(staged: Path) -> None:
    """Processors round eight bits differently."""
    shipped = load(staged)
    asked = next(
        one
        for one in (prompt(row.prompt) for row in read(samples()))
        if not shipped.glance(one).sure
    )
    verdict = shipped.assess(asked)

    def drifted(by: float) -> bytes:
        success = msgspec.structs.replace(verdict.success, easy=verdict.success.easy + by)
        moved = msgspec.structs.replace(verdict, success=success)
        return msgspec.json.encode([artifact.Probe(prompt=asked, verdict=moved)])

    for by, held in ((artifact.DOUBT / 2, True), (artifact.DOUBT * 2, False)):
        (staged / artifact.PROBES).write_bytes(drifted(by))
        digest = sha256(drifted(by)).hexdigest()
        relist(staged, {artifact.PROBES: digest})
        if held:
            assert load(staged).assess(asked) == verdict
        else:
            with pytest.raises(ArtifactError, match="another verdict than at training"):
                load(staged)
