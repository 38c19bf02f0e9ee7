"""The circuit breaker: when calls pass, and whose reports count."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.breaker import Breaker, Permit
from tests.verdicts import Clock


def entered(breaker: Breaker) -> Permit:
    permit = breaker.enter()
    assert permit is not None
    return permit


def opened(clock: Clock, *, failures: int = 3, open_ms: float = 1_000) -> Breaker:
    breaker = Breaker(failures=failures, open_ms=open_ms, clock=clock)
    for _ in range(failures):
        breaker.fail(entered(breaker))
    return breaker


def test_calls_pass_until_failures_come_in_a_row() -> None:
    breaker = Breaker(failures=3, open_ms=1_000, clock=Clock())
    for _ in range(2):
        breaker.fail(entered(breaker))
    breaker.succeed(entered(breaker))
    for _ in range(2):
        breaker.fail(entered(breaker))
    assert breaker.state() == "closed"
    breaker.fail(entered(breaker))
    assert breaker.state() == "open"


def test_no_call_passes_before_the_time_is_over() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 0.999
    assert breaker.state() == "open"
    assert breaker.enter() is None


def test_one_trial_passes_and_its_success_closes() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1.0
    assert breaker.state() == "trial"
    trial = entered(breaker)
    assert breaker.enter() is None, "a second call passed while the trial was under way"
    breaker.succeed(trial)
    assert breaker.state() == "closed"


def test_a_failed_trial_opens_again_for_the_whole_time() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1.0
    trial = entered(breaker)
    clock.now += 0.9
    breaker.fail(trial)
    clock.now += 0.9
    assert breaker.state() == "open"
    clock.now += 0.1
    assert breaker.state() == "trial"


def test_a_trial_that_never_reports_is_replaced() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1.0
    lost = entered(breaker)
    clock.now += 1.0
    second = entered(breaker)
    breaker.succeed(lost)
    assert breaker.state() == "open", "the lost trial's report counted"
    breaker.succeed(second)
    assert breaker.state() == "closed"


def test_stragglers_neither_prolong_nor_end_an_outage() -> None:
    clock = Clock()
    breaker = Breaker(failures=2, open_ms=1_000, clock=clock)
    early = [entered(breaker) for _ in range(4)]
    breaker.fail(early[0])
    breaker.fail(early[1])
    clock.now += 0.5
    breaker.fail(early[2])
    breaker.succeed(early[3])
    assert breaker.state() == "open"
    clock.now += 0.5
    assert breaker.state() == "trial"


def test_failures_from_before_an_outage_do_not_count_after_it() -> None:
    clock = Clock()
    breaker = Breaker(failures=2, open_ms=1_000, clock=clock)
    early = [entered(breaker) for _ in range(4)]
    for permit in early[:2]:
        breaker.fail(permit)
    clock.now += 1.0
    breaker.succeed(entered(breaker))
    for permit in early[2:]:
        breaker.fail(permit)
    assert breaker.state() == "closed"


def test_the_other_side_may_say_when_to_come_back() -> None:
    clock = Clock()
    breaker = Breaker(failures=1, open_ms=1_000, clock=clock)
    breaker.fail(entered(breaker), open_ms=30_000)
    clock.now += 29.9
    assert breaker.state() == "open"
    clock.now += 0.1
    assert breaker.state() == "trial"
    breaker.fail(entered(breaker))
    clock.now += 1.0
    assert breaker.state() == "trial", "the longer time outlived its failure"


class BreakerRules(RuleBasedStateMachine):
    """Against a plain retelling: what passed, what failed in a row, when the next trial is due."""

    LIMIT = 3
    OPEN_S = 5.0

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(failures=self.LIMIT, open_ms=self.OPEN_S * 1000, clock=self.clock)
        self.fresh: list[Permit] = []
        self.stale: list[Permit] = []
        self.row = 0
        self.due: float | None = None

    def turn(self, due: float | None) -> None:
        self.stale += self.fresh
        self.fresh = []
        self.row = 0
        self.due = due

    @rule(seconds=st.floats(min_value=0.0, max_value=12.0))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def enter(self) -> None:
        refused = self.due is not None and self.clock.now < self.due
        permit = self.breaker.enter()
        assert (permit is None) == refused
        if permit is not None:
            if self.due is not None:
                self.turn(self.clock.now + self.OPEN_S)
            self.fresh.append(permit)

    @precondition(lambda self: self.fresh)
    @rule()
    def succeed(self) -> None:
        self.breaker.succeed(self.fresh.pop())
        if self.due is None:
            self.row = 0
        else:
            self.turn(None)

    @precondition(lambda self: self.fresh)
    @rule()
    def fail(self) -> None:
        self.breaker.fail(self.fresh.pop())
        self.row += 1
        if self.due is not None or self.row >= self.LIMIT:
            self.turn(self.clock.now + self.OPEN_S)

    @precondition(lambda self: self.stale)
    @rule(worked=st.booleans())
    def report_late(self, worked: bool) -> None:
        permit = self.stale.pop()
        if worked:
            self.breaker.succeed(permit)
        else:
            self.breaker.fail(permit)

    @invariant()
    def the_state_is_as_told(self) -> None:
        if self.due is None:
            assert self.breaker.state() == "closed"
        else:
            assert self.breaker.state() == ("open" if self.clock.now < self.due else "trial")


TestBreakerRules = BreakerRules.TestCase
TestBreakerRules.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
