"""Makes the two sample logs of data/logs: conversations, and a trace of lengths.

    python -m scripts.logs           write them
    python -m scripts.logs --check   exit 1 if they are not what would be written

Seeded, so they come out alike everywhere. The prompts are those of data/authored, which were
written for this project; nobody ever sent them. Counts of tokens follow the sandbox's law of
lengths; answers are a few words that stand for so many tokens.
"""

import json
import math
import random
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct

from router.sandbox.answers import LONGEST, SHARED, SPREAD
from router.sandbox.personas import INSTRUCT, THINKING, Persona

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / "data" / "logs"
PROMPTS: Final = ROOT / "data" / "authored"
SEED: Final = 20_261_126
EXCHANGES: Final = 300
TRACE_ROWS: Final = 2_000
BLOCK: Final = 256
"""Tokens of a block of a prefix cache, see router.prices.prefixes."""
HASHED: Final = 512
"""Tokens of a block of the trace, as in Mooncake's."""
LIFE: Final = timedelta(minutes=5)
FIRST: Final = datetime(2026, 11, 9, 7, tzinfo=UTC)
DAYS: Final = 14
TEAMS: Final = {"support": 0.5, "engineering": 0.35, "research": 0.15}
LONGEST_PROMPT: Final = 1_500
USERS: Final = 24
SYSTEM: Final = "You are the assistant of a small company. Answer briefly, and say what you assume."
STANDS_FOR: Final = "[An answer of {tokens} tokens stood here.]"
MODELS: Final[dict[str, Persona]] = {
    "moonshotai/kimi-k2-thinking": THINKING,
    "moonshotai/kimi-k2-instruct": INSTRUCT,
}


class Session(Struct, frozen=True, kw_only=True):
    """One conversation as it will go."""

    name: str
    user: str
    team: str
    model: str
    begins: datetime
    prompts: tuple[str, ...]


def main() -> int:
    """Write or check the files; the exit code says whether they were right."""
    files = {"conversations.jsonl": conversations(), "lengths.jsonl": trace()}
    right = True
    for name, rows in files.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path = FOLDER / name
        right &= path.exists() and path.read_text(encoding="utf-8") == text
        if "--check" not in sys.argv:
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return int("--check" in sys.argv and not right)


def conversations() -> list[dict[str, object]]:
    """The exchanges of all sessions, in the order of their times."""
    draw = random.Random(SEED)
    rows: list[dict[str, object]] = []
    for session in sessions(draw):
        rows += exchanges(session, draw)
    return sorted(rows[:EXCHANGES], key=lambda row: str(row["timestamp"]))


def sessions(draw: random.Random) -> Iterator[Session]:
    """Conversations without end: each of one category, by a user of one team."""
    pool = authored()
    for number in range(EXCHANGES):
        category = draw.choice(sorted(pool))
        prompts = pool[category]
        turns = min(len(prompts), draw.choice((1, 1, 1, 2, 2, 3, 4, 6)))
        begin = FIRST + timedelta(days=draw.randrange(DAYS), seconds=draw.triangular(0, 39_600))
        yield Session(
            name=f"s{number:03d}",
            user=f"user{min(draw.randrange(USERS), draw.randrange(USERS)):02d}",
            team=draw.choices(list(TEAMS), weights=list(TEAMS.values()))[0],
            model=draw.choices(list(MODELS), weights=(85, 15))[0],
            begins=begin.replace(microsecond=0),
            prompts=tuple(draw.sample(prompts, turns)),
        )


def exchanges(session: Session, draw: random.Random) -> Iterator[dict[str, object]]:
    """The exchanges of a session: the context grows, and minutes pass between them."""
    messages: list[dict[str, str]] = [{"role": "system", "content": SYSTEM}]
    at, taken, before, last = session.begins, tokens(SYSTEM), 0, session.begins
    for prompt in session.prompts:
        messages.append({"role": "user", "content": prompt})
        taken += tokens(prompt)
        warm = before and at - last <= LIFE
        cached = min(before, taken - 1) // BLOCK * BLOCK if warm else 0
        reasoning, written = lengths(MODELS[session.model], draw)
        yield {
            "timestamp": at.isoformat().replace("+00:00", "Z"),
            "user": session.user,
            "session": session.name,
            "key": session.team,
            "tags": [session.team],
            "request": {"model": session.model, "messages": list(messages)},
            "response": answer(session.model, taken, cached, reasoning, written),
        }
        messages.append({"role": "assistant", "content": STANDS_FOR.format(tokens=written)})
        before, last = taken, at
        taken += written
        at += timedelta(seconds=round(draw.lognormvariate(math.log(90), 1.0)))


def answer(model: str, taken: int, cached: int, reasoning: int, written: int) -> dict[str, object]:
    """A chat completion that says how long it was."""
    text = STANDS_FOR.format(tokens=written)
    return {
        "object": "chat.completion",
        "model": model,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text},
            }
        ],
        "usage": {
            "prompt_tokens": taken,
            "completion_tokens": reasoning + written,
            "total_tokens": taken + reasoning + written,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        },
    }


def lengths(persona: Persona, draw: random.Random) -> tuple[int, int]:
    """Tokens of reasoning and of text: log-normal about the persona's medians."""
    shared = draw.gauss(0, 1)
    return (
        length(persona.reasoning_tokens, shared, draw) if persona.thinking else 0,
        length(persona.answer_tokens, shared, draw),
    )


def length(median: int, shared: float, draw: random.Random) -> int:
    """One length of the sandbox's law."""
    deviation = SPREAD * (SHARED * shared + math.sqrt(1 - SHARED**2) * draw.gauss(0, 1))
    return min(LONGEST, max(1, round(median * math.exp(deviation))))


def tokens(text: str) -> int:
    """About a quarter of a token for every byte, and a few for the message around it."""
    return -(-len(text.encode()) // 4) + 4


def authored() -> dict[str, list[str]]:
    """Our own prompts by category; those that are whole conversations stay out."""
    pool: dict[str, list[str]] = {}
    for path in sorted(PROMPTS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if "prompt" in row and len(row["prompt"]) < LONGEST_PROMPT:
                pool.setdefault(row["category"], []).append(row["prompt"])
    return pool


def trace() -> list[dict[str, object]]:
    """An hour and a half of a chat service that does not exist, as Mooncake writes its traces."""
    draw = random.Random(SEED + 1)
    rows: list[dict[str, object]] = []
    block, begin_ms = 1, 0.0
    while len(rows) < TRACE_ROWS:
        begin_ms += draw.expovariate(1 / 5_000)
        at_ms, taken, ids = begin_ms, 0, [0]
        for _ in range(draw.choice((1, 1, 2, 3, 5))):
            taken += round(draw.lognormvariate(math.log(900), 1.1)) + HASHED
            while len(ids) < max(1, taken // HASHED):
                ids.append(block)
                block += 1
            written = max(1, round(draw.lognormvariate(math.log(210), 0.9)))
            rows.append(row(round(at_ms), taken, written, ids))
            taken += written
            at_ms += draw.expovariate(1 / 60_000)
    return sorted(rows[:TRACE_ROWS], key=lambda each: str(each["timestamp"]).zfill(9))


def row(at_ms: int, taken: int, written: int, ids: Sequence[int]) -> dict[str, object]:
    """One line of the trace."""
    return {
        "timestamp": at_ms,
        "input_length": taken,
        "output_length": written,
        "hash_ids": list(ids),
    }


if __name__ == "__main__":
    sys.exit(main())
