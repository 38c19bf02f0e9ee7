"""Exports of providers, in the shapes that they come in."""

import json
from pathlib import Path

import pytest

from router.errors import GearshiftError
from router.reconcile.invoice import Charge, Invoice
from router.reconcile.read import Reading, read_invoice

USD = 10**12
FIRST_OF_NOVEMBER_S = 1_793_491_200
PAGE = {"object": "page", "has_more": False, "next_page": None}


def read(tmp_path: Path, text: str | bytes, **known: object) -> Invoice:
    file = tmp_path / "export"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_invoice(file, Reading(**known))  # type: ignore[arg-type]  # tests name what they mean


def bucket(day: int, *results: dict[str, object]) -> dict[str, object]:
    start = FIRST_OF_NOVEMBER_S + 86_400 * day
    return {"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": results}


def cost(value: object, item: str | None, quantity: float | None = None) -> dict[str, object]:
    return {
        "object": "organization.costs.result",
        "amount": {"value": value, "currency": "usd"},
        "line_item": item,
        "quantity": quantity,
        "project_id": None,
    }


def test_openai_costs_as_json_are_added_up_over_the_kinds_of_tokens(tmp_path: Path) -> None:
    page = PAGE | {
        "data": [
            bucket(
                0,
                cost("0.00042075", "gpt-4o-mini-2024-07-18, input", 2_805.0),
                cost(0.0000606, "gpt-4o-mini-2024-07-18, output", 101.0),
                cost(0.000075, "gpt-4o-mini-2024-07-18, cached input", 1_000.0),
                cost(0.1, "assistants api | file search"),
            ),
            bucket(1),
        ]
    }
    found = read(tmp_path, json.dumps(page))
    assert (found.format, found.currency, found.notes) == ("openai-costs", "USD", ())
    assert found.charges == (
        Charge(day="2026-11-01", model="assistants api | file search", amount=USD // 10),
        Charge(
            day="2026-11-01",
            model="gpt-4o-mini-2024-07-18",
            input=3_805,
            cached=1_000,
            output=101,
            amount=556_350_000,
        ),
    )


def test_openai_costs_as_csv_may_be_by_the_day_alone(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,"
        "project_id,organization_id,organization_name\n"
        "1793491200,1793577600,2026-11-01T00:00:00+00:00,2026-11-02T00:00:00+00:00,"
        "0.8958740000000000,usd,,,org-1,Personal\n"
        "1793577600,1793664000,2026-11-02T00:00:00+00:00,2026-11-03T00:00:00+00:00,,,,,,\n",
    )
    assert (found.format, found.currency) == ("openai-costs", "USD")
    assert found.charges == (Charge(day="2026-11-01", amount=895_874_000_000),)


def test_openai_usage_as_csv_writes_tokens_with_a_point(tmp_path: Path) -> None:
    head = (
        "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,"
        "api_key_id,model,batch,service_tier,input_tokens,output_tokens,input_cached_tokens"
    )
    line = "1793491200.0,1793577600.0,,,proj_1,{},user-1,key_1,{},FALSE,default,{},{},{}"
    found = read(
        tmp_path,
        "\n".join(
            [
                head,
                line.format("10.0", "gpt-4o-2024-08-06", "59200.0", "10646.0", "5760.0"),
                line.format("2.0", "gpt-4o-2024-08-06", "800.0", "54.0", "0.0"),
                "1793577600.0,1793664000.0,,,,,,,,,,,,",
            ]
        ),
    )
    assert found.format == "openai-usage"
    assert found.charges == (
        Charge(
            day="2026-11-01",
            model="gpt-4o-2024-08-06",
            requests=12,
            input=60_000,
            cached=5_760,
            output=10_700,
        ),
    )


def test_openai_usage_as_json_may_be_a_page_a_line_and_end_too_early(tmp_path: Path) -> None:
    result = {
        "object": "organization.usage.completions.result",
        "input_tokens": 1_000,
        "output_tokens": 500,
        "input_cached_tokens": 800,
        "num_model_requests": 5,
        "model": "gpt-5",
    }
    pages = [PAGE | {"data": [bucket(0, result)]}, PAGE | {"data": [bucket(1, result)]}]
    pages[1]["has_more"] = True
    found = read(tmp_path, "\n".join(json.dumps(page) for page in pages))
    assert [charge.day for charge in found.charges] == ["2026-11-01", "2026-11-02"]
    assert found.charges[0].cached == 800
    assert "the last pages are missing" in found.notes[0]


def test_openrouters_activity_has_a_line_for_each_generation(tmp_path: Path) -> None:
    head = (
        "generation_id,created_at,cost_total,cost_web_search,cost_cache,cost_file_processing,"
        "byok_usage_inference,tokens_prompt,tokens_completion,tokens_reasoning,tokens_cached,"
        "model_permaslug,provider_name,variant,cancelled,streamed,user,api_key_name,app_name"
    )
    line = "gen-{},{},0.0125,0,0,0,0,1000,200,50,400,moonshotai/kimi-k2,Novita,standard,,true,,a,b"
    found = read(
        tmp_path,
        "\n".join(
            [
                head,
                line.format(1, "2026-11-01T23:59:59Z"),
                line.format(2, "2026-11-01 10:00:00.123"),
                line.format(3, "2026-11-02T00:00:01+00:00"),
            ]
        ),
    )
    assert found.format == "openrouter"
    first, second = found.charges
    assert first == Charge(
        day="2026-11-01",
        model="moonshotai/kimi-k2",
        requests=2,
        input=2_000,
        cached=800,
        output=400,
        amount=USD // 40,
    )
    assert second.requests == 1


def test_openrouters_activity_api_has_a_line_for_each_day(tmp_path: Path) -> None:
    day = {
        "date": "2026-11-01",
        "model": "openai/gpt-4.1",
        "model_permaslug": "openai/gpt-4.1-2025-04-14",
        "endpoint_id": "550e8400",
        "provider_name": "OpenAI",
        "usage": 0.015,
        "byok_usage_inference": 0.012,
        "requests": 5,
        "prompt_tokens": 50,
        "completion_tokens": 125,
        "reasoning_tokens": 25,
    }
    found = read(tmp_path, json.dumps({"data": [day, day | {"date": "2026-11-02 00:00:00"}]}))
    assert found.format == "openrouter-activity"
    assert found.charges[1].day == "2026-11-02"
    assert found.charges[0] == Charge(
        day="2026-11-01",
        model="openai/gpt-4.1-2025-04-14",
        requests=5,
        input=50,
        output=125,
        amount=15 * USD // 1_000,
    )


TABLES = {
    'Date,Model,Input tokens,Output tokens,Cost (USD)\n2026-11-01,k2,"1,000",20,$1.50': "USD",
    "日期;模型;输入Tokens;输出Tokens;消费金额(元)\n2026/11/1;k2;1000;20;1,5": "CNY",
    "day\tmodel\tprompt_tokens\tcompletion_tokens\teur_cost\n20261101\tk2\t1000\t20\t1.5": "EUR",
    "\ufeffdate,sku,input_tokens,output_tokens,cost,currency\n2026-11-01,k2,1000,20,1.5,usd": "USD",
}


@pytest.mark.parametrize(("text", "currency"), TABLES.items(), ids=TABLES.values())
def test_other_tables_are_known_by_their_headings(tmp_path: Path, text: str, currency: str) -> None:
    found = read(tmp_path, text)
    assert (found.format, found.currency, found.notes) == ("columns", currency, ())
    assert found.charges == (
        Charge(day="2026-11-01", model="k2", input=1_000, output=20, amount=3 * USD // 2),
    )


def test_a_currency_that_is_not_stated_is_said_to_be_taken_for_dollars(tmp_path: Path) -> None:
    text = "date,model,amount\n2026-11-01,k2,1"
    assert "taken for US dollars" in read(tmp_path, text).notes[0]
    assert read(tmp_path, text, currency="cny").notes == ()
    assert read(tmp_path, text, currency="cny").currency == "CNY"


def test_columns_may_be_named(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "Zeitraum,Ware,Frisch,Gemerkt,Summe\n2026-11-01,k2,600,400,2",
        columns={
            "day": "Zeitraum",
            "model": "Ware",
            "fresh": "Frisch",
            "cached": "Gemerkt",
            "amount": "Summe",
        },
        currency="USD",
    )
    assert found.charges == (
        Charge(day="2026-11-01", model="k2", input=1_000, cached=400, amount=2 * USD),
    )


def test_lines_that_cannot_be_read_are_left_out_and_told(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "date,model,input_tokens,cost_usd\n2026-11-01,k2,10,1\nTotal,,10,1\n2026-11-02,k2,-4,1\n"
        "2026-11-03,k2,10,n/a",
    )
    assert [charge.day for charge in found.charges] == ["2026-11-01"]
    assert [(bad.line, bad.reason) for bad in found.bad_lines] == [
        (3, "'Total' is no day that is understood"),
        (4, "'-4' is no number of tokens or requests"),
        (5, "'n/a' is no number"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "its headings are not understood; name the columns with --columns"),
        ("date,cost,currency\n2026-11-01,1,usd\n2026-11-01,1,eur\n", "several currencies"),
        ("date,cost_usd\nTotal,1\n", "no line of it could be read: 'Total' is no day"),
        ('{"data": []}', "it is JSON, but neither OpenAI's usage or costs"),
        ('{"rows": []}', "it is JSON of a shape that is not understood"),
        ('{"data": [', "it is no JSON"),
        ("", "its headings are not understood"),
        (b"%PDF-1.7 \x00\xff", "is a PDF: give the provider's export as CSV or JSON"),
        (b"date,model\n\xff\xff", "is no text in UTF-8"),
    ],
)
def test_what_is_no_export_is_refused_with_what_to_do(
    tmp_path: Path, text: str | bytes, told: str
) -> None:
    with pytest.raises(GearshiftError, match=told):
        read(tmp_path, text)


def test_a_file_is_not_taken_for_what_it_is_not(tmp_path: Path) -> None:
    text = "date,model,cost_usd\n2026-11-01,k2,1"
    assert read(tmp_path, text, form="columns").format == "columns"
    with pytest.raises(GearshiftError, match="it reads as columns, not as openrouter"):
        read(tmp_path, text, form="openrouter")
    with pytest.raises(GearshiftError, match="there is no column 'Day'; there are: date, model"):
        read(tmp_path, text, columns={"day": "Day"})
    with pytest.raises(GearshiftError, match="cannot be read: No such file"):
        read_invoice(tmp_path / "missing", Reading())
