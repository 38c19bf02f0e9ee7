"""Commands as they are typed: what they print, where, and with which exit code."""

from pathlib import Path

import msgspec
import pytest

from tests.processes import gearshift
from tests.routers import running_router

KEYS = ["id", "label", "probabilities", "success", "difficulty", "confidence", "truncated"]


def objects(text: str) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in text.splitlines()]


def test_route_prints_a_verdict_and_a_decision_for_each_prompt(tmp_path: Path) -> None:
    done = gearshift(tmp_path, "route", "What is the capital of Portugal?", "hi")
    answers = objects(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert [answer["id"] for answer in answers] == [1, 2]
    assert list(answers[0])[:7] == KEYS
    decision = answers[0]["decision"]
    assert isinstance(decision, dict)
    assert list(decision) == ["tier", "model", "reason", "candidates"]
    assert decision["reason"] in {"label", "needs_info"}


def test_a_bad_line_is_named_and_spares_the_others(tmp_path: Path) -> None:
    lines = tmp_path / "prompts.jsonl"
    lines.write_text('{"prompt": "hi"}\n{"text": 1}\nno json\n\n{"id": "z", "prompt": "ho"}\n')
    done = gearshift(tmp_path, "classify", "--input", str(lines))
    assert done.returncode == 1
    assert [answer["id"] for answer in objects(done.stdout)] == [1, "z"]
    said = done.stderr.splitlines()
    assert said[0].startswith("line 2: ")
    assert said[1].startswith("line 3: ")
    assert said[2] == "gearshift: 2 prompts could not be answered (named above)"


ASK = "What is the capital of Portugal?"
PROOF = "Prove that the halting problem is undecidable, rigorously and in detail."
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TOOL = {"type": "function", "function": {"name": "f"}}


def line(content: object, **fields: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": content}], **fields}


LINES = [
    line(ASK),
    line([{"type": "text", "text": ASK}, {"type": "text", "text": ""}, PICTURE]),
    line(PROOF, max_tokens=100),
    line(PROOF, model="gearshift/hard", max_tokens=100),
    line(ASK, tools=[TOOL], response_format={"type": "json_schema"}, logprobs=True),
    line("é C:\\users\\uid " * 16_000),
    line(ASK, model="auto:best"),
    line(ASK, model="no-such-model"),
    line(ASK, max_tokens=0),
    line(PROOF, messages=[*[{"role": "user", "content": PROOF}], {"role": "tool", "content": "4"}]),
]


async def test_route_decides_a_line_as_the_service_does(tmp_path: Path) -> None:
    source = tmp_path / "lines.jsonl"
    source.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in LINES))
    async with running_router(tmp_path) as router:
        batch = {"requests": [{"model": "auto"} | each for each in LINES]}
        results = (await router.http.post("/v1/route", json=batch)).json()["results"]

    done = gearshift(tmp_path, "route", "--input", str(source))

    decided = {answer["id"]: answer["decision"] for answer in objects(done.stdout)}
    errors = done.stderr.splitlines()
    assert done.returncode == 1
    wants = [result.get("decision", result.get("error")) for result in results]
    for want in wants:
        want.pop("verdict", None)
    refused = [n for n, result in enumerate(results, 1) if "error" in result]
    assert decided == {n: want for n, want in enumerate(wants, 1) if n not in refused}
    assert errors[:-1] == [f"line {n}: {wants[n - 1]['message']}" for n in refused]
    assert {2, 4, 8, 9} <= set(refused)
    assert "image" in errors[0]
    assert wants[2]["candidates"][2]["obstacle"] == "max_tokens"
    assert wants[5]["reason"] == "context" or wants[5]["candidates"][0]["obstacle"] == "context"


async def test_a_bare_prompt_is_decided_like_a_conversation_of_it(tmp_path: Path) -> None:
    source = tmp_path / "lines.jsonl"
    long = "é C:\\users\\uid " * 16_000
    lines = [{"prompt": long}, line(long)]
    source.write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in lines))

    answers = objects(gearshift(tmp_path, "route", "--input", str(source)).stdout)

    assert answers[0]["decision"] == answers[1]["decision"]
    assert '"obstacle":"context"' in msgspec.json.encode(answers[0]).decode()


def test_a_line_nested_too_deeply_spares_the_others(tmp_path: Path) -> None:
    source = tmp_path / "lines.jsonl"
    source.write_text('{"prompt":"hi","x":' + "[" * 9_999 + "]" * 9_999 + '}\n{"prompt":"ho"}\n')
    done = gearshift(tmp_path, "route", "--input", str(source))
    assert [answer["id"] for answer in objects(done.stdout)] == [2]
    assert done.stderr.startswith("line 1: ")


def test_check_tries_every_tier(tmp_path: Path) -> None:
    done = gearshift(tmp_path, "check", "--sandbox")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("answers") == 3
    assert "FAIL" not in done.stdout


UNREACHABLE = """
[tiers]
easy = ["m"]
medium = ["m"]
hard = ["m"]
[upstream.nowhere]
base_url = "http://127.0.0.1:9/v1"
key_env = "NOWHERE_KEY"
[model.m]
upstream = "nowhere"
name = "m"
context = 1000
"""


def test_check_says_which_tier_is_unreachable_and_why(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(UNREACHABLE)
    done = gearshift(tmp_path, "check", "--config", str(file), NOWHERE_KEY="sk-none")
    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert any("tier hard: m answers" in line and "cannot be reached" in line for line in failed)
    assert "sk-none" not in done.stdout + done.stderr


def test_check_shows_the_effective_configuration_without_secrets(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(UNREACHABLE)
    done = gearshift(
        tmp_path, "check", "--offline", "--show", "--config", str(file), NOWHERE_KEY="sk-none"
    )
    assert '"needs_info_tier": "medium"' in done.stdout
    assert "sk-none" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("serve", "--config", "nowhere.toml"), "nowhere.toml"),
        (("serve", "--workers", "0"), "--workers"),
        (("check", "--config", "nowhere.toml"), "nowhere.toml"),
        (("route",), "TEXT"),
        (("models", "show", "20000101-00000000"), "20000101-00000000"),
    ],
)
def test_what_is_wrong_is_named_on_standard_error(
    tmp_path: Path, arguments: tuple[str, ...], names: str
) -> None:
    done = gearshift(tmp_path, *arguments)
    assert done.returncode != 0
    assert names in done.stderr
    assert done.stdout == ""


def test_a_misspelt_key_is_recognised(tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(UNREACHABLE + "[polcy]\nby = 'label'\n")
    done = gearshift(tmp_path, "check", "--config", str(file))
    assert done.returncode == 1
    assert "policy" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [
        "serve",
        "sandbox",
        "classify",
        "route",
        "report",
        "train",
        "evaluate",
        "calibrate",
        "models",
        "check",
        "costs",
    ],
)
def test_every_command_explains_itself_with_an_example(tmp_path: Path, command: str) -> None:
    done = gearshift(tmp_path, command, "--help")
    assert done.returncode == 0
    assert f"gearshift {command}" in done.stdout
    assert "Example" in done.stdout


def test_a_corrupt_artifact_leaves_the_built_in_one_serving(tmp_path: Path) -> None:
    registry = tmp_path / "registry"
    broken = registry / "20260101-deadbeef"
    broken.mkdir(parents=True)
    (broken / "manifest.json").write_text("{}")
    (registry / "promoted").write_text("20260101-deadbeef")
    done = gearshift(tmp_path, "check", "--sandbox", "--offline")
    assert done.returncode == 1
    assert "manifest.json" in done.stdout
    assert "the promoted model cannot be used" in done.stdout
