"""`gearshift explain`, as it is typed."""

import json
from pathlib import Path

import pytest

from router.cli.explain import explain
from router.domain import Attempt, Caller, Entry, Kept, ModelId, Outcome
from router.errors import LedgerError
from router.ledger.place import place
from tests.commands import done, typed
from tests.ledgers import chosen, entry, open_spool

ID = f"{7:032x}"


def keep(home: Path, *kept: Entry) -> None:
    """Entries in the spool of `home`: the command stores what waits."""
    spool = open_spool(place(str(home)))
    for one in kept:
        spool.record(one)
    spool.close()


def test_it_says_why_what_and_how_much(tmp_path: Path) -> None:
    keep(tmp_path, entry(7), entry(8))
    said = done(tmp_path, explain, ID).stdout
    words = " ".join(said.split())
    assert ID in said
    assert (
        "Sent to small (easy): the policy follows the classifier's label, easy with 70%." in words
    )
    assert "verdict: easy with 70.0%" in words
    assert "cost: $0.000001" in said
    assert "SIMULATED" not in said


def test_for_programs_there_is_json_and_nothing_else(tmp_path: Path) -> None:
    keep(tmp_path, entry(7, prompt="hello", kept=Kept(length=5)))
    said = json.loads(done(tmp_path, explain, ID, "--json").stdout)
    assert said["id"] == ID
    assert said["reason"] == "label"
    assert said["prompt"] == "hello"
    assert said["choices"][0]["taken"] is True


def test_simulated_money_is_said_to_be(tmp_path: Path) -> None:
    keep(tmp_path, entry(7, simulated=True))
    assert "SIMULATED" in done(tmp_path, explain, ID).stdout


def test_what_callers_wrote_does_not_reach_the_terminal_as_commands(tmp_path: Path) -> None:
    model = ModelId("evil[red]\x1b[2J")
    outcome = Outcome(status=200, attempts=(Attempt(model=model, tier="easy", status=200),))
    keep(
        tmp_path,
        entry(
            7,
            decision=chosen("easy", model, "passthrough"),
            outcome=outcome,
            caller=Caller(user="\x1b]0;title\x07"),
            prompt="\x1b[31mred",
            kept=Kept(length=8),
        ),
    )
    said = done(tmp_path, explain, ID).stdout
    assert "\x1b" not in said
    assert "evil[red]" in said


def test_an_id_that_is_not_there_is_one_plain_line(tmp_path: Path) -> None:
    keep(tmp_path, entry(7))
    result = typed(tmp_path, explain, "nothing")
    assert isinstance(result.exception, LedgerError)
    assert str(result.exception).startswith("no decision 'nothing' is in the ledger ")
    assert "\n" not in str(result.exception)


def test_without_a_ledger_it_says_so(tmp_path: Path) -> None:
    result = typed(tmp_path / "none", explain, ID)
    assert isinstance(result.exception, LedgerError)
    assert "there is no ledger yet" in str(result.exception)


@pytest.mark.parametrize("words", [(), (ID, "more")])
def test_it_takes_one_id(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert typed(tmp_path, explain, *words).exit_code == 2
