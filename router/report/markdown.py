"""A page as Markdown: the same words and tables, pictures as links to their files."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from classifier.markdown import table
from classifier.pages.tables import Section, Sheet

_SIGNS: Final = re.compile(r"[\\`*\[\]<>&~|]")
_BREAKS: Final = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


def to_markdown(sheet: Sheet, pictures: Mapping[str, str]) -> str:
    """The page. `pictures`: what those that lie beside it show, by name."""
    return "\n".join(_lines(sheet, pictures)) + "\n"


def _lines(sheet: Sheet, pictures: Mapping[str, str]) -> Iterator[str]:
    yield f"# {sheet.title}"
    yield ""
    if sheet.warning:
        yield f"> **{sheet.warning}**"
        yield ""
    yield sheet.lead
    yield ""
    yield from table(("figure", "value", "beside"), [_cells(row) for row in sheet.headline])
    for section in sheet.sections:
        yield from _section(section, pictures)
    yield ""
    yield sheet.footer


def _section(section: Section, pictures: Mapping[str, str]) -> Iterator[str]:
    yield ""
    yield f"## {section.title}"
    yield ""
    yield plain(section.words)
    for name in section.pictures:
        if name in pictures:
            yield ""
            yield f"![{plain(pictures[name])}]({name}.png)"
    for one in section.tables:
        if one.rows:
            yield ""
            yield f"**{plain(one.caption)}**"
            yield ""
            yield from table(_cells(one.head), [_cells(row) for row in one.rows])


def _cells(row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(plain(cell) for cell in row)


def plain(said: str) -> str:
    """Text without any meaning to Markdown or HTML: callers choose their names."""
    return _SIGNS.sub(lambda sign: f"&#{ord(sign[0])};", _BREAKS.sub(" ", said))
