"""Following the registry: what is promoted serves, and what cannot be loaded changes nothing."""

import asyncio
import shutil
from pathlib import Path
from threading import Event

import fsspec
import msgspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from prometheus_client.parser import text_string_to_metric_families

from classifier import artifact
from classifier.history import HISTORY
from classifier.registry import PROMOTED, promote, rollback
from classifier.remote import locate, publish
from classifier.types import Cutoffs, Version
from router.cache.null import NullCache
from router.config.schema import UNCALIBRATED, Environment
from router.config.schema import Scorer as Settings
from router.errors import ConfigError
from router.follow import Follower, Loaded, load_first, registry_of
from router.sandbox.profile import sandbox_config
from router.scorer import Scorer
from router.telemetry.log import open_log
from router.telemetry.metrics import Metrics
from tests.registries import BAD, KEPT, NEW, OLD, damage, good, keep, lazy
from tests.verdicts import prompt
from tests.waiting import until

CONFIG = sandbox_config()


class Following:
    """A scorer and what keeps it up to date."""

    follower: Follower

    def __init__(self, scorer: Scorer, loaded: Loaded, metrics: Metrics) -> None:
        self.scorer = scorer
        self.table = loaded.table
        self.metrics = metrics

    def swap(self, loaded: Loaded) -> None:
        self.scorer.replace(loaded.classifier)
        self.table = loaded.table

    def counted(self, outcome: str) -> float:
        """What the metric of changes says."""
        families = text_string_to_metric_families(self.metrics.scrape().decode())
        samples = [one for family in families for one in family.samples]
        return sum(
            one.value
            for one in samples
            if one.name == "gearshift_model_changes_total" and one.labels["outcome"] == outcome
        )


async def following(registry: Path) -> Following:
    loaded = await load_first(registry, CONFIG)
    scorer = Scorer(loaded.classifier, NullCache(), Settings(timeout_ms=20_000))
    metrics = Metrics(shared=None, baseline="hard")
    log = open_log()
    running = Following(scorer, loaded, metrics)
    running.follower = Follower(
        registry, loaded, config=CONFIG, swap=running.swap, log=log, metrics=metrics
    )
    return running


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    for version in (OLD, NEW, BAD):
        keep(tmp_path, good(version))
    damage(tmp_path / BAD)
    promote(tmp_path, tmp_path / OLD)
    return tmp_path


async def test_what_is_promoted_serves_and_so_does_what_is_gone_back_to(registry: Path) -> None:
    running = await following(registry)
    assert running.scorer.version == OLD
    promote(registry, registry / NEW)
    await running.follower.look()
    assert running.scorer.version == NEW
    verdict = (await running.scorer.score(prompt())).verdict
    assert verdict is not None
    assert verdict.model_version == NEW
    rollback(registry)
    await running.follower.look()
    assert running.scorer.version == OLD
    assert running.counted("taken") == 2
    await running.scorer.close()


async def test_a_version_brings_its_cut_offs_and_takes_them_away_again(registry: Path) -> None:
    calibrated = Version("20261125-0ca11b8d")
    own = {"auto": Cutoffs(easy=0.61, medium=0.37)}
    artifact.derive(
        registry / calibrated,
        registry / OLD,
        version=calibrated,
        cutoffs=own,
        guarantee=KEPT,
        card="",
    )
    running = await following(registry)
    before = running.table
    promote(registry, registry / calibrated)
    await running.follower.look()
    assert running.table.cutoffs["auto"].easy == own["auto"].easy
    assert running.table.version != before.version
    rollback(registry)
    await running.follower.look()
    assert running.table == before


async def test_a_look_at_what_has_not_changed_does_nothing(registry: Path) -> None:
    running = await following(registry)
    damage(registry / OLD)  # it is in memory, and not read again
    await running.follower.look()
    assert running.scorer.version == OLD
    assert (running.counted("taken"), running.counted("refused")) == (0, 0)


async def test_a_swap_is_one_line_of_the_log(
    registry: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    running = await following(registry)
    promote(registry, registry / NEW)
    await running.follower.look()
    await running.follower.look()
    lines = [msgspec.json.decode(line) for line in capfdbinary.readouterr().err.splitlines()]
    (changed,) = [line for line in lines if line["event"] == "model changed"]
    assert (changed["version"], changed["before"], changed["level"]) == (NEW, OLD, "info")


async def test_a_broken_version_leaves_the_old_one_serving_until_a_good_one_comes(
    registry: Path,
) -> None:
    running = await following(registry)
    before = running.follower.reasons
    (registry / PROMOTED).write_text(BAD)
    for _ in range(3):
        await running.follower.look()
    assert running.scorer.version == OLD
    (reason,) = [one for one in running.follower.reasons if one not in before]
    assert reason.startswith("the promoted model cannot be used: ")
    assert "arrays.safetensors does not match its digest" in reason
    assert running.counted("refused") == 1
    promote(registry, registry / NEW)
    await running.follower.look()
    assert running.scorer.version == NEW
    assert running.follower.reasons == before


async def test_going_back_to_what_serves_still_ends_the_trouble(registry: Path) -> None:
    running = await following(registry)
    before = running.follower.reasons
    for nonsense in (BAD, "20200101-00000000", "..", "\0", "builtin/.."):
        (registry / PROMOTED).write_text(nonsense)
        await running.follower.look()
        assert len(running.follower.reasons) == len(before) + 1
    (registry / PROMOTED).write_text(OLD)
    await running.follower.look()
    assert running.follower.reasons == before
    assert running.counted("taken") == 0


async def test_by_success_without_cut_offs_is_told(registry: Path) -> None:
    policy = msgspec.structs.replace(CONFIG.policy, by="success")
    config = msgspec.structs.replace(CONFIG, policy=policy)
    said = "the cut-offs of `auto` are placeholders: gearshift calibrate chooses them"
    assert said in (await load_first(registry, config)).reasons
    assert said not in (await load_first(registry, CONFIG)).reasons
    policy = msgspec.structs.replace(policy, auto=UNCALIBRATED)
    config = msgspec.structs.replace(CONFIG, policy=policy)
    assert said not in (await load_first(registry, config)).reasons, "somebody chose them"


async def test_a_version_that_was_mended_is_taken_when_someone_says_so(registry: Path) -> None:
    running = await following(registry)
    file = registry / NEW / "arrays.safetensors"
    whole = file.read_bytes()
    damage(registry / NEW)
    (registry / PROMOTED).write_text(NEW)
    await running.follower.look()
    file.write_bytes(whole)
    await running.follower.look()
    assert running.scorer.version == OLD, "not at every look: reading it costs something"
    running.follower.wake()
    await running.follower.look()
    assert running.scorer.version == NEW


async def test_what_is_wrong_with_the_model_itself_is_judged_anew(tmp_path: Path) -> None:
    keep(tmp_path, lazy(NEW))
    running = await following(tmp_path)
    assert running.follower.reasons == []
    promote(tmp_path, tmp_path / NEW)
    await running.follower.look()
    assert "no canary reaches the hard tier" in running.follower.reasons
    rollback(tmp_path)
    await running.follower.look()
    assert running.follower.reasons == []


async def test_a_start_on_a_broken_version_serves_what_served_before(registry: Path) -> None:
    promote(registry, registry / NEW)
    (registry / PROMOTED).write_text(BAD)
    running = await following(registry)
    assert running.scorer.version == NEW
    damage(registry / NEW)
    running = await following(registry)
    assert running.scorer.version == OLD
    assert "the promoted model cannot be used" in running.follower.reasons[0]
    (registry / HISTORY).write_text("no history at all")
    running = await following(registry)
    assert running.scorer.version == (await following(registry / "nowhere")).scorer.version


async def test_it_follows_until_it_is_told_to_stop(registry: Path) -> None:
    running = await following(registry)
    task = asyncio.create_task(running.follower.follow(0.005))
    promote(registry, registry / NEW)
    await until(lambda: running.scorer.version == NEW)
    rollback(registry)
    await until(lambda: running.scorer.version == OLD)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_whoever_is_woken_does_not_wait_for_the_next_look(registry: Path) -> None:
    running = await following(registry)
    task = asyncio.create_task(running.follower.follow(3_600))
    promote(registry, registry / NEW)
    running.follower.wake()
    await until(lambda: running.scorer.version == NEW)
    task.cancel()


async def test_a_registry_behind_a_url_is_followed_through_a_copy(tmp_path: Path) -> None:
    url = f"file://{tmp_path / 'bucket'}"
    said = Environment(data_dir=str(tmp_path / "data"), registry=url)
    desk = locate(url, tmp_path / "desk")
    keep(desk, good(OLD))
    keep(desk, good(NEW))
    promote(desk, desk / OLD)
    publish(desk, HISTORY, PROMOTED)
    running = await following(registry_of(said))
    assert running.scorer.version == OLD
    promote(desk, desk / NEW)
    publish(desk, HISTORY, PROMOTED)
    await running.follower.look()
    assert running.scorer.version == NEW


async def test_a_url_that_cannot_be_reached_leaves_the_last_copy_serving(tmp_path: Path) -> None:
    bucket = tmp_path / "bucket"
    said = Environment(data_dir=str(tmp_path / "data"), registry=f"file://{bucket}")
    desk = locate(f"file://{bucket}", tmp_path / "desk")
    keep(desk, good(NEW))
    promote(desk, desk / NEW)
    publish(desk, HISTORY, PROMOTED)
    running = await following(registry_of(said))
    good_reasons = running.follower.reasons
    bucket.rename(tmp_path / "away")
    bucket.write_text("nothing to see here")
    await running.follower.look()
    restarted = await following(registry_of(said))
    for each in (running, restarted):
        assert each.scorer.version == NEW
        (reason,) = [one for one in each.follower.reasons if one not in good_reasons]
        assert reason.startswith("the registry cannot be reached (")
    bucket.unlink()
    (tmp_path / "away").rename(bucket)
    await restarted.follower.look()
    assert restarted.follower.reasons == good_reasons


async def test_a_fresh_copy_falls_back_to_what_served_before(tmp_path: Path) -> None:
    url = f"file://{tmp_path / 'bucket'}"
    desk = locate(url, tmp_path / "desk")
    for version in (OLD, NEW):
        promote(desk, keep(desk, good(version)))
    publish(desk, HISTORY, PROMOTED)
    damage(tmp_path / "bucket" / NEW)
    said = Environment(data_dir=str(tmp_path / "data"), registry=url)
    for _ in ("first", "again"):
        running = await following(registry_of(said))
        assert running.scorer.version == OLD
        assert "the promoted model cannot be used" in running.follower.reasons[0]
    shutil.rmtree(tmp_path / "bucket")
    (tmp_path / "bucket").write_text("nothing to see here")
    assert (await following(registry_of(said))).scorer.version == OLD


class Slow(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A store that answers when it is let."""

    protocol = "slow"
    gate = Event()

    def cat_file(self, path: str, **more: object) -> bytes:
        assert self.gate.wait(60)
        data: bytes = super().cat_file(path, **more)
        return data


async def test_a_store_that_does_not_answer_is_told_and_waited_for(tmp_path: Path) -> None:
    fsspec.register_implementation("slow", Slow, clobber=True)
    Slow.gate.set()
    desk = locate("slow://shelf", tmp_path / "desk")
    promote(desk, keep(desk, good(OLD)))
    publish(desk, HISTORY, PROMOTED)
    said = Environment(data_dir=str(tmp_path / "data"), registry="slow://shelf")
    running = await following(registry_of(said))
    before = running.follower.reasons
    promote(desk, keep(desk, good(NEW)))
    publish(desk, HISTORY, PROMOTED)
    Slow.gate.clear()
    await running.follower.look(0.01)
    await running.follower.look(0.01)
    assert running.scorer.version == OLD
    (reason,) = [one for one in running.follower.reasons if one not in before]
    assert reason.startswith("the registry cannot be reached (TimeoutError)")
    Slow.gate.set()
    await running.follower.look()
    assert (running.scorer.version, running.follower.reasons) == (NEW, before)


def test_the_place_of_the_registry(tmp_path: Path) -> None:
    data = str(tmp_path)
    assert registry_of(Environment(data_dir=data)) == tmp_path / "registry"
    assert registry_of(Environment(data_dir=data, registry="/srv/models")) == Path("/srv/models")
    copy = registry_of(Environment(data_dir=data, registry="memory://models"))
    assert copy.parent == tmp_path / "registries"
    with pytest.raises(ConfigError, match=r"GEARSHIFT_REGISTRY: .*make setup EXTRAS=registry"):
        registry_of(Environment(data_dir=data, registry="gs://models"))
