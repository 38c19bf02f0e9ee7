"""Exports of other tools: LiteLLM's spend logs, Langfuse's observations, OpenTelemetry's spans,
conversations as data sets keep them. Shapes are those of the tools' own references, values ours."""

import json
from collections.abc import Mapping

import pytest

from router.domain import Usage
from router.replay.formats import langfuse, ledger, litellm, otel, sharegpt
from router.replay.logged import Bad, Logged
from tests.replays import bad, logged


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


SPEND = {
    "request_id": "chatcmpl-1",
    "call_type": "acompletion",
    "api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
    "spend": 0.0015,
    "total_tokens": 120,
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "startTime": "2026-11-20T12:00:00.500Z",
    "model": "openai/gpt-4o",
    "user": "internal",
    "end_user": "ada",
    "session_id": "s1",
    "request_tags": '["a", "b"]',
    "metadata": {
        "user_api_key_alias": "team",
        "usage_object": {"prompt_tokens_details": {"cached_tokens": 64}},
    },
    "messages": [{"role": "user", "content": "hello"}],
    "cache_hit": "False",
}


def test_a_spend_log_with_its_text_is_a_request() -> None:
    found = logged(litellm.read(encoded(SPEND)))
    assert (found.key, found.user, found.session, found.tags) == ("team", "ada", "s1", ("a", "b"))
    assert [turn.text for turn in found.turns] == ["hello"]
    assert found.at_us % 10**6 == 500_000
    assert found.answer is not None
    assert found.answer.model == "gpt-4o"
    assert found.answer.usage == Usage(input=100, cached=64, output=20, source="billed")
    assert found.answer.cost == 1_500_000_000


@pytest.mark.parametrize("messages", [None, {}, "{}", [], "[]"])
def test_a_spend_log_without_its_text_is_a_length(messages: object) -> None:
    found = logged(litellm.read(encoded(SPEND | {"messages": messages})))
    assert (found.turns, found.drawn, found.facts.input_tokens) == ((), True, 100)


def test_the_request_may_stand_in_what_the_proxy_was_sent() -> None:
    sent = {"body": 1, "messages": [{"role": "user", "content": "from the proxy"}]}
    row = SPEND | {"messages": {}, "proxy_server_request": json.dumps(sent)}
    assert logged(litellm.read(encoded(row))).turns[0].text == "from the proxy"


def test_rows_that_no_model_answered_are_left_out() -> None:
    rows = [
        SPEND | {"call_type": "aembedding"},
        SPEND | {"status": "failure"},
        SPEND | {"cache_hit": "True"},
        SPEND,
    ]
    assert len(list(litellm.read(encoded(rows)))) == 1
    assert len(list(litellm.read(encoded({"data": rows})))) == 1


def test_one_bad_row_of_a_list_spares_the_others() -> None:
    rows = [SPEND, {"model": 7}, SPEND | {"startTime": "soon"}, SPEND]
    found = list(litellm.read(encoded(rows)))
    assert [isinstance(one, Bad) for one in found] == [False, True, True, False]
    nothing = SPEND | {"messages": None, "prompt_tokens": 0, "completion_tokens": 0}
    assert "neither text nor tokens" in bad(litellm.read(encoded(nothing)))


OBSERVATION = {
    "id": "o1",
    "trace_id": "t1",
    "type": "GENERATION",
    "start_time": "2026-11-20 12:00:00.500000",
    "user_id": "ada",
    "session_id": "s1",
    "tags": ["a"],
    "provided_model_name": "gpt-4o",
    "model_parameters": '{"max_tokens": 50}',
    "input": '[{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]',
    "usage_details": {"input": 36, "input_cached_tokens": 64, "output": 20, "total": 120},
    "total_cost": 0.0015,
}
"""As the export to blob storage has it: names with underscores, input as text."""
FROM_API = {
    "id": "o1",
    "traceId": "t1",
    "type": "GENERATION",
    "startTime": "2026-11-20T12:00:00.500Z",
    "userId": "ada",
    "sessionId": "s1",
    "tags": ["a"],
    "model": "gpt-4o",
    "modelParameters": {"max_tokens": 50},
    "input": {
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "hello"},
        ]
    },
    "usageDetails": {"input": 36, "input_cached_tokens": 64, "output": 20},
    "calculatedTotalCost": 0.0015,
}


@pytest.mark.parametrize("row", [OBSERVATION, FROM_API])
def test_an_observation_is_read_by_both_spellings(row: Mapping[str, object]) -> None:
    found = logged(langfuse.read(encoded(row)))
    assert [turn.text for turn in found.turns] == ["be brief", "hello"]
    assert (found.user, found.session, found.tags) == ("ada", "s1", ("a",))
    assert found.at_us % 10**6 == 500_000
    assert found.facts.max_tokens == 50
    assert found.answer is not None
    # Langfuse counts what was cached beside the rest of the input.
    assert found.answer.usage == Usage(input=100, cached=64, output=20, source="billed")
    assert found.answer.cost == 1_500_000_000


def test_only_generations_count_and_a_plain_input_is_a_prompt() -> None:
    rows = [OBSERVATION | {"type": "SPAN"}, OBSERVATION | {"input": "just text"}]
    assert logged(langfuse.read(encoded(rows))).turns[0].text == "just text"
    assert "no text" in bad(langfuse.read(encoded(OBSERVATION | {"input": None})))


def span(events: object = (), **attributes: object) -> bytes:
    """One span in one export. Numbers are strings there, as OTLP's JSON has 64-bit ones."""
    said = [
        {"key": name, "value": {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}}
        for name, v in attributes.items()
    ]
    one = {
        "name": "chat gpt-4o",
        "startTimeUnixNano": "1795176000500000000",
        "attributes": said,
        "events": events,
    }
    return encoded({"resourceSpans": [{"scopeSpans": [{"spans": [one]}]}]})


CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.request.max_tokens": 50,
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.conversation.id": "c1",
}
MESSAGES = json.dumps(
    [{"role": "user", "parts": [{"type": "text", "content": "hello"}, {"type": "x"}]}]
)


def test_a_span_of_the_conventions_is_a_request() -> None:
    found = logged(otel.read(span(**CALL, **{"gen_ai.input.messages": MESSAGES})))
    assert [(turn.role, turn.text) for turn in found.turns] == [("user", "hello")]
    assert (found.session, found.facts.max_tokens) == ("c1", 50)
    assert found.at_us == 1_795_176_000_500_000
    assert found.answer is not None
    assert found.answer.model == "gpt-4o-2024-08-06"
    assert found.answer.usage == Usage(input=100, output=20, source="billed")


def test_older_spellings_are_read_too() -> None:
    indexed = {
        "gen_ai.request.model": "m",
        "gen_ai.usage.prompt_tokens": 100,
        "gen_ai.usage.completion_tokens": 20,
        "gen_ai.prompt.1.content": "hello",
        "gen_ai.prompt.1.role": "user",
        "gen_ai.prompt.0.content": "be brief",
        "gen_ai.prompt.0.role": "system",
    }
    found = logged(otel.read(span(**indexed)))
    assert [turn.text for turn in found.turns] == ["be brief", "hello"]
    assert found.answer is not None
    assert found.answer.usage.output == 20
    said = [{"key": "gen_ai.input.messages", "value": {"stringValue": MESSAGES}}]
    event = {"name": "gen_ai.client.inference.operation.details", "attributes": said}
    assert logged(otel.read(span([event], **CALL))).turns[0].text == "hello"


def test_a_span_without_text_is_a_length_and_other_spans_are_nothing() -> None:
    found = logged(otel.read(span(**CALL)))
    assert (found.turns, found.drawn, found.facts.input_tokens) == ((), True, 100)
    assert tuple(otel.read(span(**{"gen_ai.operation.name": "embeddings"}))) == ()
    assert tuple(otel.read(span(**{"http.request.method": "POST"}))) == ()
    assert "neither text nor tokens" in bad(otel.read(span(**{"gen_ai.request.model": "m"})))


def test_every_human_turn_of_a_conversation_is_a_request() -> None:
    row = {
        "id": "c1",
        "conversations": [
            {"from": "human", "value": "first"},
            {"from": "gpt", "value": "x" * 400},
            {"from": "human", "value": "second"},
        ],
    }
    found = list(sharegpt.read(encoded([row])))
    assert all(isinstance(one, Logged) for one in found)
    first, second = (one for one in found if isinstance(one, Logged))
    assert [turn.text for turn in second.turns][::2] == ["first", "second"]
    assert first.session == second.session == "c1"
    assert first.answer is not None
    assert first.answer.usage.output == 100
    assert first.answer.usage.source == "estimated"
    assert second.answer is None


def test_conversations_without_names_are_told_apart() -> None:
    rows = [{"messages": [{"role": "user", "content": text}]} for text in ("a", "b", "a")]
    names = [one.session for one in sharegpt.read(encoded(rows)) if isinstance(one, Logged)]
    assert names[0] == names[2] != names[1]
    assert "no human turn" in bad(sharegpt.read(encoded({"messages": []})))


ENTRY = {
    "id": "0" * 32,
    "at_us": 1_700_000_000_000_000,
    "decision": {"tier": "hard", "model": "thinking", "reason": "shadow"},
    "facts": {"input_tokens": 50, "passthrough": "thinking"},
    "outcome": {
        "status": 200,
        "finish": "tool_calls",
        "attempts": [
            {"model": "flash", "tier": "easy", "status": 500, "fault": "server"},
            {
                "model": "thinking",
                "tier": "hard",
                "status": 200,
                "usage": {"input": 60, "output": 5, "source": "billed"},
            },
        ],
    },
    "usage": {"input": 60, "output": 5, "source": "billed"},
    "cost": {"actual": 7},
    "simulated": True,
}


def test_an_entry_is_what_answered_last_and_what_was_known() -> None:
    found = logged(ledger.read(encoded(ENTRY)))
    assert found.facts.passthrough == "thinking"
    assert found.answer is not None
    assert (found.answer.model, found.answer.cost) == ("thinking", 7)
    assert found.answer.called_tools
    assert found.simulated
    assert found.whole
    assert "`at_us`" in bad(ledger.read(encoded({"id": "x"})))


def test_what_routing_would_have_done_is_simulated_of_a_shadow() -> None:
    watched = {"tier": "easy", "model": "flash", "reason": "label"}
    found = logged(ledger.read(encoded(ENTRY | {"shadow": watched})))
    assert found.facts.passthrough is None
