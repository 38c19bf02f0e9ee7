"""What the last requests were like."""

import pytest

from router.api.dashboard.window import Fallback, look_back
from router.domain import Attempt, Entry, Fault, ModelId, Outcome, Timings
from tests.ledgers import NOON_US, chosen, entry


def tried(number: int, *models: str, last: Fault | None = None) -> Entry:
    """An entry whose attempts failed but for the last, which may have failed too."""
    attempts = [Attempt(model=ModelId(name), tier="easy", fault="server") for name in models[:-1]]
    end = Attempt(model=ModelId(models[-1]), tier="easy", fault=last)
    status = 200 if last is None else 502
    return entry(number, outcome=Outcome(status=status, fault=last, attempts=(*attempts, end)))


def test_percentiles_go_over_the_requests_in_which_a_stage_ran() -> None:
    kept = [
        entry(n, timings=Timings(parse_ms=n + 1.0, score_ms=5.0 if n == 0 else 0.0))
        for n in range(101)
    ]
    parse, score = look_back(kept).stages
    assert (parse.name, parse.requests) == ("parse", 101)
    assert (parse.p50_ms, parse.p95_ms, parse.p99_ms) == (51.0, 96.0, 100.0)
    assert (score.name, score.requests, score.p99_ms) == ("score", 1, 5.0)


def test_fallbacks_are_those_where_another_model_did_answer() -> None:
    seen = look_back(
        [
            tried(1, "small", "big"),
            tried(2, "small", "big"),
            tried(3, "small", "spare"),
            tried(4, "small", "small"),
            tried(5, "small", "big", last="server"),
            entry(6),
        ]
    )
    assert seen.fallbacks == (
        Fallback(first=ModelId("small"), answered=ModelId("big"), requests=2),
        Fallback(first=ModelId("small"), answered=ModelId("spare"), requests=1),
    )


@pytest.mark.parametrize(
    ("outcome", "failed", "left"),
    [
        (Outcome(status=200), 0, 0),
        (Outcome(status=502, fault="server"), 1, 0),
        (Outcome(status=200, fault="cut"), 1, 0),
        (Outcome(status=400), 1, 0),
        (Outcome(status=499), 0, 1),
        (Outcome(status=200, fault="client_left"), 0, 1),
    ],
)
def test_who_left_has_not_failed(outcome: Outcome, failed: int, left: int) -> None:
    seen = look_back([entry(1, outcome=outcome)])
    assert (seen.failed, seen.left) == (failed, left)


def test_caches_and_labels_are_counted() -> None:
    seen = look_back(
        [
            entry(1, cache="hit"),
            entry(2, cache="miss"),
            entry(3, cache="hit"),
            entry(4, cache="off", decision=chosen("easy", "small", "forced")),
        ]
    )
    assert seen.cache == {"hit": 2, "miss": 1, "off": 1}
    assert seen.labels == {"easy": 3}
    assert seen.since_us == NOON_US + 1


def test_nothing_is_no_trouble() -> None:
    seen = look_back([])
    assert (seen.requests, seen.since_us, seen.stages, seen.fallbacks) == (0, 0, (), ())
