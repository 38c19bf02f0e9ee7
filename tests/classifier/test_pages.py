"""The page of an evaluation is whole, plain and self-contained; its pictures are drawn for real."""

import re
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import numpy as np
import pytest

from classifier.corpus import Example
from classifier.evaluate import EvaluationError, Measured, Report, evaluate
from classifier.judge.speed import Speed
from classifier.pages.charts import charts
from classifier.pages.draw import DARK, LIGHT, picture
from classifier.pages.page import render, write
from classifier.pages.sections import headline, sections
from classifier.routellm import Exam, examine
from classifier.types import LABELS
from tests.synthetic import examples, prompt, trained

PNG = b"\x89PNG\r\n\x1a\n"


@cache
def report() -> Report:
    """A report with every figure that there is."""
    rows = examples(12, seed=8)
    twins = [
        msgspec.structs.replace(row, pair_id=at % 12, cluster=None, lang="en")
        for at, row in enumerate(rows)
    ]
    nasty = msgspec.structs.replace(twins[0], source="<b>bold</b> & | source")
    blank = [Example(prompt=row.prompt) for row in rows[:6]]
    found = evaluate(trained().classifier, [*twins, nasty, *blank], trained().facts)
    weak = np.tile([100.0, 0.0], 10)
    exam = Exam(
        name="gsm8k",
        prompts=tuple(prompt("x" * (at + 1)) for at in range(20)),
        weak=weak,
        strong=np.full(20, 100.0),
    )
    measured = Measured(
        speed=Speed(rows=9, median_ms=0.25, p95_ms=1.5, batch_per_s=4_000, second=0.034),
        routellm=(examine(exam, -weak),),
    )
    return msgspec.structs.replace(found, measured=measured)


@cache
def page() -> str:
    return render(report(), [picture(chart) for chart in charts(report())])


class Outline(HTMLParser):
    """Start tags with their attributes, and whether every one is closed."""

    VOID = frozenset({"meta", "img", "source"})

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline() -> Outline:
    found = Outline()
    found.feed(page())
    assert found.open == []
    return found


def attributes(tag: str) -> list[dict[str, str | None]]:
    return [given for name, given in outline().tags if name == tag]


def test_the_page_needs_nothing_from_anywhere() -> None:
    kinds = {name for name, _ in outline().tags}
    assert not kinds & {"script", "link", "iframe", "object"}
    named = [given.get("src") or given.get("srcset") or "" for given in attributes("img")]
    named += [given.get("srcset") or "" for given in attributes("source")]
    assert named
    assert all(name.startswith("data:image/svg+xml;base64,") for name in named)
    assert "url(" not in page()


def test_it_has_a_light_and_a_dark_look() -> None:
    assert "color-scheme" in page()
    assert all(given["media"] == "(prefers-color-scheme: dark)" for given in attributes("source"))
    assert len(attributes("source")) == len(attributes("img")) == len(list(charts(report())))


def test_tables_and_pictures_can_be_heard() -> None:
    assert attributes("html") == [{"lang": "en"}]
    tables = page().split("<table>")[1:]
    assert tables
    assert all("<caption>" in table and 'scope="col"' in table for table in tables)
    assert all('<th scope="row">' in table for table in tables)
    assert all(len(given["alt"] or "") > 20 for given in attributes("img"))
    assert all(given.get("aria-label") for given in attributes("div") if "role" in given)


def test_what_rows_say_of_themselves_is_text() -> None:
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; | source" in page()
    assert "<b>bold" not in page()


def test_every_figure_that_there_is_is_on_the_page() -> None:
    text = unescape(re.sub(r"<[^>]+>", " ", page().partition("<body>")[2]))
    seen = report()
    for title in (section.title for section in sections(seen)):
        assert title in text
    assert seen.needs_info is not None
    for figure in (seen.macro_f1, seen.hard_miss, seen.confusion.mean_cost, seen.needs_info.recall):
        assert f"{figure:.3f}" in text
    for name in (*LABELS, "typos", "sentence order", "by worth", "oracle", "gsm8k", "4,000"):
        assert name in text


def test_every_section_names_pictures_that_exist() -> None:
    drawn = {chart.name for chart in charts(report())}
    wanted = [name for section in sections(report()) for name in section.pictures]
    assert sorted(wanted) == sorted(drawn)


def test_tables_are_as_wide_as_their_heads() -> None:
    for section in sections(report()):
        for table in section.tables:
            assert {len(row) for row in table.rows} == {len(table.head)}
            assert all(len(row) == len(table.head) - 1 for row in table.shades)


def test_figures_that_are_missing_are_left_out() -> None:
    bare = msgspec.structs.replace(
        report(),
        needs_info=None,
        frontier=None,
        robustness=None,
        hard_miss=None,
        unlabelled={},
        measured=Measured(),
    )
    assert [chart.name for chart in charts(bare)] == ["reliability", "sources"]
    titles = [section.title for section in sections(bare)]
    assert titles == ["Labels", "Calibration", "Languages, categories, sources"]
    assert ("hard called easy", "–", "of the truly hard rows") in headline(bare)  # noqa: RUF001
    assert "needs_info: precision" not in render(bare, ())


def test_a_table_without_rows_is_not_shown() -> None:
    blind = msgspec.structs.replace(report().calibration, success=())
    bare = msgspec.structs.replace(report(), calibration=blind)
    assert "success, beside" in render(report(), ())
    assert "success, beside" not in render(bare, ())


def test_light_and_dark_differ_in_colours_alone() -> None:
    drawn = picture(next(charts(report())))
    assert drawn.light != drawn.dark
    assert drawn.png.startswith(PNG)
    assert LIGHT.marks != DARK.marks
    assert len(LIGHT.marks) == len(DARK.marks) == len(set(LIGHT.marks))


def test_everything_is_written_in_one_folder(tmp_path: Path) -> None:
    written = write(report(), tmp_path / "new" / "folder")
    names = {path.name for path in written}
    assert {"report.html", "report.json", "reliability.png", "frontier.png"} <= names
    assert names == {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    for path in written:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(PNG)
    stored = (tmp_path / "new" / "folder" / "report.json").read_bytes()
    assert msgspec.json.decode(stored, type=Report) == report()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvaluationError, match="file cannot be written"):
        write(report(), tmp_path / "file")


def cells(title: str, caption: str) -> dict[str, tuple[str, ...]]:
    """The rows of a table by their names."""
    (section,) = [one for one in sections(report()) if one.title == title]
    (table,) = [one for one in section.tables if one.caption.startswith(caption)]
    return {row[0]: row[1:] for row in table.rows}


def test_what_quality_costs_is_told_for_every_way() -> None:
    found = report().frontier
    assert found is not None
    ways = cells("Quality against cost", "Over all spends")
    assert set(ways) == {"by cut-off", "by worth", "random mix", "oracle"}
    assert ways["by worth"][0] == f"{found.worth.gain:+.3f}"
    spots = cells("Quality against cost", "At one spend")
    assert spots["always hard"][0] == "1.000"
    assert spots["by label"][2] == f"{found.rules[0].margin:+.3f}"


def test_twins_and_real_prompts_are_told_where_there_are_any() -> None:
    found = report().needs_info
    assert found is not None
    assert found.twins is not None
    rows = cells("needs_info", "needs_info")
    assert rows["… at 70% recall"] == (f"{found.twins.false_alarms_at_recall:.3f}",)
    assert rows[f"twins: the underspecified scores higher ({found.twins.pairs} pairs)"] == (
        f"{found.twins.higher:.3f}",
    )
    assert rows["unlabelled prompts called needs_info"] == (f"{found.unlabelled:.3f}",)


def test_rules_stand_beside_the_model() -> None:
    rows = cells("Labels", "Beside rules")
    assert list(rows) == ["this model", "global majority", "length alone", "source majority"]
    assert rows["this model"][0] == f"{report().macro_f1:.3f}"
    assert rows["length alone"][1] == f"{report().baselines['length alone'].margin:+.3f}"


def test_time_and_others_sets_are_told_where_they_were_measured() -> None:
    assert cells("Real prompts and time", "Time")["one prompt, median"] == ("0.25 ms",)
    (exam,) = report().measured.routellm
    prompts, area, rule, *_ = cells("RouteLLM's sets", "success")["gsm8k"]
    assert (prompts, area, rule) == ("20", f"{exam.apgr:.3f}", f"{exam.length_apgr:.3f}")
