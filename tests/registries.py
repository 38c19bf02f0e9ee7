"""Registries with small models in them, good ones and bad ones."""

from pathlib import Path

import msgspec

from classifier import artifact
from classifier.linear import Heads
from classifier.model import Classifier
from classifier.static import StaticEmbedder
from classifier.types import Guarantee, Version
from tests.synthetic import prompt, trained

OLD, NEW, BAD = (Version(f"20261124-{digit * 8}") for digit in "123")


def good(version: Version) -> Classifier:
    """The model of the synthetic world, which it knows well."""
    return _changed(version)


def blind(version: Version) -> Classifier:
    """The same, but everything lacks something."""
    return _changed(version, needs_info=0.0)


def lazy(version: Version) -> Classifier:
    """The same, but nothing is above easy: it misses every hard prompt."""
    offset = trained().classifier.calibration.offset
    return _changed(version, offset=(offset[0], -99.0, *offset[2:]))


def keep(registry: Path, classifier: Classifier) -> Path:
    """Put `classifier` into a registry."""
    embedder = classifier.embedder
    assert isinstance(embedder, StaticEmbedder)
    path = registry / classifier.version
    artifact.save(
        path,
        classifier,
        embedder=embedder,
        probes=[prompt("name the colour of a lamp"), prompt("fix it")],
        texts={artifact.CARD: f"# Model card of {classifier.version}\n"},
        origin=artifact.Origin(libraries={}),
    )
    return path


KEPT = Guarantee(
    target="spend<=40%",
    delta=0.05,
    rows=1_234,
    value=0.381,
    bound=0.395,
    day="2026-11-25",
    needs_info_tier="medium",
    costs=(0.1, 0.4, 1.0),
)


def damage(path: Path) -> None:
    """As a copy that was cut short would be."""
    file = path / artifact.ARRAYS
    file.write_bytes(file.read_bytes()[:-1])


def _changed(version: Version, **calibration: object) -> Classifier:
    base = trained().classifier
    heads: Heads = base.heads
    return Classifier(
        version=version,
        embedder=base.embedder,
        heads=heads,
        calibration=msgspec.structs.replace(base.calibration, **calibration),
    )
