"""From what callers say of answers to the model that serves, and back, as users do it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
from click.testing import Result
from msgspec.structs import replace
from rich_click import Command

from classifier import artifact, history
from classifier.corpus import Example, read
from classifier.evaluate import Report
from classifier.folds import parts
from classifier.registry import builtin, promoted
from router.cli.evaluate import evaluate
from router.cli.lessons import lessons
from router.cli.models import models
from router.cli.train import train
from router.config.schema import Config, Registry
from router.ledger.place import place
from router.ledger.store import Store
from tests.commands import done
from tests.routers import Router, running_router
from tests.synthetic import save_examples
from tests.waiting import until, until_said

OWN = artifact.read_manifest(builtin()).version
TAUGHT = 60


def question(number: int) -> str:
    """What the built-in model takes to be easy, and our callers know to be hard."""
    return f"Name the capital of district {number}."


def learning(config: Config) -> Config:
    """Prompts are kept, and the registry is looked at often."""
    ledger = replace(config.ledger, store_prompts=True)
    return replace(config, ledger=ledger, registry=Registry(poll_ms=10))


async def command(router: Router, name: Command, *words: str | Path) -> Result:
    """A command beside the running service, which must succeed."""
    return await asyncio.to_thread(done, Path(router.environment.data_dir), name, *words)


async def ask(router: Router, numbers: Sequence[int]) -> list[str]:
    """Ask, and say of each answer that it would not do, because the prompt is hard."""
    decisions = []
    for number in numbers:
        answer = await router.chat(question(number), max_tokens=1)
        decisions.append(answer.headers["x-gearshift-decision"])
        heard = {"decision_id": decisions[-1], "outcome": "bad", "label": "hard"}
        assert (await router.http.post("/v1/feedback", json=heard)).status_code == 202
    return decisions


def heard(router: Router) -> int:
    """Feedback in the store whose entry is there too."""
    store = Store(place(router.environment.data_dir))
    try:
        return len(list(store.feedback()))
    finally:
        store.close()


async def route(router: Router) -> tuple[str, str, str]:
    """Version, label and tier of a question that nobody asked before."""
    asked = {"model": "auto", "messages": [{"role": "user", "content": question(7_777)}]}
    said = (await router.http.post("/v1/route", json=asked)).json()
    return said["verdict"]["model_version"], said["verdict"]["label"], said["decision"]["tier"]


async def serves(router: Router, version: str) -> None:
    """Wait until the running service has followed."""

    async def followed() -> bool:
        return (await route(router))[0] == version

    await until_said(followed)


def held_out(number: int) -> list[Example]:
    """Rows of the same kind, all of the tenth that decides on promotions."""
    rows = [Example(prompt=question(n), label="hard") for n in range(1_000, 3_000)]
    kept = [row for row, part in zip(rows, parts(rows), strict=True) if part == "promote"]
    return kept[:number]


async def test_what_callers_say_of_answers_decides_once_it_is_promoted(tmp_path: Path) -> None:
    written, exam = tmp_path / "lessons.jsonl", tmp_path / "exam.jsonl"
    save_examples(exam, held_out(30))
    async with running_router(tmp_path, change=learning) as router:
        before = await route(router)
        assert before == (OWN, "easy", "easy")
        decisions = await ask(router, range(100, 100 + TAUGHT))
        await until(lambda: heard(router) == TAUGHT)

        await command(router, lessons, "--since", "1d", "--out", written)
        rows = read([written])
        assert {str(row.id) for row in rows} == set(decisions)
        assert {row.label for row in rows} == {"hard"}
        assert [row.prompt for row in rows] == [question(n) for n in range(100, 100 + TAUGHT)]

        made = await command(router, train, "--from-ledger", "--data", exam)
        version = Path(made.stdout.strip())
        assert f"{TAUGHT} rows from the ledger" in made.stderr
        assert artifact.read_manifest(version).parent == OWN
        assert "| traffic | " in artifact.read_text(version, artifact.CARD)
        assert await route(router) == before, "nothing is promoted by training"

        judged = await command(
            router, evaluate, "--data", exam, "--held-out", "--version", version.name, "--json"
        )
        report = msgspec.json.decode(judged.stdout, type=Report)
        assert (report.version, report.judged) == (version.name, 30)
        assert report.macro_f1.value > 0.9

        await command(router, models, "promote", version.name, "--data", exam)
        await serves(router, version.name)
        assert await route(router) == (version.name, "hard", "hard")
        answer = await router.chat(question(8_888))
        entry = await router.entry(answer.headers["x-gearshift-decision"])
        assert entry.decision.verdict is not None
        assert (entry.decision.tier, entry.decision.verdict.model_version) == ("hard", version.name)

        await command(router, models, "rollback")
        await serves(router, OWN)
        assert await route(router) == before
        metrics = (await router.http.get("/metrics")).text
        assert 'gearshift_model_changes_total{outcome="taken"} 2.0' in metrics
        assert f'opinion="bad"}} {TAUGHT}.0' in metrics
    assert promoted(tmp_path / "registry") == "builtin"
    assert [event.action for event in history.read(tmp_path / "registry")] == [
        "promote",
        "rollback",
    ]


async def test_what_was_asked_of_the_new_version_teaches_the_next(tmp_path: Path) -> None:
    """A version that learned from traffic is itself built upon, and its verdicts are recorded."""
    exam = save_examples(tmp_path / "exam.jsonl", held_out(30))
    async with running_router(tmp_path, change=learning) as router:
        await ask(router, range(100, 130))
        await until(lambda: heard(router) == 30)
        first = (await command(router, train, "--from-ledger", "--data", exam)).stdout.strip()
        await command(router, models, "promote", Path(first).name, "--data", exam, "--force")
        await serves(router, Path(first).name)
        await ask(router, range(200, 230))
        await until(lambda: heard(router) == 60)
        made = await command(router, train, "--from-ledger", "--data", exam)
        second = Path(made.stdout.strip())
        assert "60 rows from the ledger" in made.stderr
        assert artifact.read_manifest(second).parent == Path(first).name
        verdicts = [entry.decision.verdict for entry in router.entries()]
        assert {one.model_version for one in verdicts if one} == {OWN, Path(first).name}
