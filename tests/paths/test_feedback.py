"""Feedback from the caller's side: taken at once, on file, joined to its entry later."""

from pathlib import Path

import httpx
import msgspec
import pytest

from classifier.features import extract
from classifier.types import Turn
from router.config.schema import Config, Environment
from router.domain import Feedback, Kept
from router.ledger.place import place
from router.ledger.store import Store
from tests.ledgers import postgres
from tests.routers import Router, running_router
from tests.waiting import until

ID = "0" * 31 + "a"


async def say(router: Router, **fields: object) -> httpx.Response:
    return await router.http.post("/v1/feedback", json=fields)


def heard(router: Router) -> list[Feedback]:
    """All feedback in the store whose entry is there too."""
    store = Store(place(router.environment.data_dir, router.environment.ledger_url))
    try:
        return list(store.feedback())
    finally:
        store.close()


async def test_feedback_is_taken_and_joined_to_its_entry(router: Router) -> None:
    decision = (await router.chat("hello")).headers["x-gearshift-decision"]
    answer = await say(router, decision_id=decision, outcome="bad", label="medium")
    assert answer.status_code == 202
    assert answer.json() == {
        "object": "feedback",
        "decision_id": decision,
        "outcome": "bad",
        "label": "medium",
    }
    await until(lambda: bool(heard(router)))
    (said,) = heard(router)
    assert (said.decision_id, said.opinion, said.label) == (decision, "bad", "medium")
    assert said.witness == "caller"
    assert said.at_us > (await router.entry(decision)).at_us


async def test_the_same_through_postgresql(tmp_path: Path) -> None:
    with postgres() as url:
        surroundings = Environment(ledger_url=url)
        async with running_router(tmp_path, environment=surroundings) as router:
            decision = (await router.chat("hello")).headers["x-gearshift-decision"]
            await say(router, decision_id=decision, outcome="good")
            await say(router, decision_id=decision, outcome="escalated")
            await until(lambda: [said.opinion for said in heard(router)] == ["escalated"])


async def test_a_decision_that_is_not_known_is_taken_too(router: Router) -> None:
    answer = await say(router, decision_id=ID, outcome="good")
    assert answer.status_code == 202
    assert answer.json()["label"] is None
    metrics = (await router.http.get("/metrics")).text
    assert 'gearshift_feedback_total{label="",opinion="good"} 1.0' in metrics


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        (b"", None, "empty"),
        (b"{", None, "JSON"),
        (b"[]", None, "object"),
        (b'{"outcome":"good"}', "decision_id", "missing"),
        (b'{"decision_id":"x","outcome":"good"}', "decision_id", "x-gearshift-decision"),
        (b'{"decision_id":7,"outcome":"good"}', "decision_id", "str"),
        (b'{"decision_id":"%s"}' % ID.encode(), "outcome", "missing"),
        (b'{"decision_id":"%s","outcome":"fine"}' % ID.encode(), "outcome", "fine"),
        (b'{"decision_id":"%s","outcome":"bad","label":"x"}' % ID.encode(), "label", "x"),
        (b'{"decision_id":"%s","outcome":"bad","lable":"hard"}' % ID.encode(), None, "lable"),
        (b'{"decision_id":"%s\\n","outcome":"bad"}' % ID.encode(), "decision_id", "32 hex"),
    ],
)
async def test_a_wrong_body_is_told_which_field_and_what_is_expected(
    router: Router, body: bytes, param: str | None, says: str
) -> None:
    answer = await router.http.post("/v1/feedback", content=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert error["param"] == param
    assert says in error["message"]


async def test_feedback_is_short(router: Router) -> None:
    answer = await say(router, decision_id=ID, outcome="good", comment="a" * 5_000)
    assert answer.status_code == 413
    assert "4,096" in answer.json()["error"]["message"]


async def test_the_api_key_opens_it(tmp_path: Path) -> None:
    locked = Environment(api_key="the-right-key")
    async with running_router(tmp_path, environment=locked) as router:
        assert (await say(router, decision_id=ID, outcome="good")).status_code == 401
        answer = await router.http.post(
            "/v1/feedback",
            json={"decision_id": ID, "outcome": "good"},
            headers={"x-api-key": locked.api_key},
        )
    assert answer.status_code == 202


async def test_what_cannot_be_written_down_is_not_taken(tmp_path: Path, router: Router) -> None:
    spool = tmp_path / "spool"
    for file in spool.iterdir():
        file.unlink()
    spool.rmdir()
    spool.touch()
    answer = await say(router, decision_id=ID, outcome="good")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "ledger_unavailable"
    assert answer.headers["retry-after"] == "5"
    spool.unlink()
    assert (await say(router, decision_id=ID, outcome="good")).status_code == 202


def written(folder: Path) -> bytes:
    """Everything in the files of `folder`."""
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def keeping(config: Config) -> Config:
    ledger = msgspec.structs.replace(
        config.ledger, store_prompts=True, redact_patterns=(r"ACME-\d+",)
    )
    return msgspec.structs.replace(config, ledger=ledger)


async def test_kept_prompts_are_redacted_before_anything_is_written(tmp_path: Path) -> None:
    turns = ["I am ada@example.org, case ACME-77.", "My number is +44 20 7946 0958. Again?"]
    messages = [{"role": "user", "content": text} for text in turns]
    async with running_router(tmp_path, change=keeping) as router:
        answer = await router.http.post(
            "/v1/chat/completions", json={"model": "auto", "messages": messages}
        )
        entry = await router.entry(answer.headers["x-gearshift-decision"])
    assert entry.prompt == "My number is [phone]. Again?"
    assert entry.kept == Kept(context="I am [email], case [redacted].", length=len(turns[1]))
    assert not [word for word in (b"example.org", b"7946", b"ACME") if word in written(tmp_path)]


async def test_what_is_kept_is_what_was_scored(tmp_path: Path) -> None:
    text = "Rewrite this walrus. " * 400
    async with running_router(tmp_path, change=keeping) as router:
        entry = await router.entry((await router.chat(text)).headers["x-gearshift-decision"])
    prompt = extract((Turn(role="user", text=text),))
    assert prompt is not None
    assert prompt.truncated
    assert entry.prompt == prompt.text
    assert entry.kept == Kept(context="", length=prompt.length)


async def test_prompts_are_never_kept_by_default(router: Router) -> None:
    entry = await router.entry((await router.chat("hello")).headers["x-gearshift-decision"])
    assert entry.prompt is None
    assert entry.kept is None
