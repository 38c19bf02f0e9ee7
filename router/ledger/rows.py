"""From values to rows of the store's tables, and back to a whole entry."""

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

import msgspec
from msgspec.structs import replace
from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite

from classifier.types import Tier
from router.domain import Doubt, Entry, Feedback, Kept
from router.ledger.facets import facet, is_estimated, tags_of
from router.ledger.schema import ENTRY, ENTRY_TAG, FEEDBACK, PROMPT

Values: TypeAlias = dict[str, str | int | None]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An entry and its document: the JSON text that the spool held."""

    entry: Entry
    document: str


class _Text(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands in `prompt.document`: the two fields of an entry that hold text."""

    prompt: str
    kept: Kept | None = None


_read_entry = msgspec.json.Decoder(Entry).decode
_read_text = msgspec.json.Decoder(_Text).decode


def inserts(
    dialect: str, fresh: Sequence[Record], feedback: Sequence[Feedback]
) -> list[tuple[Insert, list[Values]]]:
    """Statements that store entries that are not known, and feedback, with rows: in their order.

    Feedback gives way to later feedback of the same witness.
    """
    entry, tag, prompt, later = _statements(dialect)
    statements: list[tuple[Insert, list[Values]]] = [
        (entry, [_entry_row(record) for record in fresh]),
        (tag, _tag_rows(fresh)),
        (prompt, _prompt_rows(fresh)),
        (later, [_feedback_row(one) for one in feedback]),
    ]
    return [(statement, rows) for statement, rows in statements if rows]


def entry_of(document: str, text: str | None) -> Entry:
    """The entry of a document and, where that was kept and still is, of its text."""
    entry = _read_entry(document)
    if text is None:
        return entry
    read = _read_text(text)
    return replace(entry, prompt=read.prompt, kept=read.kept)


@cache
def _statements(dialect: str) -> tuple[Insert, Insert, Insert, Insert]:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    said_before = insert(FEEDBACK)
    new = said_before.excluded
    later = said_before.on_conflict_do_update(
        index_elements=[FEEDBACK.c.decision_id, FEEDBACK.c.witness],
        set_={"at_us": new.at_us, "opinion": new.opinion, "label": new.label, "model": new.model},
        where=FEEDBACK.c.at_us < new.at_us,
    )
    return insert(ENTRY), insert(ENTRY_TAG), insert(PROMPT), later


def _entry_row(record: Record) -> Values:
    entry = record.entry
    shadow, doubts = entry.shadow, entry.cost.doubts
    return {
        "id": entry.id,
        "at_us": entry.at_us,
        "day": facet(entry, "day"),
        "tier": facet(entry, "tier"),
        "label": facet(entry, "label"),
        "model": facet(entry, "model"),
        "reason": entry.decision.reason,
        "caller_key": facet(entry, "key"),
        "caller_user": facet(entry, "user"),
        "status": entry.outcome.status,
        "simulated": entry.simulated,
        "estimated": is_estimated(entry),
        "input_tokens": entry.usage.input,
        "cached_tokens": entry.usage.cached,
        "output_tokens": entry.usage.output,
        "reasoning_tokens": entry.usage.reasoning,
        "cost_actual": entry.cost.actual,
        "cost_easy": entry.cost.easy,
        "cost_medium": entry.cost.medium,
        "cost_hard": entry.cost.hard,
        "document": record.document if entry.prompt is None else _without_text(entry),
        "cost_routed": entry.cost.routed,
        "shadow_tier": shadow.tier if shadow else None,
        "rolled": True,
        **_doubt_columns("easy", doubts.get("easy")),
        **_doubt_columns("medium", doubts.get("medium")),
        **_doubt_columns("hard", doubts.get("hard")),
    }


def _doubt_columns(tier: Tier, doubt: Doubt | None) -> Values:
    shared, own = (doubt.shared, doubt.own) if doubt else (None, None)
    return {f"shared_{tier}": shared, f"own_{tier}": own}


def _without_text(entry: Entry) -> str:
    return msgspec.json.encode(replace(entry, prompt=None, kept=None)).decode()


def _tag_rows(records: Sequence[Record]) -> list[Values]:
    return [
        {"entry_id": record.entry.id, "tag": tag}
        for record in records
        for tag in tags_of(record.entry)
    ]


def _prompt_rows(records: Sequence[Record]) -> list[Values]:
    return [
        {
            "entry_id": entry.id,
            "at_us": entry.at_us,
            "document": msgspec.json.encode(_Text(prompt=entry.prompt, kept=entry.kept)).decode(),
        }
        for entry in (record.entry for record in records)
        if entry.prompt is not None
    ]


def _feedback_row(said: Feedback) -> Values:
    return {
        "decision_id": said.decision_id,
        "witness": said.witness,
        "at_us": said.at_us,
        "opinion": said.opinion,
        "label": said.label,
        "model": said.model,
    }
