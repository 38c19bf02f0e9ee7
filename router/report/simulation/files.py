"""A simulation as files: the page, the same in Markdown, the figures for programs, the picture."""

from pathlib import Path
from typing import Final

from classifier.pages.draw import picture
from classifier.pages.page import render_sheet
from router.errors import GearshiftError
from router.report.markdown import to_markdown
from router.report.simulation.answer import Simulation
from router.report.simulation.pictures import FRONTIER, pictures
from router.report.simulation.plain import to_csv, to_json
from router.report.simulation.reading import Reading
from router.report.simulation.sections import sheet

PAGE: Final = "report.html"
MARKDOWN: Final = "report.md"
TABLE: Final = "report.csv"
FIGURES: Final = "summary.json"
PICTURE: Final = f"{FRONTIER}.png"


def write(simulation: Simulation, reading: Reading, folder: Path) -> tuple[Path, ...]:
    """Write them all, and give their paths.

    Raises GearshiftError where `folder` cannot be written, ImportError without the sim extra.
    """
    drawn = tuple(picture(chart) for chart in pictures(simulation))
    page = sheet(simulation, reading)
    kept = {one.name: one for one in drawn}[FRONTIER]
    files: dict[str, bytes] = {
        PAGE: render_sheet(page, drawn).encode(),
        MARKDOWN: to_markdown(page, {FRONTIER: kept.alt}).encode(),
        TABLE: to_csv(simulation).encode(),
        FIGURES: to_json(simulation, reading).encode(),
        PICTURE: kept.png,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror}"
        raise GearshiftError(message) from error
    return tuple(folder / name for name in files)
