"""What `POST /v1/feedback` refuses, told as OpenAI's clients read it, and kept nowhere."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import openai
import pytest
from msgspec.structs import replace
from openai import AsyncOpenAI

from router.config.schema import Config, Environment
from router.domain import Feedback
from router.ledger.place import place
from router.ledger.store import Store
from tests.routers import Router, running_router
from tests.waiting import until

ID = "0123456789abcdef" * 2
GOOD = {"decision_id": ID, "outcome": "good"}


async def send(router: Router, content: bytes, **headers: str) -> httpx.Response:
    return await router.http.post("/v1/feedback", content=content, headers=headers)


def in_openai_s_shape(answer: httpx.Response) -> dict[str, str | None]:
    """The error of `answer`, whose shape is checked."""
    assert answer.headers["content-type"].startswith("application/json")
    assert set(answer.json()) == {"error"}
    error: dict[str, str | None] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


async def taken(router: Router) -> str:
    """The lines of the metrics that count feedback."""
    lines = (await router.http.get("/metrics")).text.splitlines()
    return "\n".join(line for line in lines if line.startswith("gearshift_feedback_total"))


def heard(router: Router) -> list[Feedback]:
    store = Store(place(router.environment.data_dir))
    try:
        return list(store.feedback())
    finally:
        store.close()


BAD: list[tuple[bytes, str | None, str]] = [
    (b"\xff\xfe{}", None, "not valid UTF-8"),
    (b'{"decision_id":"\xe9"}', None, "not valid UTF-8"),
    (b"[" * 4_000, None, "body"),
    (b'{"decision_id":' + b"[" * 2_000 + b"]" * 2_000 + b',"outcome":"good"}', None, ""),
    (b"null", None, "object"),
    (b'"good"', None, "object"),
    (b'{"decision_id":"%s","outcome":"good"} trailing' % ID.encode(), None, "JSON"),
    (b'{"decision_id":null,"outcome":"good"}', "decision_id", "null"),
    (b'{"decision_id":"","outcome":"good"}', "decision_id", "32 hex digits"),
    (b'{"decision_id":"%s","outcome":"good"}' % ID.upper().encode(), "decision_id", "32 hex"),
    (b'{"decision_id":"%s0","outcome":"good"}' % ID.encode(), "decision_id", "32 hex digits"),
    (b'{"decision_id":"%s","outcome":"Good"}' % ID.encode(), "outcome", "Good"),
    (b'{"decision_id":"%s","outcome":null}' % ID.encode(), "outcome", "null"),
    (b'{"decision_id":"%s","outcome":["good"]}' % ID.encode(), "outcome", "array"),
    (b'{"decision_id":"%s","outcome":"good","label":"Hard"}' % ID.encode(), "label", "Hard"),
    (b'{"decision_id":"%s","outcome":"good","label":3}' % ID.encode(), "label", "int"),
    (b'{"decision_id":"%s","outcome":"bad","witness":"judge"}' % ID.encode(), None, "witness"),
    (b'{"decision_id":"%s","outcome":"bad","at_us":1}' % ID.encode(), None, "at_us"),
    (b'{"decision_id":"%s","outcome":"bad","model":"x"}' % ID.encode(), None, "model"),
]
"""Bodies, the field that is named where one is, and what is said."""


async def test_a_bad_body_is_a_bad_request_and_counts_nowhere(router: Router) -> None:
    for body, param, says in BAD:
        answer = await send(router, body)
        error = in_openai_s_shape(answer)
        assert (answer.status_code, error["type"]) == (400, "invalid_request_error"), body
        assert param in (None, error["param"]), body
        assert says in str(error["message"]), body
        assert len(str(error["message"])) < 300, body
    assert await taken(router) == ""


async def test_no_caller_can_speak_as_the_judge(router: Router) -> None:
    """What a judge says is trusted less, and stands beside what the caller says."""
    decision = (await router.chat("hello")).headers["x-gearshift-decision"]
    await router.http.post("/v1/feedback", json={"decision_id": decision, "outcome": "good"})
    forged = {"decision_id": decision, "outcome": "bad", "witness": "judge"}
    assert (await router.http.post("/v1/feedback", json=forged)).status_code == 400
    await until(lambda: bool(heard(router)))
    assert [(said.witness, said.opinion) for said in heard(router)] == [("caller", "good")]


async def test_an_empty_label_is_no_label_and_the_type_of_the_body_does_not_matter(
    router: Router,
) -> None:
    body = b'{"decision_id":"%s","outcome":"good","label":null}' % ID.encode()
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        answer = await send(router, body, **{"content-type": kind})
        assert (answer.status_code, answer.json()["label"]) == (202, None)
    assert await taken(router) == 'gearshift_feedback_total{label="",opinion="good"} 3.0'


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_any_other_method_is_told_which_there_is(router: Router, method: str) -> None:
    answer = await router.http.request(method, "/v1/feedback")
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]
    assert in_openai_s_shape(answer)["type"] == "invalid_request_error"


def padded(size: int) -> bytes:
    """Good feedback, with blanks up to `size` bytes."""
    body = b'{"decision_id":"%s","outcome":"good"}' % ID.encode()
    return body + b" " * (size - len(body))


async def test_the_longest_body_is_taken_and_one_byte_more_is_not(router: Router) -> None:
    assert (await send(router, padded(4_096))).status_code == 202
    answer = await send(router, padded(4_097))
    error = in_openai_s_shape(answer)
    assert (answer.status_code, error["code"]) == (413, "body_too_large")
    assert "4,096 bytes" in str(error["message"])
    metrics = (await router.http.get("/metrics")).text
    assert 'gearshift_refused_total{code="body_too_large",status="413"} 1.0' in metrics


async def test_a_body_without_a_stated_length_is_bounded_too(router: Router) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 1_024

    answer = await router.http.post("/v1/feedback", content=pieces())
    assert answer.status_code == 413
    assert in_openai_s_shape(answer)["code"] == "body_too_large"


async def test_the_limit_of_all_bodies_holds_here_as_well(tmp_path: Path) -> None:
    def small(config: Config) -> Config:
        return replace(config, server=replace(config.server, max_body_bytes=100))

    async with running_router(tmp_path, change=small) as router:
        assert (await send(router, padded(100))).status_code == 202
        answer = await send(router, padded(101))
    error = in_openai_s_shape(answer)
    assert (answer.status_code, error["code"]) == (413, "body_too_large")


@pytest.fixture
async def locked(tmp_path: Path) -> AsyncIterator[Router]:
    """A router with two keys, of which the API's opens this door."""
    keys = Environment(api_key="the-right-key", admin_key="the-admin-key")
    async with running_router(tmp_path, environment=keys) as running:
        yield running


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_api_key"),
        ({"authorization": "Bearer"}, "missing_api_key"),
        ({"authorization": "Bearer the-wrong-key"}, "invalid_api_key"),
        ({"authorization": "Bearer the-admin-key"}, "invalid_api_key"),
        ({"x-api-key": "the-right-key-and-more"}, "invalid_api_key"),
    ],
)
async def test_without_the_key_nothing_is_taken(
    locked: Router, headers: dict[str, str], code: str
) -> None:
    answer = await locked.http.post("/v1/feedback", json=GOOD, headers=headers)
    error = in_openai_s_shape(answer)
    assert (answer.status_code, error["code"]) == (401, code)
    assert "the-right-key" not in answer.text
    admin = {"authorization": "Bearer the-admin-key"}
    assert (
        "gearshift_feedback_total{" not in (await locked.http.get("/metrics", headers=admin)).text
    )


async def test_the_key_is_asked_for_before_the_body_is_judged(locked: Router) -> None:
    answer = await send(locked, b"{")
    assert answer.status_code == 401


async def test_openai_s_client_sends_it_and_understands_the_refusals(locked: Router) -> None:
    """Users have that client already: `client.post` reaches what it has no method for."""
    taken = await locked.openai.post("/feedback", body=GOOD, cast_to=httpx.Response)
    assert taken.status_code == 202
    with pytest.raises(openai.BadRequestError) as refused:
        await locked.openai.post("/feedback", body={**GOOD, "outcome": "meh"}, cast_to=object)
    assert refused.value.param == "outcome"
    assert "meh" in refused.value.message
    stranger = AsyncOpenAI(base_url=f"{locked.url}/v1", api_key="no", max_retries=0)
    async with stranger:
        with pytest.raises(openai.AuthenticationError) as shut:
            await stranger.post("/feedback", body=GOOD, cast_to=object)
    assert shut.value.code == "invalid_api_key"


async def test_of_two_opinions_the_latest_is_kept_and_both_were_taken(router: Router) -> None:
    decision = (await router.chat("hello")).headers["x-gearshift-decision"]
    for fields in ({"outcome": "good"}, {"outcome": "bad", "label": "hard"}, {"outcome": "bad"}):
        answer = await router.http.post("/v1/feedback", json={"decision_id": decision, **fields})
        assert answer.status_code == 202
    await until(lambda: [(said.opinion, said.label) for said in heard(router)] == [("bad", None)])
    assert (await taken(router)).count("} 1.0") == 3
