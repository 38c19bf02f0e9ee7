"""From the lines of a unit to its columns: what is scored, what is drawn, what is left alone."""

import json
from pathlib import Path

import msgspec
import numpy as np

from classifier.artifact import load
from classifier.features import extract
from classifier.registry import builtin
from classifier.types import LABELS, Turn
from router.columns import NOBODY
from router.replay.part import ABSENT, MICRO
from tests.replays import CONFIG, EASY, HARD, exchange, surveyed, terms, written

MODEL = load(builtin())


def test_verdicts_are_the_classifier_s_own(tmp_path: Path) -> None:
    part = surveyed(written(tmp_path / "log.jsonl", [exchange(EASY), exchange(HARD)]))
    for at, text in enumerate((EASY, HARD)):
        prompt = extract((Turn(role="user", text=text),))
        assert prompt is not None
        verdict = MODEL.assess(prompt)
        assert LABELS[part.judged.label[at]] == verdict.label
        easy, medium, hard, difficulty, needs_info = (part.judged.scores[at] / MICRO).tolist()
        assert (easy, medium, hard) == msgspec.structs.astuple(verdict.success)
        assert (difficulty, needs_info) == (verdict.difficulty, verdict.probabilities.needs_info)
        assert part.judged.characters[at] == len(text)


def test_a_prompt_is_scored_once_however_often_it_comes(tmp_path: Path) -> None:
    lines = [exchange(text) for text in (EASY, HARD, EASY, EASY)]
    part = surveyed(written(tmp_path / "log.jsonl", lines))
    assert part.judged.fresh.tolist() == [1, 1, 0, 0]
    assert np.array_equal(part.judged.scores[0], part.judged.scores[3])
    assert part.judged.key[0].tolist() == part.judged.key[2].tolist()


def test_what_has_no_human_text_has_no_verdict(tmp_path: Path) -> None:
    line = {"request": {"model": "m", "messages": [{"role": "system", "content": "be good"}]}}
    part = surveyed(written(tmp_path / "log.jsonl", [line]))
    assert part.judged.label.tolist() == [NOBODY]
    assert (part.judged.scores == ABSENT).all()
    assert part.judged.key.tolist() == [[0, 0]]


def test_what_a_harness_writes_is_not_scored(tmp_path: Path) -> None:
    dressed = f"<system-reminder>Prove P != NP.</system-reminder>\n{EASY}"
    lines = [exchange(EASY), exchange(dressed)]
    part = surveyed(written(tmp_path / "log.jsonl", lines))
    assert part.judged.key[0].tolist() == part.judged.key[1].tolist()


def test_rules_are_matched_by_key_and_pattern_for_every_policy(tmp_path: Path) -> None:
    by_key = CONFIG + '[[policy.rule]]\nname = "k"\nkey = "team"\ntier = "hard"\n'
    by_text = CONFIG + '[[policy.rule]]\nname = "t"\npattern = "Portugal"\ntier = "hard"\n'
    log = written(tmp_path / "log.jsonl", [exchange(EASY, key="team"), exchange(HARD)])
    part = surveyed(log, policies=(terms(), terms(by_key), terms(by_text)))
    found = [[part.matches[at] for at in row] for row in part.asked.rules.tolist()]
    assert found == [[(), (0,), (0,)], [(), (), ()]]


def test_a_trace_has_drawn_labels_and_no_success(tmp_path: Path) -> None:
    lines = [{"timestamp": at, "input_length": 9, "output_length": 9} for at in range(50)]
    part = surveyed(written(tmp_path / "trace.jsonl", lines))
    assert part.drawn == 50
    assert set(part.judged.label.tolist()) <= {0, 1, 2}
    assert (part.judged.scores == ABSENT).all()
    assert part.judged.characters.tolist() == [36] * 50


def test_a_whole_document_is_read_object_by_object(tmp_path: Path) -> None:
    rows = [
        {"type": "GENERATION", "traceId": str(at), "input": text, "startTime": "2026-11-20"}
        for at, text in enumerate((EASY, HARD))
    ]
    path = tmp_path / "export.json"
    path.write_text(
        json.dumps([rows[0], {"type": "GENERATION", "traceId": "x"}, rows[1]], indent=2)
    )
    part = surveyed(path)
    assert part.rows == 2
    assert [bad.line for bad in part.bad] == [0]
    assert "no text" in part.bad[0].reason


def test_blank_lines_are_lines_and_no_requests(tmp_path: Path) -> None:
    line = json.dumps(exchange(EASY)).encode()
    part = surveyed(written(tmp_path / "log.jsonl", [b"", line, b"  ", b"{", line]))
    assert (part.rows, part.lines) == (2, 5)
    assert part.told.line.tolist() == [1, 4]
    assert [bad.line for bad in part.bad] == [3]


def test_requests_are_counted_as_the_live_path_counts_them(tmp_path: Path) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9_000}}
    message = {"role": "user", "content": [{"type": "text", "text": EASY}, picture]}
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    line = {"request": {"model": "m", "messages": [message], "tools": [tool], "max_tokens": 7}}
    part = surveyed(written(tmp_path / "log.jsonl", [line]))
    assert part.asked.max_tokens.tolist() == [7]
    assert part.asked.modalities.tolist() == [1]
    assert part.asked.capabilities.tolist() == [1]
    assert 1_000 < part.asked.input_tokens[0] < 1_200
