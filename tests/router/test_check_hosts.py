"""`gearshift check` against hosts that misbehave: each is named, and nothing secret is shown."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from router.cli.check import Finding, check, look_there
from router.config.load import Options, Settings, resolve
from router.sandbox.profile import sandbox_config
from tests.commands import typed
from tests.rawserver import plain_answer, raw_server
from tests.router.test_config_callers import FILE

SECRET = "sk-very-secret"
LISTED = b'{"object":"list","data":[{"id":"m","object":"model"}]}'
GOOD = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"OK"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}'
)
Answer = Callable[[bytes], bytes]


def host(models: bytes, chat: bytes, heard: list[bytes] | None = None) -> Answer:
    """What a host answers to a list of models and to a chat."""

    def answer(request: bytes) -> bytes:
        if heard is not None:
            heard.append(request)
        return models if request.startswith(b"GET ") else chat

    return answer


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[str]:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        writer.write(answer(head + await reader.readexactly(length)))
        await writer.drain()

    async with raw_server(converse) as url:
        yield url


def settings(folder: Path, url: str) -> Settings:
    file = folder / "router.toml"
    text = FILE.replace("http://127.0.0.1:1/v1", url).replace(
        f'base_url = "{url}"', f'base_url = "{url}"\nkey_env = "HOST_KEY"'
    )
    file.write_text(text)
    environ = {"HOST_KEY": SECRET, "GEARSHIFT_DATA_DIR": str(folder / "data")}
    return resolve(Options(config=str(file)), environ, sandbox=sandbox_config)


async def found(folder: Path, answer: Answer) -> dict[str, Finding]:
    async with listening(answer) as url:
        return {one.what: one for one in await look_there(settings(folder, url))}


LIST, ASK = "upstream host lists its models", "tier easy: m answers"


async def test_a_host_in_order_has_nothing_wrong_and_is_asked_once_a_tier(tmp_path: Path) -> None:
    heard: list[bytes] = []
    said = await found(tmp_path, host(plain_answer(LISTED), plain_answer(GOOD), heard))
    assert [one.wrong for one in said.values()] == [None] * 4
    assert list(said) == [LIST, *(f"tier {tier}: m answers" for tier in ("easy", "medium", "hard"))]
    bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in heard[1:]]
    assert {body["max_tokens"] for body in bodies} == {16}
    assert all(SECRET.encode() in request for request in heard)


@pytest.mark.parametrize(
    ("chat", "why"),
    [
        (plain_answer(b""), "no chat completion"),
        (plain_answer(b"<html>welcome</html>"), "no chat completion"),
        (plain_answer(b"[]"), "no chat completion"),
        (plain_answer(b'{"choices":[]}'), "no chat completion"),
        (plain_answer(b"{}", status="401 Unauthorized"), "401"),
        (plain_answer(b"{}", status="404 Not Found"), "404"),
        (plain_answer(b'{"error":{"message":"slow down"}}', status="429 Too Many"), "429"),
        (plain_answer(b"", status="503 Service Unavailable"), "503"),
        (b"", ""),
        (b"no http at all\r\n\r\n", ""),
        (plain_answer(GOOD)[:-30], ""),
    ],
)
async def test_an_answer_that_is_none_is_told_for_every_tier(
    tmp_path: Path, chat: bytes, why: str
) -> None:
    said = await found(tmp_path, host(plain_answer(LISTED), chat))
    assert said[LIST].wrong is None
    for tier in ("easy", "medium", "hard"):
        wrong = said[f"tier {tier}: m answers"].wrong
        assert wrong, "what is no answer was taken for one"
        assert why in wrong
        assert "\n" not in wrong
        assert SECRET not in wrong


@pytest.mark.parametrize(
    ("models", "why"),
    [
        (plain_answer(b'{"data":[{"id":"other"}]}'), "m is not listed by upstream `host` as `m`"),
        (plain_answer(b"{}", status="401 Unauthorized"), "401"),
        (plain_answer(b"{}", status="403 Forbidden"), "403"),
        (b"", ""),
    ],
)
async def test_a_list_without_our_models_is_told_and_the_models_are_tried_all_the_same(
    tmp_path: Path, models: bytes, why: str
) -> None:
    said = await found(tmp_path, host(models, plain_answer(GOOD)))
    wrong = said[LIST].wrong or "nothing"
    assert wrong != "nothing"
    assert why in wrong
    assert SECRET not in wrong
    assert said[ASK].wrong is None


@pytest.mark.parametrize("body", [b'{"data":[]}', b"nonsense", b"[]", b"\xff", b""])
async def test_a_host_that_keeps_no_list_is_not_blamed_for_it(tmp_path: Path, body: bytes) -> None:
    said = await found(tmp_path, host(plain_answer(body), plain_answer(GOOD)))
    assert said[LIST].wrong is None


async def test_a_model_that_used_up_the_cap_with_thinking_has_answered(tmp_path: Path) -> None:
    silent = GOOD.replace(b'"OK"', b"null").replace(b'"stop"', b'"length"')
    said = await found(tmp_path, host(plain_answer(LISTED), plain_answer(silent)))
    assert said[ASK].wrong is None


async def test_a_host_that_is_away_is_named_by_every_check_of_it(tmp_path: Path) -> None:
    said = await look_there(settings(tmp_path, "http://127.0.0.1:9/v1"))
    assert len(said) == 4
    assert all(one.wrong for one in said)


def test_offline_no_host_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(FILE + f'[[key]]\nname = "team"\nhash = "{"c" * 64}"\n')
    told = typed(tmp_path / "data", check, "--config", file, "--offline", "--show")
    assert "ok   key team\n" in told.output
    assert "answers" not in told.output
    assert "lists its models" not in told.output


def test_a_configuration_that_is_wrong_is_the_only_thing_said(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(FILE + "[budgte]\n")
    told = typed(tmp_path / "data", check, "--config", file, "--offline")
    assert told.output == ""
    assert "budgte" in str(told.exception)
    assert "did you mean `budget`?" in str(told.exception)


@pytest.mark.parametrize("name", ["missing.toml", "folder", "latin.toml", "nul.toml"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.toml").write_bytes("# größe\n".encode("latin-1"))
    (tmp_path / "nul.toml").write_bytes(b"\0\0")
    told = typed(tmp_path / "data", check, "--config", tmp_path / name, "--offline")
    assert told.exit_code == 1
    assert str(tmp_path / name) in str(told.exception)
    assert type(told.exception).__name__ == "ConfigError"
