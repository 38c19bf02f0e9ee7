"""From the lines of a unit to its part: read, extract, look up or assess; in many processes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct

from classifier import artifact
from classifier.features import extract
from classifier.model import Classifier
from classifier.types import LABELS, Prompt, Verdict
from router.columns import NOBODY
from router.config.schema import Rule
from router.keys import DIGEST_BYTES, cache_key
from router.policy.rules import CompiledRule, compile_rules, match_rules
from router.replay.formats.choose import reader_of
from router.replay.gather import Gathered, Line, Verdicted, name_conversation
from router.replay.lines import lines
from router.replay.logged import Answered, Bad, Logged, Reader, nonsense
from router.replay.loops import name_loop
from router.replay.mix import Mix, draw
from router.replay.part import ABSENT, MICRO, SCORES, BadLine, Keys, Part
from router.replay.sources import Unit
from router.replay.verdicts import Verdicts, load

Rulesets: TypeAlias = tuple[tuple[CompiledRule, ...], ...]
Scored: TypeAlias = tuple[int, tuple[int, ...]]
"""Position in LABELS, and the scores in millionths."""

_REMEMBERED: Final = 200_000
"""Verdicts that a process remembers: logs repeat themselves, from one unit to the next too."""
_NO_KEY: Final = bytes(DIGEST_BYTES)
_UNSCORED: Final = (ABSENT,) * len(SCORES)


class Task(Struct, frozen=True, kw_only=True):
    """What every process has to know beside the unit."""

    artifact: str
    """Folder of the classifier that judges."""
    verdicts: str
    """File of verdicts that were made before."""
    rules: tuple[tuple[Rule, ...], ...]
    """Of every policy."""
    mix: Mix
    secret: bytes = b""


class Surveyor:
    """Reads units. One a process: the classifier is loaded once, when a text has to be scored."""

    def __init__(self, task: Task) -> None:
        """Raises ArtifactError."""
        self._task = task
        self._rules = tuple(map(compile_rules, task.rules))
        self._known: Verdicts = load(Path(task.verdicts))
        self._version = artifact.read_manifest(Path(task.artifact)).version
        self._classifier: Classifier | None = None
        self._recent: dict[bytes, Scored] = {}

    def survey(self, number: int, unit: Unit) -> Part:
        """The requests of `unit`, which is the `number`th. Raises LogError, ArtifactError."""
        rows = _Rows(self._task, self._rules, reader_of(unit.format))
        at = -1
        for at, line in enumerate(lines(unit)):
            if line.strip():
                rows.read(at, line)
        keys = [self._key(prompt) for prompt in rows.prompts]
        verdicted = self._verdict(rows, keys)
        return rows.gathered.part(number, at + 1, rows.bad, verdicted)

    def _key(self, prompt: Prompt | None) -> bytes:
        if prompt is None:
            return _NO_KEY
        return cache_key(prompt, self._version, self._task.secret)

    def _verdict(self, rows: "_Rows", keys: Sequence[bytes]) -> Verdicted:
        """Look every key up, and score what is not there once, however often it occurs."""
        halves: Keys = np.frombuffer(b"".join(keys), ">u8").astype(np.uint64).reshape(-1, 2)
        found = self._known.find(halves)
        fresh = np.zeros(len(keys), np.uint8)
        label = np.full(len(keys), NOBODY, np.uint8)
        scores = np.full((len(keys), len(SCORES)), ABSENT, np.int32)
        old = found >= 0
        label[old] = self._known.label[found[old]]
        scores[old] = self._known.scores[found[old]]
        for at in np.flatnonzero(~old).tolist():
            prompt, given = rows.prompts[at], rows.given[at]
            if prompt is not None:
                fresh[at] = keys[at] not in self._recent
                label[at], scores[at] = self._score(keys[at], prompt)
            elif given is not None:
                label[at], scores[at] = given
        return Verdicted(label=label, scores=scores, key=halves, fresh=fresh)

    def _score(self, key: bytes, prompt: Prompt) -> Scored:
        scored = self._recent.get(key)
        if scored is None:
            if self._classifier is None:
                self._classifier = artifact.load(Path(self._task.artifact))
            scored = _scored(self._classifier.assess(prompt))
            if len(self._recent) >= _REMEMBERED:
                self._recent.clear()
            self._recent[key] = scored
        return scored


class _Rows:
    """The rows of one unit as they are read."""

    def __init__(self, task: Task, rules: Rulesets, reader: Reader) -> None:
        self.gathered = Gathered(len(rules))
        self.prompts: list[Prompt | None] = []
        self.given: list[Scored | None] = []
        """Verdicts that need no scoring: a ledger's own, or drawn ones."""
        self.bad: list[BadLine] = []
        self._mix = task.mix
        self._rules = rules
        self._reader = reader

    def read(self, at: int, line: bytes) -> None:
        """The requests in line number `at`."""
        for found in self._reader(line):
            if isinstance(found, Bad):
                self.bad.append(BadLine(at, found.reason))
            elif (reason := nonsense(found)) is not None:
                self.bad.append(BadLine(at, reason))
            elif isinstance(found, Answered):
                self.gathered.join(found.custom_id, found)
            else:
                self._add(at, found, line)

    def _add(self, at: int, logged: Logged, line: bytes) -> None:
        prompt = extract(logged.turns) if logged.turns else None
        self.prompts.append(prompt)
        self.given.append(self._given(logged, line))
        text = prompt.text if prompt else ""
        key = logged.key
        recorded = logged.facts.rules
        first = next((turn.text for turn in logged.turns if turn.role == "user"), "")
        self.gathered.add(
            logged,
            Line(
                at=at,
                characters=prompt.length if prompt else logged.characters,
                conversation=name_conversation(logged, first, line),
                loop=name_loop(logged),
                matches=tuple(
                    match_rules(rules, key, {}, text) if logged.turns else recorded
                    for rules in self._rules
                ),
            ),
        )

    def _given(self, logged: Logged, line: bytes) -> Scored | None:
        if logged.verdict is not None:
            return _scored(logged.verdict)
        return None if logged.turns or not logged.drawn else (draw(self._mix, line), _UNSCORED)


def _scored(verdict: Verdict) -> Scored:
    success = verdict.success
    told = (success.easy, success.medium, success.hard, verdict.difficulty)
    numbers = (*told, verdict.probabilities.needs_info)
    return LABELS.index(verdict.label), tuple(round(number * MICRO) for number in numbers)
