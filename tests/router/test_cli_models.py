"""Promoting and rolling back from the command line."""

from pathlib import Path

import msgspec
import pytest
from redis.client import PubSub

from classifier import artifact, history
from classifier.promotion import Comparison
from classifier.registry import PROMOTED, builtin, promote, promoted, resolve
from classifier.remote import locate, serving
from classifier.types import LABELS, Cutoffs, Version
from tests.processes import gearshift
from tests.redis_server import RedisServer
from tests.registries import BAD, KEPT, NEW, OLD, blind, damage, good, keep, lazy
from tests.synthetic import examples, save_examples

OWN = artifact.read_manifest(builtin()).version


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder whose registry has a good version in service, and others beside it."""
    registry = tmp_path / "registry"
    for classifier in (good(OLD), good(NEW), lazy(BAD)):
        keep(registry, classifier)
    promote(registry, registry / OLD)
    save_examples(tmp_path / "rows.jsonl", examples(400, seed=9))
    save_examples(tmp_path / "few.jsonl", examples(3, seed=9))
    return tmp_path


def promoting(home: Path, version: str, *more: str, data: str = "rows.jsonl") -> tuple[str, ...]:
    return ("models", "promote", version, "--data", str(home / data), *more)


def test_a_version_that_is_as_good_is_promoted_and_the_table_shown(home: Path) -> None:
    done = gearshift(home, *promoting(home, NEW))
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"{NEW} serves from now on\n"
    assert all(f"F1 of {label}" in done.stdout for label in LABELS)
    assert OLD in done.stdout
    assert "hard-miss" in done.stdout
    assert promoted(home / "registry") == NEW
    event = history.read(home / "registry")[-1]
    assert (event.version, event.before, event.forced) == (NEW, OLD, False)
    assert msgspec.json.decode(event.comparison, type=Comparison).challenger == NEW


def test_a_worse_version_is_refused_in_one_plain_line(home: Path) -> None:
    done = gearshift(home, *promoting(home, BAD))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"gearshift: {BAD} is not promoted: ")
    assert "hard-miss goes from 0.000 to 1.000, a change of +1.000 [+1.000, +1.000] on" in line
    assert "beyond the margin of 0.03" in line
    assert "--force" in line
    assert "worse" in done.stdout
    assert promoted(home / "registry") == OLD
    assert len(history.read(home / "registry")) == 1


def test_forced_it_is_promoted_all_the_same_and_recorded_as_forced(home: Path) -> None:
    done = gearshift(home, *promoting(home, BAD, "--force"))
    assert done.returncode == 0, done.stderr
    event = history.read(home / "registry")[-1]
    assert (event.version, event.forced) == (BAD, True)
    assert msgspec.json.decode(event.comparison, type=Comparison).refusal
    listed = gearshift(home, "models", "list")
    (line,) = [one for one in listed.stdout.splitlines() if one.startswith(BAD)]
    assert "in service since " in line
    assert "(promoted, forced)" in line


def test_forcing_what_needs_no_force_is_no_forced_promotion(home: Path) -> None:
    done = gearshift(home, *promoting(home, NEW, "--force"))
    assert done.returncode == 0, done.stderr
    assert not history.read(home / "registry")[-1].forced


@pytest.mark.parametrize("version", [NEW, BAD])
def test_asked_for_json_there_is_nothing_but_json(home: Path, version: str) -> None:
    done = gearshift(home, *promoting(home, version, "--json"))
    told = msgspec.json.decode(done.stdout)
    assert told["promoted"] is (version == NEW)
    assert told["promoted"] is (done.returncode == 0)
    assert (told["refusal"] is None) is told["promoted"]
    comparison = msgspec.convert(told["comparison"], Comparison)
    assert (comparison.champion, comparison.challenger) == (OLD, version)


def test_a_wider_margin_is_part_of_what_is_said(home: Path) -> None:
    done = gearshift(home, *promoting(home, BAD, "--margin", "1", "--json"))
    assert done.returncode == 0, done.stderr
    assert msgspec.json.decode(done.stdout)["comparison"]["margin"] == 1


def test_too_few_rows_cannot_tell_and_do_not_promote(home: Path) -> None:
    done = gearshift(home, *promoting(home, NEW, data="few.jsonl"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "cannot tell: " in line
    assert promoted(home / "registry") == OLD


def test_a_damaged_version_is_not_promoted_by_any_force(home: Path) -> None:
    damage(home / "registry" / NEW)
    done = gearshift(home, *promoting(home, NEW, "--force"))
    assert done.returncode == 1
    assert "arrays.safetensors does not match" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert promoted(home / "registry") == OLD


def test_beside_a_damaged_champion_only_force_promotes(home: Path) -> None:
    damage(home / "registry" / OLD)
    done = gearshift(home, *promoting(home, NEW))
    assert done.returncode == 1
    assert "the version in service cannot be compared with" in done.stderr
    done = gearshift(home, *promoting(home, NEW, "--force", "--json"))
    assert done.returncode == 0, done.stderr
    assert msgspec.json.decode(done.stdout)["comparison"] is None
    assert history.read(home / "registry")[-1].comparison == msgspec.Raw(b"null")


def test_a_calibration_is_not_lost_unless_somebody_insists(home: Path) -> None:
    registry, calibrated = home / "registry", Version("20261125-0ca11b8d")
    cutoffs = {"auto": Cutoffs(easy=1.0, medium=1.0)}
    artifact.derive(
        registry / calibrated,
        registry / OLD,
        version=calibrated,
        cutoffs=cutoffs,
        guarantee=KEPT,
        card="",
    )
    promote(registry, registry / calibrated)
    done = gearshift(home, *promoting(home, NEW, "--margin", "1"))
    assert done.returncode == 1
    why = "the version in service has cut-offs and this one has none: gearshift calibrate"
    assert why in done.stderr
    assert promoted(registry) == calibrated
    done = gearshift(home, *promoting(home, NEW, "--margin", "1", "--force"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"forced, although {why}")
    assert history.read(registry)[-1].forced


def test_what_serves_already_is_not_promoted_again(home: Path) -> None:
    done = gearshift(home, *promoting(home, OLD))
    assert (done.returncode, done.stderr) == (0, f"{OLD} is in service already\n")
    assert len(history.read(home / "registry")) == 1


def test_data_that_cannot_be_read_is_named(home: Path) -> None:
    (home / "bad.jsonl").write_text('{"prompt": 1}')
    done = gearshift(home, *promoting(home, NEW, data="bad.jsonl"))
    assert done.returncode == 1
    assert "bad.jsonl, line 1" in done.stderr


def test_rolling_back_goes_one_further_each_time(home: Path) -> None:
    assert gearshift(home, *promoting(home, NEW)).returncode == 0
    done = gearshift(home, "models", "rollback")
    assert (done.returncode, done.stderr) == (0, f"{OLD} serves from now on\n")
    assert "(rolled back to)" in gearshift(home, "models", "list").stdout
    done = gearshift(home, "models", "rollback")
    assert (done.returncode, done.stderr) == (0, f"the built-in {OWN} serves from now on\n")
    assert resolve(home / "registry") == builtin()
    done = gearshift(home, "models", "rollback")
    assert done.returncode == 1
    assert done.stderr == (
        "gearshift: nothing served before builtin: there is no way further back\n"
    )


def test_the_built_in_version_may_be_challenged_and_may_challenge(tmp_path: Path) -> None:
    keep(tmp_path / "registry", blind(BAD))
    save_examples(tmp_path / "rows.jsonl", examples(400, seed=9))
    done = gearshift(tmp_path, *promoting(tmp_path, BAD))
    assert done.returncode == 1, "the built-in one does better than calling everything needs_info"
    assert gearshift(tmp_path, *promoting(tmp_path, BAD, "--force")).returncode == 0
    done = gearshift(tmp_path, *promoting(tmp_path, "builtin", "--force"))
    assert done.returncode == 0, done.stderr
    assert promoted(tmp_path / "registry") == "builtin"


def test_a_registry_behind_a_url_is_worked_on_where_it_is(home: Path, tmp_path: Path) -> None:
    url = f"file://{tmp_path / 'bucket'}"
    keep(locate(url, home / "registries"), good(NEW))  # as `train` leaves it
    done = gearshift(home, *promoting(home, NEW, "--force", "--registry", url))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "bucket" / PROMOTED).read_text() == f"{NEW}\n"
    elsewhere = gearshift(tmp_path / "elsewhere", "models", "list", GEARSHIFT_REGISTRY=url)
    (line,) = [one for one in elsewhere.stdout.splitlines() if "in service" in one]
    assert line.startswith(NEW)
    said = gearshift(tmp_path / "elsewhere", "classify", "fix it", GEARSHIFT_REGISTRY=url)
    assert msgspec.json.decode(said.stdout)["model_version"] == NEW
    done = gearshift(tmp_path / "elsewhere", "models", "rollback", GEARSHIFT_REGISTRY=url)
    assert done.returncode == 0, done.stderr
    assert serving(locate(url, home / "registries")) == "builtin"


def test_a_url_whose_library_is_missing_says_how_to_get_it(tmp_path: Path) -> None:
    done = gearshift(tmp_path, "models", "list", "--registry", "gs://bucket/models")
    assert done.returncode == 1
    assert "make setup EXTRAS=registry" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_is_no_registry(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = gearshift(tmp_path, "models", "list", "--registry", str(tmp_path / "file"))
    assert done.returncode != 0
    assert "is a file" in done.stderr


def test_redis_is_told_where_there_is_one_and_missed_in_one_word_where_not(home: Path) -> None:
    with RedisServer() as redis, PubSub(redis.client().connection_pool) as channel:
        channel.subscribe("gearshift:model")
        assert channel.get_message(timeout=20)
        done = gearshift(home, *promoting(home, NEW), GEARSHIFT_REDIS_URL=redis.url)
        assert done.returncode == 0, done.stderr
        message = channel.get_message(timeout=20)
        assert message is not None
        assert message["data"] == NEW.encode()
    done = gearshift(home, "models", "rollback", GEARSHIFT_REDIS_URL=redis.url)
    assert done.returncode == 0, "the registry is what counts"
    assert "Redis could not be told" in done.stderr
