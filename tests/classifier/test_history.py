"""The record of promotions, and how far one may go back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.history import BUILTIN, HISTORY, Event, RegistryError, append, read, served


def event(action: Literal["promote", "rollback"], version: str, before: str) -> Event:
    return Event(at=datetime.now(UTC), action=action, version=version, before=before)


def story(*steps: str) -> list[Event]:
    """Promotions by name, `<` for a rollback."""
    events: list[Event] = []
    now = BUILTIN
    for step in steps:
        back = step == "<"
        version = served(events, now)[-1] if back else step
        events.append(event("rollback" if back else "promote", version, now))
        now = version
    return events


def test_at_first_nothing_served_before() -> None:
    assert served([], BUILTIN) == []


def test_promotions_pile_up_and_rollbacks_take_them_off_again() -> None:
    assert served(story("a", "b", "c"), "c") == [BUILTIN, "a", "b"]
    assert served(story("a", "b", "c", "<"), "b") == [BUILTIN, "a"]
    assert served(story("a", "b", "c", "<", "<", "<"), BUILTIN) == []


def test_after_a_rollback_a_promotion_begins_a_new_way() -> None:
    assert served(story("a", "b", "<", "c"), "c") == [BUILTIN, "a"]


def test_the_same_version_may_serve_again_and_again() -> None:
    assert served(story("a", "b", "a"), "a") == [BUILTIN, "a", "b"]


def test_a_marker_set_by_hand_is_believed() -> None:
    # To something new: what was recorded last served before it.
    assert served(story("a", "b"), "x") == [BUILTIN, "a", "b"]
    # Back to something old: as if it had been rolled back to.
    assert served(story("a", "b", "c"), "a") == [BUILTIN]
    # And a promotion from there remembers where it began.
    by_hand = [*story("a"), event("promote", "b", before="x")]
    assert served(by_hand, "b") == [BUILTIN, "a", "x"]


def test_a_promotion_that_was_recorded_and_never_happened_is_passed_over() -> None:
    assert served(story("a", "b"), "a") == [BUILTIN]


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=8))
def test_rolling_back_ends_at_the_built_in_one_whatever_was_promoted(names: list[str]) -> None:
    now = [BUILTIN, *names]
    steps = [name for name, before in zip(names, now, strict=False) if name != before]
    events = story(*steps)
    way = [events[-1].version if events else BUILTIN]
    while before := served(events, way[-1]):
        events.append(event("rollback", before[-1], way[-1]))
        way.append(before[-1])
    assert way == [BUILTIN, *steps][::-1]


def test_events_are_added_and_read_in_order(tmp_path: Path) -> None:
    registry = tmp_path / "registry"
    assert read(registry) == []
    first = event("promote", "a", BUILTIN)
    second = msgspec.structs.replace(
        event("rollback", BUILTIN, "a"), forced=True, comparison=msgspec.Raw(b'{"rows":3}')
    )
    append(registry, first)
    before = (registry / HISTORY).read_bytes()
    append(registry, second)
    assert (registry / HISTORY).read_bytes().startswith(before)
    one, other = read(registry)
    assert one == first
    assert (other.version, other.forced, bytes(other.comparison)) == (BUILTIN, True, b'{"rows":3}')


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    append(tmp_path, event("promote", "a", BUILTIN))
    with (tmp_path / HISTORY).open("a") as lines:
        lines.write('{"at": 1}\n')
    with pytest.raises(RegistryError, match=r"history\.jsonl, line 2"):
        read(tmp_path)


def test_a_last_line_that_was_cut_short_is_passed_over_and_written_anew(tmp_path: Path) -> None:
    first, second = event("promote", "a", BUILTIN), event("promote", "b", "a")
    append(tmp_path, first)
    with (tmp_path / HISTORY).open("a") as lines:
        lines.write('{"at":"2026-1')
    assert read(tmp_path) == [first]
    append(tmp_path, second)
    assert read(tmp_path) == [first, second]


def test_a_registry_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "registry").write_text("a file where the folder would be")
    with pytest.raises(RegistryError, match=r"history\.jsonl cannot be written"):
        append(tmp_path / "registry", event("promote", "a", BUILTIN))
    (tmp_path / HISTORY).mkdir()
    with pytest.raises(RegistryError, match=r"history\.jsonl cannot be read"):
        read(tmp_path)
