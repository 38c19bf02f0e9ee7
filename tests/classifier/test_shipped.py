"""The model that ships keeps what its card says, on the data that it was judged by."""

import os
from functools import cache
from pathlib import Path

import msgspec
import pytest

from classifier import artifact
from classifier.corpus import RESTRICTED, Example, digest, read, samples
from classifier.evaluate import Report, evaluate
from classifier.facts import Facts
from classifier.features import extract
from classifier.probes import PROBES
from classifier.registry import builtin
from classifier.types import LABELS, Turn

SHARED = os.environ.get("GEARSHIFT_SHARED_DATA", "")
needs_data = pytest.mark.skipif(
    not SHARED, reason="the corpus is not part of the project (GEARSHIFT_SHARED_DATA)"
)
LARGEST_BYTES = 20 * 1024 * 1024


def rows(name: str) -> list[Example]:
    return read([Path(SHARED) / "corpus" / f"{name}.jsonl.gz"])


def facts() -> Facts:
    return msgspec.json.decode(artifact.read_text(builtin(), artifact.FACTS), type=Facts)


@cache
def report() -> Report:
    return evaluate(artifact.load(builtin()), [*rows("val"), *rows("unlabelled")], facts())


def test_it_is_small_enough_to_ship() -> None:
    assert sum(file.stat().st_size for file in builtin().iterdir()) <= LARGEST_BYTES


def test_its_probes_are_those_of_the_project() -> None:
    text = (builtin() / artifact.PROBES).read_bytes()
    stored = [probe.prompt for probe in msgspec.json.decode(text, type=list[artifact.Probe])]
    assert stored == [extract((Turn(role="user", text=text),)) for text in PROBES]


def test_it_learned_from_nothing_that_may_not_train() -> None:
    assert set(facts().left_out) == RESTRICTED
    assert all(source.licenses for source in facts().sources)


def test_its_card_names_every_source() -> None:
    card = artifact.read_text(builtin(), artifact.CARD)
    assert all(f"| {source.name} |" in card for source in facts().sources)


@needs_data
def test_it_learned_from_this_corpus() -> None:
    assert facts().data == digest([Path(SHARED) / "corpus" / "train.jsonl.gz", *samples()]).hex()


@needs_data
def test_macro_f1_is_reached() -> None:
    seen = report()
    assert seen.macro_f1.value >= 0.57
    assert seen.macro_f1.value > seen.baselines["source majority"].macro_f1
    assert seen.macro_f1.value > seen.baselines["length alone"].macro_f1 + 0.2


@needs_data
def test_inside_sources_it_beats_the_commonest_label() -> None:
    pooled = report().slices.pooled
    assert pooled is not None
    assert pooled.accuracy.low > pooled.majority


@needs_data
def test_no_tier_is_out_of_reach_of_real_prompts_and_few_need_more() -> None:
    model = artifact.load(builtin())
    found = [extract((Turn(role="user", text=row.prompt),)) for row in rows("unlabelled")]
    said = [model.assess(prompt).label for prompt in found if prompt is not None]
    shares = {label: said.count(label) / len(said) for label in LABELS}
    assert min(shares["easy"], shares["medium"], shares["hard"]) >= 0.05
    assert shares["needs_info"] <= 0.08


@needs_data
def test_the_card_quotes_what_is_measured() -> None:
    score, card = report().macro_f1, artifact.read_text(builtin(), artifact.CARD)
    assert f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]" in card
    assert f"Accuracy {report().accuracy:.3f}" in card


@needs_data
def test_no_text_of_the_corpus_ships() -> None:
    """No line of a prompt, of 40 characters or more, stands in any file of the artifact."""
    shipped = b"".join(file.read_bytes() for file in builtin().iterdir()).decode("utf-8", "ignore")
    lines = {
        line for name in ("train", "val") for row in rows(name) for line in row.prompt.split("\n")
    }
    long = [line for line in lines if len(line) >= 40]
    assert long
    stored = {line.strip() for line in shipped.split("\n")}
    assert not stored.intersection(long)
