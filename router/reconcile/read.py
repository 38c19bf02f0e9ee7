"""A provider's export from its file: whatever format it is in."""

import csv
from pathlib import Path
from typing import Final

import msgspec

from router.errors import GearshiftError
from router.reconcile.invoice import Format, Invoice
from router.reconcile.pages import read_pages
from router.reconcile.tables import Field, read_table

_LARGEST: Final = 512 * 1024 * 1024
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller knows of the file."""

    form: Format | None = None
    columns: dict[Field, str] = {}
    currency: str | None = None


def read_invoice(path: Path, reading: Reading) -> Invoice:
    """The invoice at `path`. Raises GearshiftError, naming the file and what to do."""
    text = _text(path)
    try:
        if text.lstrip()[:1] in {"{", "["}:
            invoice = read_pages(text, currency=reading.currency)
        else:
            plain = reading.form == "columns"
            invoice = read_table(text, reading.columns, currency=reading.currency, plain=plain)
        if reading.form not in {None, invoice.format}:
            message = f"it reads as {invoice.format}, not as {reading.form}"
            raise ValueError(message)
        if not invoice.charges:
            bad = f": {invoice.bad_lines[0].reason}" if invoice.bad_lines else ""
            message = f"no line of it could be read{bad}"
            raise ValueError(message)
    except (ValueError, csv.Error) as error:
        message = f"{path}: {error}"
        raise GearshiftError(message) from error
    return invoice


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            message = f"{path} is over {_LARGEST >> 20} MiB: export fewer days"
            raise GearshiftError(message)
        data = path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise GearshiftError(message) from error
    if data.startswith(b"%PDF"):
        message = f"{path} is a PDF: give the provider's export as CSV or JSON"
        raise GearshiftError(message)
    try:
        return data.decode(next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8"))
    except UnicodeDecodeError as error:
        message = f"{path} is no text in UTF-8: save it as CSV in UTF-8"
        raise GearshiftError(message) from error
