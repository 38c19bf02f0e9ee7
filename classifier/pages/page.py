"""A report as files: one page that needs nothing else, its figures for programs, its pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from classifier.evaluate import EvaluationError, Report
from classifier.pages.charts import charts
from classifier.pages.draw import Picture, picture
from classifier.pages.sections import headline, sections
from classifier.pages.tables import Sheet

TEMPLATE: Final = "page.html"
PAGE: Final = "report.html"
FIGURES: Final = "report.json"
FOOTER: Final = (
    "Every figure is defined in docs/evaluation.md. The same figures for programs: report.json."
)


def write(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write the page, the figures and a PNG for each picture; gives their paths.

    Raises EvaluationError where `folder` cannot be written, ImportError without the report extra.
    """
    drawn = tuple(picture(chart) for chart in charts(report))
    files: dict[str, bytes] = {
        PAGE: render(report, drawn).encode(),
        FIGURES: to_json(report).encode(),
        **{f"{one.name}.png": one.png for one in drawn},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        msg = f"{folder} cannot be written: {error.strerror}"
        raise EvaluationError(msg) from error
    return tuple(folder / name for name in files)


def to_json(report: Report) -> str:
    """The whole report as one JSON object."""
    return msgspec.json.format(msgspec.json.encode(report)).decode() + "\n"


def render(report: Report, pictures: Sequence[Picture]) -> str:
    """The page of an evaluation. Raises ImportError without the report extra."""
    sheet = Sheet(
        title=f"Evaluation of {report.version}",
        lead=(
            f"{report.judged:,} of {report.rows:,} rows have a trusted label. Brackets hold the "
            "middle 95 % of a bootstrap over clusters of near duplicates."
        ),
        headline=headline(report),
        sections=tuple(sections(report)),
        footer=FOOTER,
    )
    return render_sheet(sheet, pictures)


def render_sheet(sheet: Sheet, pictures: Sequence[Picture]) -> str:
    """A page as HTML, pictures inside. Raises ImportError without the report extra."""
    import jinja2  # noqa: PLC0415 (the report extra: not needed to judge)

    surroundings = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return surroundings.get_template(TEMPLATE).render(
        sheet=sheet,
        pictures={one.name: one for one in pictures},
    )
