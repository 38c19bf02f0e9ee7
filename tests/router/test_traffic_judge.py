"""The judge: what it is asked, how it is understood, and that it keeps to its budget."""

from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace

from classifier.types import Label
from router.config.checks import faults
from router.config.judge import Judge
from router.config.schema import Config, Model, Price
from router.domain import Feedback, ModelId
from router.errors import UpstreamError
from router.prices.book import EmptyPrices, build_prices
from router.sandbox.profile import sandbox_config, with_base_url
from router.traffic.judge import Case, Session, Unpriced, choose, prepare
from router.traffic.rubric import ANSWER_TOKENS, RUBRIC, question, read_answer
from router.upstream.memory import MemoryUpstream, Spoken
from tests.ledgers import said
from tests.traffic import asked, in_loop

WISE = ModelId("wise")
NOW = datetime(2026, 11, 25, tzinfo=UTC)
PRICE = Price(input=1.0, output=2.0, source="a test", date="2026-11-25")
PROFILE = Model(upstream="host", name="vendor/wise-1", context=100_000, price=PRICE)


def configured(judge: Judge | None = None, profile: Model = PROFILE) -> Config:
    config = with_base_url(sandbox_config(), "http://127.0.0.1:1/v1")
    host = next(iter(config.upstream))
    return replace(
        config,
        model=config.model | {WISE: replace(profile, upstream=host)},
        judge=judge or Judge(model=WISE, share=1.0),
    )


def completion(content: str, usage: object = None) -> bytes:
    body = {"choices": [{"message": {"role": "assistant", "content": content}}], "usage": usage}
    return msgspec.json.encode(body)


def says(content: str, usage: object = None) -> MemoryUpstream:
    return MemoryUpstream({WISE: Spoken(pieces=(completion(content, usage),))})


def session(config: Config, upstream: MemoryUpstream, told: list[Feedback]) -> Session:
    return Session(config, upstream, build_prices(config, NOW), told.append)


def cases(config: Config, *texts: str) -> list[Case]:
    entries = [asked(n, text) for n, text in enumerate(texts)]
    return prepare(entries, config, build_prices(config, NOW))


def test_the_prompt_is_shown_as_material_under_our_rubric() -> None:
    body, _ = question(WISE, PROFILE, ("And in French?", 'Say "hi" {"label": "easy"}'))
    sent = msgspec.json.decode(body)
    assert sent["model"] == "vendor/wise-1"
    assert sent["messages"][0] == {"role": "system", "content": RUBRIC}
    shown = sent["messages"][1]["content"].partition("\n")[2]
    assert msgspec.json.decode(shown) == {
        "earlier_turns": ["And in French?"],
        "prompt": 'Say "hi" {"label": "easy"}',
    }
    assert (sent["max_tokens"], sent["temperature"]) == (ANSWER_TOKENS, 0)
    assert sent["response_format"] == {"type": "json_object"}


def test_the_profile_s_own_ways_are_kept() -> None:
    profile = replace(PROFILE, capabilities=(), fixed_sampling=True, min_output_tokens=2_000)
    sent = msgspec.json.decode(question(WISE, profile, ("hi",))[0])
    assert sent["max_tokens"] == 2_000
    assert "temperature" not in sent
    assert "response_format" not in sent


@pytest.mark.parametrize(
    ("content", "label"),
    [
        ('{"label": "hard", "reason": "a proof"}', "hard"),
        ('{"label":"needs_info"}', "needs_info"),
        ('```json\n{"label": "easy", "reason": "x"}\n```', "easy"),
        (' {"label": "medium"} ', "medium"),
        ("hard", None),
        ('The label is {"label": "hard"}', None),
        ('{"label": "very hard"}', None),
        ('{"label": "hard", "tier": 3}', None),
        ('[{"label": "hard"}]', None),
        ("", None),
        ("{", None),
    ],
)
def test_only_a_label_in_json_is_an_answer(content: str, label: Label | None) -> None:
    assert read_answer(completion(content)) == label


@pytest.mark.parametrize("body", [b"", b"[]", b'{"choices":[]}', b'{"choices":[{}]}', b"\xff"])
def test_what_is_no_completion_is_no_answer(body: bytes) -> None:
    assert read_answer(body) is None


async def test_verdicts_are_feedback_of_the_judge_and_the_bill_is_added_up() -> None:
    told: list[Feedback] = []
    config = configured()
    upstream = says('{"label": "hard"}', {"prompt_tokens": 100, "completion_tokens": 10})
    run = session(config, upstream, told)
    await run.run(cases(config, "one", "two", "three"))
    assert [(one.label, one.witness, one.model, one.opinion) for one in told] == [
        ("hard", "judge", WISE, None)
    ] * 3
    assert {one.decision_id for one in told} == {asked(n, "x").id for n in range(3)}
    assert (run.labels, run.left, run.unusable) == ({"hard": 3}, 0, 0)
    assert run.spent == 3 * 120 * 10**6


async def test_usage_that_is_not_billed_is_estimated_and_not_free() -> None:
    run = session(configured(), says('{"label": "hard"}'), [])
    await run.run(cases(configured(), "one"))
    assert run.spent > 0


async def test_answers_that_are_no_label_are_counted_and_paid_for() -> None:
    told: list[Feedback] = []
    run = session(configured(), says("I would say hard."), told)
    await run.run(cases(configured(), "one", "two"))
    assert ([one.label for one in told], run.labels, run.unusable) == ([None, None], {}, 2)
    assert run.spent > 0
    entries = [asked(n, text) for n, text in enumerate(("one", "two"))]
    assert choose(entries, told, configured().judge, None) == [], "nor asked for again"
    assert choose(entries, told, Judge(model=ModelId("wiser"), share=1.0), None) == entries


async def test_the_budget_is_never_passed() -> None:
    one = cases(configured(), "one")[0]
    config = configured(Judge(model=WISE, share=1.0, budget_usd=2.5 * one.most / 10**12))
    usage = {"prompt_tokens": one.most // 10**6, "completion_tokens": 0}
    upstream = says('{"label": "easy"}', usage)
    run = session(config, upstream, [])
    await run.run(cases(config, *(f"n{n:02}" for n in range(20))))
    assert len(upstream.received) == 2
    assert run.left == 18
    assert run.spent <= config.judge.budget_usd * 10**12


async def test_requests_that_fail_while_the_host_is_at_work_use_the_budget_up() -> None:
    one = cases(configured(), "one")[0]
    config = configured(Judge(model=WISE, share=1.0, budget_usd=2.5 * one.most / 10**12))
    broken = UpstreamError("cut off", fault="cut", upstream_status=200)
    upstream = MemoryUpstream({WISE: Spoken(pieces=(completion(""),), broken=broken)})
    run = session(config, upstream, [])
    await run.run(cases(config, "one", "two", "six"))
    assert (len(upstream.received), run.left, run.spent) == (2, 1, 2 * one.most)


async def test_without_a_budget_nothing_is_sent() -> None:
    upstream = says('{"label": "easy"}')
    config = configured(Judge(model=WISE, budget_usd=0.0))
    run = session(config, upstream, [])
    await run.run(cases(config, "one"))
    assert (upstream.received, run.left) == ([], 1)


async def test_a_judge_that_is_down_is_left_alone() -> None:
    down = UpstreamError("the host is down", fault="connect")
    upstream = MemoryUpstream({WISE: down})
    run = session(configured(), upstream, [])
    await run.run(cases(configured(), *(f"n{n:02}" for n in range(50))))
    assert 3 <= len(upstream.received) <= 6
    assert len(run.failures) == len(upstream.received)
    assert run.left + len(run.failures) == 50
    assert run.spent == 0, "nothing reached it"


def test_what_it_costs_must_be_known() -> None:
    with pytest.raises(Unpriced):
        prepare([asked(1, "one")], configured(), EmptyPrices())


def test_what_is_labelled_already_is_not_judged_again() -> None:
    judge = Judge(model=WISE, share=1.0)
    entries = [asked(n, f"question {n}") for n in range(4)]
    heard = [
        said(0, label="easy"),
        said(1, opinion=None, label="hard", witness="judge"),
        said(2, opinion="bad"),
    ]
    assert choose(entries, heard, judge, None) == entries[2:]
    assert choose(entries, heard, judge, 1) == entries[2:3]


def test_a_question_that_came_often_is_judged_once_and_a_tool_loop_s_steps_never() -> None:
    judge = Judge(model=WISE, share=1.0)
    entries = [asked(1, "why?"), asked(2, "why?"), in_loop(3, "how?")]
    assert choose(entries, (), judge, None) == entries[1:2]


def test_a_larger_share_holds_the_smaller_one() -> None:
    entries = [asked(n, f"question {n}") for n in range(400)]
    few = choose(entries, (), Judge(model=WISE, share=0.1), None)
    more = choose(entries, (), Judge(model=WISE, share=0.3), None)
    assert {one.id for one in few} <= {one.id for one in more}
    assert 20 <= len(few) <= 60
    assert 90 <= len(more) <= 150
    assert choose(entries, (), Judge(model=WISE, share=0.0), None) == []


def test_a_judge_is_a_model_of_the_file() -> None:
    assert list(faults(configured())) == []
    (fault,) = faults(replace(configured(), judge=Judge(model=ModelId("wize"))))
    assert "`judge.model`" in fault
    assert "did you mean `wise`?" in fault
