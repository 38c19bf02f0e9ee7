"""Cut-offs come and go with the version that they belong to, between two requests, never in one."""

import asyncio
from pathlib import Path

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from classifier import artifact
from classifier.registry import builtin, promote, rollback
from classifier.types import Cutoffs, Version
from router.config.schema import Config, Registry
from router.config.schema import Cutoffs as Written
from router.domain import Entry
from router.policy.table import compile_policy
from tests.rawserver import plain_answer, raw_server, read_request
from tests.registries import KEPT
from tests.routers import Router, running_router
from tests.waiting import until_said

OWN = artifact.read_manifest(builtin()).version
LAX, STRICT = Version("20261125-0c0ffee0"), Version("20261125-0c0ffee1")
EASY, MEDIUM, HARD = "small-chat", "kimi-k2-instruct", "kimi-k2-thinking"
CUTOFFS = {LAX: Cutoffs(easy=0.0, medium=0.0), STRICT: Cutoffs(easy=1.0, medium=1.0)}
ANSWER = {"choices": [{"message": {"role": "assistant", "content": "so"}, "finish_reason": "stop"}]}
CLOSE = b"connection: close\r\n"


def following(config: Config) -> Config:
    """Decides by success, and looks at the registry often."""
    policy = replace(config.policy, by="success")
    return replace(config, policy=policy, registry=Registry(poll_ms=5))


def calibrated(data_dir: Path, version: Version) -> Path:
    """The built-in model with cut-offs of its own."""
    folder = data_dir / "registry" / version
    own = {"auto": CUTOFFS[version]}
    artifact.derive(folder, builtin(), version=version, cutoffs=own, guarantee=KEPT, card="")
    return folder


async def serves(router: Router, version: str) -> None:
    """Wait until health names `version`."""

    async def followed() -> bool:
        said: str = (await router.http.get("/health/ready")).json()["model_version"]
        return said == version

    await until_said(followed)


async def asked(router: Router, text: str) -> Entry:
    answer = await router.chat(text)
    assert answer.status_code == 200, answer.text
    return await router.entry(answer.headers["x-gearshift-decision"])


def decided(entry: Entry) -> tuple[str, str]:
    return entry.decision.tier, entry.decision.reason


async def test_promoted_cutoffs_decide_live_and_rolled_back_the_old_ones_do(
    tmp_path: Path,
) -> None:
    registry = tmp_path / "registry"
    folders = {version: calibrated(tmp_path, version) for version in CUTOFFS}
    async with running_router(tmp_path, change=following) as router:
        first = await asked(router, "What is 2 + 2?")
        promote(registry, folders[STRICT])
        await serves(router, STRICT)
        strict = await asked(router, "What is 2 + 2?")
        promote(registry, folders[LAX])
        await serves(router, LAX)
        lax = await asked(router, "What is 2 + 2?")
        rollback(registry)
        await serves(router, STRICT)
        again = await asked(router, "What is 2 + 2?")
        rollback(registry)
        await serves(router, OWN)
        last = await asked(router, "What is 2 + 2?")
    assert decided(strict) == decided(again) == ("hard", "success")
    assert decided(lax) == ("easy", "success")
    assert decided(first) == decided(last)
    assert strict.policy_version == again.policy_version
    assert first.policy_version == last.policy_version
    assert len({one.policy_version for one in (first, strict, lax)}) == 3


async def test_an_entry_names_the_policy_that_its_version_s_manifest_gives_again(
    tmp_path: Path,
) -> None:
    """From the entry alone: its verdict names the version, whose manifest holds the cut-offs."""
    registry = tmp_path / "registry"
    folder = calibrated(tmp_path, STRICT)
    async with running_router(tmp_path, change=following) as router:
        before = await asked(router, "hello")
        promote(registry, folder)
        await serves(router, STRICT)
        after = await asked(router, "hello")
        config = router.config
    for entry, place in ((before, builtin()), (after, folder)):
        verdict = entry.decision.verdict
        assert verdict is not None
        manifest = artifact.read_manifest(place)
        assert verdict.model_version == manifest.version
        assert entry.policy_version == compile_policy(config, manifest.cutoffs).version


async def test_the_verdict_is_the_same_and_only_the_cutoffs_differ(tmp_path: Path) -> None:
    """The model is the built-in one in both: nothing else may change what is decided."""
    folder = calibrated(tmp_path, STRICT)
    asking = {"model": "auto", "messages": [{"role": "user", "content": "What is 2 + 2?"}]}
    async with running_router(tmp_path, change=following) as router:
        own = (await router.http.post("/v1/route", json=asking)).json()
        promote(tmp_path / "registry", folder)
        await serves(router, STRICT)
        strict = (await router.http.post("/v1/route", json=asking)).json()
    assert own["verdict"].pop("model_version") == OWN
    assert strict["verdict"].pop("model_version") == STRICT
    assert own["verdict"] == strict["verdict"]
    assert strict["decision"]["tier"] == "hard"


async def test_cutoffs_of_the_configuration_outlive_every_promotion(tmp_path: Path) -> None:
    folder = calibrated(tmp_path, STRICT)

    def change(config: Config) -> Config:
        config = following(config)
        own = Written(easy=0.0, medium=0.0)
        return replace(config, policy=replace(config.policy, auto=own))

    async with running_router(tmp_path, change=change) as router:
        before = await asked(router, "hello")
        promote(tmp_path / "registry", folder)
        await serves(router, STRICT)
        after = await asked(router, "hello")
    assert decided(before) == decided(after) == ("easy", "success")
    assert before.policy_version == after.policy_version


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_request_under_way_is_decided_by_the_table_it_came_under(
    tmp_path: Path, *, streamed: bool
) -> None:
    """Its first model fails after the swap, so it is decided a second time while the new rules."""
    arrived, release = asyncio.Event(), asyncio.Event()
    asked_for: list[str] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        if not request.startswith(b"POST"):
            writer.write(plain_answer(b"{}", headers=CLOSE))
            return
        asked_for.append(msgspec.json.decode(request.partition(b"\r\n\r\n")[2])["model"])
        if len(asked_for) == 1:
            arrived.set()
            await release.wait()
            writer.write(plain_answer(b"{}", status="503 Service Unavailable", headers=CLOSE))
        else:
            writer.write(_answer(streamed=streamed))

    async with raw_server(converse) as url:

        def change(config: Config) -> Config:
            host = replace(config.upstream["sandbox"], base_url=url)
            return replace(following(config), upstream={"sandbox": host})

        promote(tmp_path / "registry", calibrated(tmp_path, LAX))
        async with running_router(tmp_path, change=change) as router:
            asking = asyncio.create_task(router.chat("hello", stream=streamed))
            await asyncio.wait_for(arrived.wait(), 20)
            promote(tmp_path / "registry", calibrated(tmp_path, STRICT))
            await serves(router, STRICT)
            release.set()
            answer: httpx.Response = await asking
            entry = await router.entry(answer.headers["x-gearshift-decision"])
            late = await asked(router, "hello") if not streamed else None
            lax, strict = (compile_policy(router.config, {"auto": one}) for one in CUTOFFS.values())
    assert answer.status_code == 200
    assert asked_for[:2] == [EASY, MEDIUM], "the new table would go on with hard"
    assert entry.decision.verdict is not None
    assert entry.decision.verdict.model_version == LAX
    assert entry.policy_version == lax.version
    if late is not None:
        assert (late.decision.model, late.policy_version) == (HARD, strict.version)


def _answer(*, streamed: bool) -> bytes:
    if not streamed:
        kind = b"content-type: application/json\r\n"
        return plain_answer(msgspec.json.encode(ANSWER), headers=CLOSE + kind)
    chunk = {"choices": [{"index": 0, "delta": {"content": "so"}, "finish_reason": "stop"}]}
    said = b"data: " + msgspec.json.encode(chunk) + b"\n\ndata: [DONE]\n\n"
    return plain_answer(said, headers=CLOSE + b"content-type: text/event-stream\r\n")
