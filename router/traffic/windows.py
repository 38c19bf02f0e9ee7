"""The two sides of a drift report, read from the ledger."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from classifier.embed import Embedder
from classifier.features import scored_text
from classifier.types import Prompt
from router.domain import Entry
from router.ledger.facets import Span
from router.ledger.store import Store
from router.traffic.drift import (
    MOST_TEXTS,
    Drift,
    EmbeddingShift,
    Matrix,
    Mix,
    compare,
    count,
    embedding_shift,
)

_SEED: Final = 20_261_123


def drift_between(store: Store, now: Span, before: Span, embedder: Embedder) -> Drift:
    """How the entries of `now` differ from those of `before`."""
    recent, earlier = count(store.entries(now)), count(store.entries(before))
    moved = _embedding(store, now, before, embedder)
    return compare(recent, earlier, "earlier traffic", moved)


def drift_from(store: Store, now: Span, recorded: Mix, version: str) -> Drift:
    """How the entries of `now` differ from what the artifact `version` recorded of its training."""
    return compare(count(store.entries(now)), recorded, f"what {version} learned from")


def _embedding(store: Store, now: Span, before: Span, embedder: Embedder) -> EmbeddingShift | None:
    sides = [_sample(store.entries(span, with_text=True)) for span in (now, before)]
    recent, earlier = (_embed(texts, embedder) for texts in sides)
    return embedding_shift(recent, earlier)


def _sample(entries: Iterable[Entry]) -> list[str]:
    """At most `MOST_TEXTS` prompts, any as likely as any other; one pass, whatever their number.

    Reservoir sampling (Vitter 1985, algorithm R).
    """
    draw = np.random.default_rng(_SEED)
    kept: list[str] = []
    seen = 0
    for entry in entries:
        if entry.prompt is None or entry.facts.open_tool_loop:
            continue
        seen += 1
        place = int(draw.integers(seen))
        if len(kept) < MOST_TEXTS:
            kept.append(_text(entry))
        elif place < MOST_TEXTS:
            kept[place] = _text(entry)
    return kept


def _text(entry: Entry) -> str:
    context = entry.kept.context if entry.kept else ""
    return scored_text(Prompt(text=entry.prompt or "", context=context, length=0))


def _embed(texts: Sequence[str], embedder: Embedder) -> Matrix:
    """Directions of the texts, shape (n, dims): how long a vector is says little of what about."""
    rows = np.array([embedder.embed(text).vector for text in texts], np.float64)
    rows = rows.reshape(len(texts), embedder.dims)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Matrix = rows / np.maximum(lengths, 1e-9)
    return unit
