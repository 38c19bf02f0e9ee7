import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.wire.errors import MESSAGE_LENGTH, ErrorDetail, error_body, parse_error
from router.wire.models import models_body

NGINX = b"""<html>\r
<head><title>504 Gateway Time-out</title></head>\r
<body>\r
<center><h1>504 Gateway Time-out</h1></center>\r
<hr><center>nginx</center>\r
</body>\r
</html>"""


def test_our_errors_have_openais_shape() -> None:
    body = error_body("`n`: wrong", type="invalid_request_error", param="n", code="bad")

    assert json.loads(body) == {
        "error": {
            "message": "`n`: wrong",
            "type": "invalid_request_error",
            "param": "n",
            "code": "bad",
        }
    }


def test_what_an_error_does_not_name_is_null() -> None:
    error = json.loads(error_body("x", type="t"))["error"]

    assert error["param"] is None
    assert error["code"] is None


def test_reads_our_own_errors() -> None:
    body = error_body("x", type="t", code="c")

    assert parse_error(body) == ErrorDetail(type="t", message="x", code="c")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            {"error": {"type": "engine_overloaded_error", "message": "The engine is overloaded"}},
            ErrorDetail(type="engine_overloaded_error", message="The engine is overloaded"),
        ),
        ({"error": {"message": "x", "code": 429}}, ErrorDetail(message="x", code="429")),
        ({"error": "no such model"}, ErrorDetail(message="no such model")),
        ({"detail": "Not Found"}, ErrorDetail(message="Not Found")),
        (
            {"detail": [{"loc": ["body", "n"], "msg": "too small", "type": "value_error"}]},
            ErrorDetail(type="value_error", message="too small"),
        ),
        ({"object": "error", "message": "x", "type": "t"}, ErrorDetail(type="t", message="x")),
        (
            {"error": {"message": "x", "type": "t", "detail": "y"}},
            ErrorDetail(type="t", message="x"),
        ),
        ([{"error": {"message": "x", "code": 404}}], ErrorDetail(message="x", code="404")),
        ({"title": "Bad gateway", "status": 502}, ErrorDetail(message="Bad gateway")),
        ("plain words", ErrorDetail(message="plain words")),
        ({"error": {"message": None, "type": 5}}, ErrorDetail(type="5", message="no reason given")),
        (
            {"error": {"message": {"a": 1}, "code": {}}},
            ErrorDetail(message="no reason given", code=""),
        ),
        ({}, ErrorDetail(message="no reason given")),
        ([], ErrorDetail(message="no reason given")),
        (None, ErrorDetail(message="no reason given")),
    ],
)
def test_reads_the_shapes_of_other_servers(value: object, expected: ErrorDetail) -> None:
    assert parse_error(json.dumps(value).encode()) == expected


def test_takes_the_title_of_a_page() -> None:
    assert parse_error(NGINX).message == "504 Gateway Time-out"


def test_strips_a_page_without_title_of_its_markup() -> None:
    page = b"<!DOCTYPE html><style>p {color: red}</style><body><p>Too&nbsp;many <b>requests</b>"

    assert parse_error(page).message == "Too many requests"


def test_strips_a_page_inside_of_json() -> None:
    body = json.dumps({"error": {"message": NGINX.decode(), "type": "server_error"}}).encode()

    assert parse_error(body) == ErrorDetail(type="server_error", message="504 Gateway Time-out")


def test_leaves_words_in_angle_brackets_alone() -> None:
    body = json.dumps({"error": "needs 1 < n and <|im_end|> or <name>"}).encode()

    assert parse_error(body).message == "needs 1 < n and <|im_end|> or <name>"


def test_takes_plain_text_for_the_message() -> None:
    body = b"upstream connect error\r\n\tor disconnect\x00"

    assert parse_error(body).message == "upstream connect error or disconnect"


@pytest.mark.parametrize("body", [b"", b"   ", b"\x00", b"<html></html>"])
def test_an_answer_without_words_still_has_a_message(body: bytes) -> None:
    assert parse_error(body).message == "no reason given"


def test_reads_what_is_not_utf8() -> None:
    assert "d\N{REPLACEMENT CHARACTER}bord" in parse_error(b"d\xe9bord").message


def test_cuts_a_long_message() -> None:
    message = parse_error(json.dumps({"error": "x" * 100_000}).encode()).message

    assert len(message) == MESSAGE_LENGTH
    assert message.endswith("x…")


@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_one_bounded_line(body: bytes) -> None:
    told = parse_error(body)

    assert 0 < len(told.message) <= MESSAGE_LENGTH
    assert "\n" not in told.message
    error_body(told.message, type=told.type, code=told.code)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "detail", "message", "type", "code", "msg"]), inner
            )
        ),
    )
)
def test_arbitrary_json_gives_one_bounded_line(value: object) -> None:
    told = parse_error(json.dumps(value).encode())

    assert 0 < len(told.message) <= MESSAGE_LENGTH


def test_lists_models_as_openai_does() -> None:
    body = json.loads(models_body(["auto", "gearshift/easy"]))

    assert body["object"] == "list"
    assert [model["id"] for model in body["data"]] == ["auto", "gearshift/easy"]
    assert {model["object"] for model in body["data"]} == {"model"}
