"""Lines as careless tools write them: each is a request or a bad row, and none stops a run."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.columns import UNKNOWN
from router.replay.formats.choose import reader_of
from router.replay.logged import (
    FORMATS,
    MOST_PICO,
    MOST_TOKENS,
    Answered,
    Bad,
    Format,
    Logged,
    moment_us,
    nonsense,
)
from router.replay.part import pack, unpack
from tests.replays import EASY, bad, exchange, logged, replayed, surveyed, written

HUGE = 10**30
BODY = {"model": "m", "messages": [{"role": "user", "content": EASY}]}
USAGE = {"prompt_tokens": 10, "completion_tokens": 5}
ANSWER = {"model": "vendor/flash", "choices": [{"message": {"content": "Lisbon"}}], "usage": USAGE}
SPENT = {"model": "m", "spend": 0.5, "startTime": "2026-11-20T12:00:00Z", "prompt_tokens": 10}
OBSERVED = {"traceId": "t", "type": "GENERATION", "input": EASY}
TRACED = {"timestamp": 5, "input_length": 600, "output_length": 7}


def span(began: object = "0", **attributes: Mapping[str, object]) -> dict[str, object]:
    said = {"gen_ai.operation.name": {"stringValue": "chat"}, **attributes}
    attributes_ = [{"key": key, "value": value} for key, value in said.items()]
    spans = [{"startTimeUnixNano": began, "attributes": attributes_}]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}


PROMPT = {"gen_ai.prompt": {"stringValue": EASY}}
SEVEN = {"gen_ai.usage.input_tokens": {"intValue": "7"}}


def read(form: Format, line: object) -> list[Logged | Answered | Bad]:
    raw = line if isinstance(line, bytes) else json.dumps(line).encode()
    return list(reader_of(form)(raw))


@pytest.mark.parametrize(
    ("form", "line", "reason"),
    [
        ("exchange", {"request": "hello"}, "expected `object`, got `str`"),
        ("exchange", {"request": BODY | {"messages": EASY}}, "`messages`: expected `array`"),
        ("exchange", {"request": BODY | {"max_tokens": 0}}, "`max_tokens`: expected `int` >= 1"),
        ("exchange", {"request": BODY | {"max_tokens": HUGE}}, "expected `int` <= 2147483647"),
        ("exchange", {"request": BODY, "timestamp": "2026-02-30T00:00:00Z"}, "day is out of"),
        ("exchange", {"request": BODY, "timestamp": HUGE}, "no time: 1"),
        ("exchange", {"request": BODY, "timestamp": "nan"}, "no time: nan"),
        ("exchange", {"request": BODY, "tags": [1]}, "$.tags[0]"),
        ("batch", {"custom_id": 7, "body": BODY}, "$.custom_id"),
        ("batch", {"custom_id": "r", "error": {"code": "expired"}}, "request r was not answered"),
        ("batch", {"custom_id": "r", "response": {"status_code": 200}}, "to r is no chat"),
        ("batch", {"custom_id": "r", "url": "/v1/responses", "body": BODY}, "/v1/responses is no"),
        ("prompts", {"prompt": None}, "$.prompt"),
        ("prompts", {"prompt": EASY, "max_tokens": -1}, "`max_tokens`: expected `int` >= 1"),
        ("litellm", SPENT | {"startTime": "noon"}, "noon"),
        ("litellm", SPENT | {"prompt_tokens": 0}, "it has neither text nor tokens"),
        ("litellm", SPENT | {"prompt_tokens": "ten"}, "$.prompt_tokens"),
        ("langfuse", OBSERVED | {"input": None}, "no text of the request"),
        ("langfuse", OBSERVED | {"input": [["human", EASY]]}, "no text of the request"),
        ("langfuse", OBSERVED | {"startTime": "soon"}, "soon"),
        ("otel", span("soon", **PROMPT), "soon"),
        ("otel", span("9" * 30, **SEVEN), "no time: 1e+27"),
        ("otel", span("9" * 400, **SEVEN), "no time"),
        ("otel", span(**{"gen_ai.usage.input_tokens": {"intValue": "many"}}), "neither text nor"),
        ("sharegpt", {"conversations": [{"from": "gpt", "value": "hi"}]}, "no human turn"),
        ("sharegpt", {"conversations": {"from": "human"}}, "no human turn"),
        ("mooncake", TRACED | {"timestamp": -5}, "$.timestamp"),
        ("mooncake", TRACED | {"timestamp": 1e300}, "$.timestamp"),
        ("mooncake", TRACED | {"hash_ids": [HUGE]}, "$.hash_ids"),
        ("mooncake", TRACED | {"output_length": MOST_TOKENS + 1}, "$.output_length"),
        ("azure", b"2023-11-16 18:15:46,many,5", "many"),
        ("azure", b"soon,5,5", "soon"),
        ("azure", b"2023-11-16 18:15:46,5,5,5", "4 columns"),
        ("text", "naïve".encode("latin-1"), "not UTF-8 (byte 2)"),
        ("ledger", {"id": "x"}, "missing required field"),
    ],
)
def test_what_is_no_request_says_why(form: Format, line: object, reason: str) -> None:
    (found,) = read(form, line)
    assert isinstance(found, Bad), found
    assert reason in found.reason
    assert "\n" not in found.reason


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("exchange", {"request": BODY, "response": {"choices": "none"}}),
        ("exchange", {"request": BODY, "response": ANSWER | {"usage": "free"}, "tags": "a,,b"}),
        ("exchange", {"request": BODY, "unknown": {"a": [1]}, "timestamp": 0}),
        ("litellm", SPENT | {"metadata": {"usage_object": {"prompt_tokens_details": [1]}}}),
        ("litellm", SPENT | {"metadata": {"usage_object": {"completion_tokens_details": "x"}}}),
        ("litellm", SPENT | {"metadata": "{half", "request_tags": "[half", "messages": "{}"}),
        ("litellm", SPENT | {"spend": 1e300}),
        ("langfuse", OBSERVED | {"usage": "{half", "totalCost": 1e300}),
        ("langfuse", OBSERVED | {"usage": [1], "modelParameters": "none", "tags": {"a": 1}}),
        ("langfuse", OBSERVED | {"totalCost": -1, "traceId": None, "userId": 7}),
        ("otel", span(0, **PROMPT)),
        ("otel", span("", **PROMPT, **{"gen_ai.usage.input_tokens": {"doubleValue": 7.5}})),
        ("otel", span(**SEVEN, odd={"kvlistValue": {"values": []}})),
        ("sharegpt", {"conversations": [{"from": "human", "value": 7}], "id": ["x"]}),
        ("azure", b"2023-11-16 18:15:46.,5,5"),
        ("azure", b" , 5 ,5\r"),
    ],
)
def test_what_is_odd_beside_the_request_is_left_out(form: Format, line: object) -> None:
    found = logged(read(form, line))
    assert found.facts.input_tokens > 0
    assert found.answer is None or found.answer.cost in (None, 500_000_000_000)


def test_numbers_that_are_counted_stand_beside_those_that_are_not() -> None:
    found = logged(read("langfuse", OBSERVED | {"usage": {"input": "many", "output": 4.9}}))
    assert found.answer is not None
    assert (found.answer.usage.input, found.answer.usage.output) == (0, 4)
    less = logged(read("litellm", SPENT | {"completion_tokens": -3}))
    assert less.answer is not None
    assert (less.answer.usage.input, less.answer.usage.output) == (10, 0)


@pytest.mark.parametrize("usd", [0, 0.1, 1e-12, 999_999.0])
def test_what_a_log_paid_is_kept_to_the_last_pico(usd: float) -> None:
    found = logged(read("litellm", SPENT | {"spend": usd}))
    assert found.answer is not None
    assert found.answer.cost == round(usd * 10**12)


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("2026-11-20 12:00:00 UTC", 1_795_176_000_000_000),
        ("2026-11-20 12:00:00.25 UTC", 1_795_176_000_250_000),
        ("2026-11-20T12:00:00.000000001+00:00", 1_795_176_000_000_000),
        ("2026-11-20T13:00:00+0100", 1_795_176_000_000_000),
        ("2026-11-20", 1_795_132_800_000_000),
        (0, 0),
    ],
)
def test_times_of_warehouses_and_days_are_read(said: str | float, moment: int) -> None:
    assert moment_us(said) == moment


@given(seconds=st.integers(10**8, 4 * 10**9))
def test_one_moment_reads_alike_in_every_unit(seconds: int) -> None:
    counts = [seconds * 1_000**power for power in range(4)]
    said = [*counts, *map(str, counts), float(seconds), datetime.fromtimestamp(seconds, UTC)]
    assert {moment_us(str(one) if isinstance(one, datetime) else one) for one in said} == {
        seconds * 10**6
    }


@pytest.mark.parametrize(
    "line",
    [
        exchange(EASY, response=ANSWER | {"usage": USAGE | {"prompt_tokens": HUGE}}),
        exchange(EASY, response=ANSWER | {"usage": USAGE | {"completion_tokens": 10**12}}),
    ],
)
def test_a_count_beyond_all_measure_is_a_bad_row_and_spares_the_others(
    tmp_path: Path, line: dict[str, object]
) -> None:
    log = written(tmp_path / "log.jsonl", [exchange(EASY), line, exchange(EASY)])
    part = surveyed(log)
    assert part.rows == 2
    (row,) = part.bad
    assert row.line == 1
    assert row.reason.endswith("is no number of tokens")
    assert (replayed(log).logged > 0).all()


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("litellm", SPENT | {"prompt_tokens": HUGE}),
        ("langfuse", OBSERVED | {"usage": {"input": 5, "output": HUGE}}),
        ("otel", span(**PROMPT, **{"gen_ai.usage.output_tokens": {"intValue": str(HUGE)}})),
        ("azure", b"2023-11-16 18:15:46,%d,5" % HUGE),
        ("batch", {"custom_id": "r", "response": {"body": ANSWER | {"usage": {
            "prompt_tokens": HUGE, "completion_tokens": 1}}}}),
    ],
)  # fmt: skip
def test_no_format_lets_such_a_count_through(tmp_path: Path, form: Format, line: object) -> None:
    log = written(tmp_path / "log.jsonl", [line])
    part = surveyed(log, named=form)
    assert (part.rows, len(part.bad), dict(part.answers)) == (0, 1, {})


def test_what_can_be_is_no_nonsense_and_what_cannot_is() -> None:
    whole = logged(read("exchange", exchange(EASY)))
    assert nonsense(whole) is None
    assert whole.answer is not None
    dear = msgspec.structs.replace(whole.answer, cost=MOST_PICO)
    assert nonsense(dear) is None
    assert nonsense(msgspec.structs.replace(dear, cost=MOST_PICO + 1)) is not None
    assert nonsense(msgspec.structs.replace(dear, cost=-1)) == "-1 pico-USD is no cost of a request"
    facts = msgspec.structs.replace(whole.facts, input_tokens=-4)
    assert nonsense(msgspec.structs.replace(whole, facts=facts)) == "-4 is no number of tokens"


json_ = st.recursive(
    st.none() | st.booleans() | st.integers(-5, HUGE) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
SEEDS: dict[Format, dict[str, object]] = {
    "exchange": exchange(EASY, user="u", session="s", key="k", tags=["t"]),
    "batch": {"custom_id": "r", "url": "/v1/chat/completions", "body": BODY},
    "litellm": SPENT | {"metadata": {"usage_object": USAGE}, "messages": BODY["messages"]},
    "langfuse": OBSERVED | {"usage": USAGE, "totalCost": 1, "modelParameters": {}, "tags": ["t"]},
    "otel": span("1795176000000000000", **PROMPT, **SEVEN),
    "sharegpt": {
        "conversations": [{"from": "human", "value": EASY}, {"from": "gpt", "value": "x"}]
    },
    "prompts": {"prompt": EASY, "model": "m", "max_tokens": 5, "user": "u"},
    "mooncake": TRACED | {"hash_ids": [1, 2]},
}


def places(value: object, at: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """The ways to everything in a JSON value."""
    inside: list[tuple[object, object]] = []
    if isinstance(value, dict | list):
        inside += value.items() if isinstance(value, dict) else enumerate(value)
    return [at, *(way for key, inner in inside for way in places(inner, (*at, key)))]


def changed(value: object, way: tuple[object, ...], new: object) -> object:
    """`value` with `new` at the end of `way`."""
    if not way:
        return new
    if isinstance(value, dict):
        return {k: changed(v, way[1:], new) if k == way[0] else v for k, v in value.items()}
    assert isinstance(value, list)
    return [changed(v, way[1:], new) if k == way[0] else v for k, v in enumerate(value)]


@pytest.mark.parametrize("form", SEEDS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_whatever_field_a_line_is_read_or_refused(
    form: Format, data: st.DataObject
) -> None:
    seed = SEEDS[form]
    line = changed(seed, data.draw(st.sampled_from(places(seed))), data.draw(json_))
    for found in read(form, line):
        if isinstance(found, Bad):
            assert 0 < len(found.reason) <= 300
        else:
            assert nonsense(found) is None or isinstance(nonsense(found), str)
            assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=type(found)) == found


@pytest.mark.parametrize("form", FORMATS)
def test_a_log_of_nothing_but_bad_lines_is_counted_line_by_line(
    tmp_path: Path, form: Format
) -> None:
    log = written(tmp_path / "log", [b"{", b"\xff\xfe", b"", b'{"a": 1}'])
    part = surveyed(log, named=form)
    assert part.lines == 4
    assert {row.line for row in part.bad} <= {0, 1, 3}
    assert part.rows + len(part.bad) >= 3
    again = unpack(pack(part))
    assert (again.bad, again.rows) == (part.bad, part.rows)


def test_a_request_that_nobody_answered_costs_nobody_knows_what(tmp_path: Path) -> None:
    log = written(tmp_path / "log.jsonl", [exchange(EASY, response={"error": {"code": 500}})])
    columns = replayed(log)
    assert columns.logged.tolist() == [UNKNOWN]
    assert np.isin(columns.policies[0].tier, (0, 1, 2)).all()
    assert bad(read("exchange", exchange(EASY, request=None))).startswith("`request` is missing")
