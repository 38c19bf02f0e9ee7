"""The sandbox's page names everything that can be asked of it, and nothing that cannot."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from router.sandbox.personas import persona_of
from router.sandbox.settings import FaultName, Quirk, SandboxSettings, Scenario
from tests.sandboxes import THINKING, Talk, talking

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


@pytest.fixture(scope="module")
async def talk() -> AsyncIterator[Talk]:
    async with talking(SandboxSettings(max_wait_s=0.01)) as talk:
        yield talk


def rows(heading: str) -> list[str]:
    """What stands in the first column of the table under `heading`, without its backticks."""
    section = re.split(r"^#+ ", PAGE.split(f"# {heading}\n")[1], flags=re.MULTILINE)[0]
    return re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)


def test_every_fault_is_on_the_page() -> None:
    assert sorted(rows("Faults")) == sorted(get_args(FaultName))


def test_every_quirk_is_on_the_page() -> None:
    assert sorted(rows("Quirks")) == sorted(get_args(Quirk))


def test_every_key_is_on_the_page() -> None:
    keys = (field.encode_name for field in msgspec.structs.fields(Scenario))
    assert sorted(rows("Directives")) == sorted(keys)


def test_the_table_of_models_is_true() -> None:
    table = re.findall(
        r"^\| (`.+`|anything else) \| .+ \| ([\d,]+) \| (\d+) \| ([\d.]+) s \| ([\d,]+)",
        PAGE,
        flags=re.MULTILINE,
    )
    assert len(table) == 4
    for ids, context, speed, first_byte, output in table:
        for model in re.findall(r"`(.+?)`", ids) or ["small-chat"]:
            persona = persona_of(model)
            assert persona.context == int(context.replace(",", ""))
            assert persona.tokens_per_s == float(speed)
            assert persona.first_byte_s == float(first_byte)
            assert persona.output_tokens == int(output.replace(",", ""))


@pytest.mark.parametrize("fault", sorted(get_args(FaultName)))
@pytest.mark.parametrize("stream", [False, True])
async def test_whatever_the_fault_the_next_request_is_served(
    talk: Talk, fault: str, stream: bool
) -> None:
    async with talk.http.stream(
        "POST",
        "/chat/completions",
        json={
            "model": THINKING,
            "stream": stream,
            "messages": [{"role": "user", "content": f"[[sandbox:fault={fault}]]"}],
        },
    ) as response:
        assert response.headers["x-gearshift-simulated"] == "true"
    assert (await talk.ask("Hi")).choices[0].finish_reason == "stop"
