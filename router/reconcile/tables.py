"""Exports as CSV: which headings make which format, and what stands under them."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from router.reconcile.cells import amount_of_cell, count_of_cell, day_of_cell
from router.reconcile.invoice import BadLine, Charge, Format, Invoice, merged

Field: TypeAlias = Literal[
    "day", "model", "requests", "input", "fresh", "cached", "output", "amount", "currency"
]
"""What a column may hold. `fresh` are input tokens without the cached ones."""
FIELDS: Final[tuple[Field, ...]] = get_args(Field)
Columns: TypeAlias = Mapping[Field, str]
"""Under which heading a field stands."""


class Recognised(msgspec.Struct, frozen=True, kw_only=True):
    """A table whose columns are known."""

    format: Format
    columns: dict[Field, str]
    others: tuple[str, ...] = ()
    """Headings of other amounts, of which none is taken."""


_KNOWN: Final[tuple[tuple[Format, frozenset[str], Columns], ...]] = (
    (
        "openai-usage",
        frozenset({"start_time", "num_model_requests", "input_tokens", "output_tokens"}),
        {
            "day": "start_time",
            "model": "model",
            "requests": "num_model_requests",
            "input": "input_tokens",
            "cached": "input_cached_tokens",
            "output": "output_tokens",
        },
    ),
    (
        "openai-costs",
        frozenset({"start_time", "amount_value", "line_item"}),
        {
            "day": "start_time",
            "model": "line_item",
            "amount": "amount_value",
            "currency": "amount_currency",
        },
    ),
    (
        "openrouter",
        frozenset({"generation_id", "created_at", "cost_total", "tokens_prompt"}),
        {
            "day": "created_at",
            "model": "model_permaslug",
            "input": "tokens_prompt",
            "cached": "tokens_cached",
            "output": "tokens_completion",
            "amount": "cost_total",
        },
    ),
)
_WORDS: Final[tuple[tuple[Field, str], ...]] = (
    ("currency", r"currency|币种|货币"),
    ("day", r"day|date|created|time|日期|时间|账期"),
    ("cached", r"cache|缓存(?!未)"),
    ("requests", r"requests?$|calls|请求|调用次数"),
    (
        "input",
        r"(input|prompt).*tokens?|tokens?.*(input|prompt)|^(input|prompt)$|输入(?!.*[费价金])",
    ),
    (
        "output",
        (
            r"(output|completion).*tokens?|tokens?.*(output|completion)|^(output|completion)$"
            r"|输出(?!.*[费价金])"
        ),
    ),
    ("amount", r"amount|cost|price|total.?usd|charge|fee|spend|金额|费用|消费"),
    ("model", r"model|product|sku|模型|产品"),
)
"""What headings of other tables are known by, asked in this order."""
_PART: Final = re.compile(
    r"unit|\bper\b|input|prompt|output|completion|cache|单价|输入|输出|缓存", re.IGNORECASE
)
"""An amount of which the whole is another one, or no amount but a rate."""
_WHOLE: Final = re.compile(r"total|sum|合计|总", re.IGNORECASE)
_CURRENCIES: Final = (("USD", r"usd|\$"), ("CNY", r"cny|rmb|元|￥|¥"), ("EUR", r"eur|€"))


def read_table(
    text: str, said: Columns, *, currency: str | None = None, plain: bool = False
) -> Invoice:
    """The invoice of a CSV. `said` are columns that the caller names; `plain`: of no known format.

    Raises ValueError where the headings do not say what is in it, or where it is no CSV.
    """
    rows = csv.DictReader(io.StringIO(text, newline=None), delimiter=_delimiter(text), strict=True)
    try:
        known = recognise([name for name in rows.fieldnames or () if name], said, plain=plain)
        charges, bad, currencies = _lines(rows, known)
    except csv.Error as error:
        # A quote that is never closed takes all that follows for one cell.
        message = f"it is no CSV from line {rows.line_num} on: {error}"
        raise ValueError(message) from error
    money, notes = _currency(known, currencies - {""}, currency)
    if known.others:
        taken, left = known.columns["amount"], ", ".join(known.others)
        notes += (f"amounts are those of {taken!r}, not of {left} (--columns amount=…)",)
    return Invoice(
        format=known.format,
        currency=money,
        charges=merged(charges),
        bad_lines=tuple(bad),
        notes=notes,
    )


def _lines(
    rows: "csv.DictReader[str]", known: Recognised
) -> tuple[list[Charge], list[BadLine], set[str]]:
    charges, bad, currencies = [], [], set()
    for row in rows:
        try:
            charge = _charge(row, known)
        except ValueError as error:
            bad.append(BadLine(line=rows.line_num, reason=str(error)))
            continue
        if charge is not None:
            charges.append(charge)
            currencies.add(_cell(row, known.columns.get("currency")).upper())
    return charges, bad, currencies


def recognise(headings: Sequence[str], said: Columns, *, plain: bool = False) -> Recognised:
    """What the columns hold. Raises ValueError where that does not suffice for a comparison."""
    if missing := [name for name in said.values() if name not in headings]:
        message = f"there is no column {missing[0]!r}; there are: {', '.join(headings)}"
        raise ValueError(message)
    lower = {name.strip().lower(): name for name in headings}
    for form, needed, columns in _KNOWN:
        if needed <= lower.keys() and not (said or plain):
            columns_of: dict[Field, str] = {
                field: lower[name] for field, name in columns.items() if name in lower
            }
            return Recognised(format=form, columns=columns_of)
    found, others = _guess(headings, said)
    guessed = {**found, **said}
    if "day" not in guessed or not guessed.keys() & {"input", "fresh", "output", "amount"}:
        message = (
            "its headings are not understood; name the columns with"
            f" --columns day=…,model=…,amount=…; there are: {', '.join(headings)}"
        )
        raise ValueError(message)
    return Recognised(format="columns", columns=guessed, others=others)


def _guess(headings: Sequence[str], said: Columns) -> tuple[dict[Field, str], tuple[str, ...]]:
    """Which heading each field stands under, and the amounts that are not taken."""
    found: dict[Field, list[str]] = {}
    for heading in headings:
        for field, words in _WORDS:
            if re.search(words, heading.strip(), re.IGNORECASE):
                found.setdefault(field, []).append(heading)
                break
    amounts = [] if "amount" in said else found.get("amount", [])
    if len(amounts) > 1:
        amounts.sort(key=_rank)
        if _PART.search(amounts[0]):
            named = ", ".join(amounts)
            message = f"it has several amounts and no total (--columns amount=…): {named}"
            raise ValueError(message)
    return {field: names[0] for field, names in found.items()}, tuple(amounts[1:])


def _rank(heading: str) -> int:
    """The whole before what may be it, parts and rates last."""
    return 2 if _PART.search(heading) else 0 if _WHOLE.search(heading) else 1


def _charge(row: Mapping[str, str], known: Recognised) -> Charge | None:
    """The charge of a row; none where it is a day on which nothing happened."""

    def cell(field: Field) -> str:
        return _cell(row, known.columns.get(field))

    fresh, cached = count_of_cell(cell("fresh")), count_of_cell(cell("cached"))
    charge = Charge(
        day=day_of_cell(cell("day")),
        model=cell("model").strip() or None,
        requests=1 if known.format == "openrouter" else count_of_cell(cell("requests")),
        input=count_of_cell(cell("input")) if fresh is None else fresh + (cached or 0),
        cached=cached,
        output=count_of_cell(cell("output")),
        amount=amount_of_cell(cell("amount")),
    )
    if charge.input is charge.output is charge.amount is None:
        return None
    return by_line_item(charge, None) if known.format == "openai-costs" else charge


def by_line_item(charge: Charge, quantity: int | None) -> Charge:
    """A line of OpenAI's costs, whose item names the model and the kind of tokens.

    "gpt-4o-2024-08-06, cached input": the quantity are tokens of that kind, and only of that.
    """
    item = (charge.model or "").strip()
    model, comma, kind = item.rpartition(",")
    kind = kind.strip().lower()
    told = msgspec.structs.replace(charge, model=(model if comma else item) or None)
    if not comma or quantity is None:
        return told
    if "output" in kind:
        return msgspec.structs.replace(told, output=quantity)
    cached = quantity if "cached" in kind else 0
    return msgspec.structs.replace(told, input=quantity, cached=cached)


def _currency(known: Recognised, found: set[str], said: str | None) -> tuple[str, tuple[str, ...]]:
    if len(found) > 1:
        message = f"it has several currencies: {', '.join(sorted(found))}; give one file for each"
        raise ValueError(message)
    heading = known.columns.get("amount", "")
    by_heading = (name for name, sign in _CURRENCIES if re.search(sign, heading, re.IGNORECASE))
    stated = said or next(iter(found), None) or next(by_heading, None)
    if stated is None and known.format == "columns" and heading:
        return "USD", ("the currency is not stated and taken for US dollars (--currency)",)
    return (stated or "USD").upper(), ()


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(",;\t", key=head.count)


def _cell(row: Mapping[str, str], heading: str | None) -> str:
    return (row.get(heading) or "") if heading else ""
