"""The parts of an evaluation's page, in reading order. Pure."""

from collections.abc import Iterator

from classifier.evaluate import Report
from classifier.pages import conduct, quality
from classifier.pages.tables import Section, figure


def headline(report: Report) -> tuple[tuple[str, str, str], ...]:
    """The few figures that matter most: name, figure, and what it is compared with."""
    lacking, shaken = report.needs_info, report.robustness
    rule = report.baselines["source majority"].macro_f1
    figures = [
        ("macro-F1, four labels", f"{report.macro_f1:.3f}", f"each source's majority: {rule:.3f}"),
        ("hard called easy", figure(report.hard_miss), "of the truly hard rows"),
        (
            "calibration error beyond chance",
            f"{report.calibration.excess:.3f}",
            f"{report.calibration.ece:.3f} in all",
        ),
    ]
    if lacking:
        figures.append(("needs_info AUROC", f"{lacking.auroc:.3f}", f"{lacking.rows:,} rows"))
    if shaken:
        figures.append(
            ("labels flipped by noise", f"{shaken.mean:.3f}", f"{shaken.rows:,} prompts")
        )
    return tuple(figures)


def sections(report: Report) -> Iterator[Section]:
    """Every part that the report has figures for, in reading order."""
    yield quality.labels(report)
    yield quality.calibration(report.calibration)
    if report.needs_info:
        yield quality.needs_info(report.needs_info)
    if report.frontier:
        yield conduct.frontier(report.frontier)
    if report.robustness:
        yield conduct.robustness(report.robustness)
    yield quality.slices(report)
    if report.measured.routellm:
        yield conduct.routellm(report.measured.routellm)
    if report.unlabelled or report.measured.speed:
        yield conduct.rest(report)
