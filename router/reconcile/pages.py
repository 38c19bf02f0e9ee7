"""Exports as JSON: pages of buckets from OpenAI, lists of days from OpenRouter."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, TypeAlias

import msgspec

from router.reconcile.cells import amount_of_cell, day_of_cell
from router.reconcile.invoice import Charge, Format, Invoice, merged
from router.reconcile.tables import by_line_item

_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class _Amount(msgspec.Struct, frozen=True):
    value: Decimal | float | None = None
    currency: str = "usd"


class _Result(msgspec.Struct, frozen=True):
    """A result of OpenAI's, of costs or of usage."""

    amount: _Amount | None = None
    line_item: str | None = None
    quantity: float | None = None
    model: str | None = None
    input_tokens: _Count | None = None
    input_cached_tokens: _Count | None = None
    output_tokens: _Count | None = None
    num_model_requests: _Count | None = None


class _Item(msgspec.Struct, frozen=True):
    """A bucket of OpenAI's, or a day of OpenRouter's."""

    start_time: int | None = None
    results: list[_Result] | None = None
    date: str | None = None
    model: str | None = None
    model_permaslug: str | None = None
    usage: Decimal | float | None = None
    requests: _Count | None = None
    prompt_tokens: _Count | None = None
    completion_tokens: _Count | None = None


class _Page(msgspec.Struct, frozen=True):
    data: list[_Item]
    has_more: bool = False


def read_pages(text: str, *, currency: str | None = None) -> Invoice:
    """The invoice of one page, of a list of pages, or of a page a line. Raises ValueError."""
    pages = list(_pages(text))
    read = [one for page in pages for item in page.data for one in _charges(item)]
    if not read:
        raise ValueError(
            "it is JSON, but neither OpenAI's usage or costs nor OpenRouter's activity"
        )
    found = {money.upper() for _, _, money in read if money} or {"USD"}
    if currency is None and len(found) > 1:
        message = f"it has several currencies: {', '.join(sorted(found))}; give one file for each"
        raise ValueError(message)
    return Invoice(
        format=read[0][1],
        currency=currency.upper() if currency else found.pop(),
        charges=merged(charge for charge, _, _ in read),
        notes=tuple(_notes(pages)),
    )


def _notes(pages: Sequence[_Page]) -> Iterator[str]:
    if pages[-1].has_more:
        yield "it ends with a page after which there are more: the last pages are missing"
    items = (item for page in pages for item in page.data)
    strange = sum(not _is_bucket(item) and not _is_day(item) for item in items)
    if strange:
        yield f"{strange:,} items of it say neither when nor what, and are left out"


def _is_bucket(item: _Item) -> bool:
    return item.start_time is not None


def _is_day(item: _Item) -> bool:
    return item.date is not None and item.usage is not None


def _pages(text: str) -> Iterator[_Page]:
    try:
        decoded = msgspec.json.decode(text, type=_Page | list[_Page])
        yield from decoded if isinstance(decoded, list) else [decoded]
    except msgspec.ValidationError as error:
        message = f"it is JSON of a shape that is not understood: {error}"
        raise ValueError(message) from error
    except msgspec.DecodeError:
        decoder = msgspec.json.Decoder(_Page)
        try:
            yield from decoder.decode_lines(text)
        except msgspec.MsgspecError as error:
            message = f"it is no JSON: {error}"
            raise ValueError(message) from error


def _charges(item: _Item) -> Iterator[tuple[Charge, Format, str]]:
    """The charges of an item, their format, and their currency where it is stated."""
    if item.start_time is not None:
        day = day_of_cell(str(item.start_time))
        for result in item.results or ():
            if result.amount is None:
                yield _used(result, day), "openai-usage", ""
            else:
                yield _paid(result, result.amount, day), "openai-costs", result.amount.currency
    elif item.date is not None and item.usage is not None:
        charge = Charge(
            day=day_of_cell(item.date),
            model=item.model_permaslug or item.model,
            requests=item.requests,
            input=item.prompt_tokens,
            output=item.completion_tokens,
            amount=amount_of_cell(str(item.usage)),
        )
        yield charge, "openrouter-activity", "USD"


def _used(result: _Result, day: str) -> Charge:
    return Charge(
        day=day,
        model=result.model,
        requests=result.num_model_requests,
        input=result.input_tokens,
        cached=result.input_cached_tokens,
        output=result.output_tokens,
    )


def _paid(result: _Result, amount: _Amount, day: str) -> Charge:
    value = None if amount.value is None else amount_of_cell(str(amount.value))
    quantity = None if result.quantity is None else round(result.quantity)
    return by_line_item(Charge(day=day, model=result.line_item, amount=value), quantity)
