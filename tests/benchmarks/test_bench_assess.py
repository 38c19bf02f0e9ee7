"""The benchmark of verdicts measures what it says."""

import gzip
import random
from pathlib import Path

import msgspec
import pytest

from benchmarks import bench_assess
from classifier.artifact import load
from classifier.registry import builtin

MODEL = load(builtin())


@pytest.mark.parametrize("tokens", [10, 50, 1_000])
def test_a_text_has_about_as_many_tokens_as_asked(tokens: int) -> None:
    made = bench_assess.text(tokens, random.Random(1))
    pieces = load(builtin()).embedder.embed(made)
    assert pieces.terms.size > 0
    assert len(made) == round(tokens * bench_assess.CHARS_PER_TOKEN)
    assert len(made.split()) == pytest.approx(tokens, rel=0.35)


def test_percentiles_are_in_order() -> None:
    asked = [bench_assess.conversation(20, random.Random(n)) for n in range(40)]
    seen = bench_assess.measure("20", MODEL, asked)
    assert seen.runs == 40
    assert 0 < seen.p50 <= seen.p95 <= seen.p99 <= seen.highest
    assert seen.cpu_mean > 0


def test_a_length_mix_takes_lengths_and_no_text(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    rows = [{"prompt": "x" * 43}, {"prompt": "secret " * 100}]
    path.write_bytes(gzip.compress(b"\n".join(map(msgspec.json.encode, rows))))
    sizes, source = bench_assess.length_mix(path)
    assert sizes[0] == pytest.approx(10)
    assert source == "lengths of 2 rows, rows.jsonl.gz"
    made, stated = bench_assess.length_mix(None)
    assert len(made) == 2_000
    assert "log-normal" in stated


def test_a_quick_run_prints_a_page_and_writes_nothing_unless_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    bench_assess.main(["--quick", "--out", str(tmp_path)])
    page = capsys.readouterr().out
    assert "| 100,000 | 100 |" in page
    data, text = sorted(tmp_path.iterdir())
    assert text.read_text().strip() == page.strip()
    result = msgspec.json.decode(data.read_bytes(), type=bench_assess.Result)
    assert result.model == MODEL.version
    assert result.cold.rss_mb > result.cold.rss_before_mb > 0
