"""What a conversation finds in prefix caches when it stays, switches, or comes back late."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain import ModelId
from router.prices.prefixes import (
    BLOCK_TOKENS,
    TIMELESS,
    Prefix,
    Prefixes,
    Served,
    found_again,
    found_many,
    whole_blocks,
)

A, B = ModelId("a"), ModelId("b")
SECOND = 1_000_000
LIFE_S = 300.0


def turn(tokens: int, conversation: str = "c") -> Prefix:
    return Prefix(conversation=conversation, tokens=tokens)


def caches(life_s: float = LIFE_S, most: int = 1_000) -> Prefixes:
    return Prefixes(lambda _: life_s, most=most)


def test_a_first_turn_finds_nothing() -> None:
    assert caches().found(A, turn(5_000), 0) == 0


def test_who_stays_finds_the_turns_before_in_whole_blocks() -> None:
    kept = caches()
    kept.served(A, turn(1_000), 0)
    assert kept.found(A, turn(1_500), 10 * SECOND) == 3 * BLOCK_TOKENS


def test_who_switches_finds_nothing_and_who_comes_back_finds_what_was_left() -> None:
    kept = caches()
    kept.served(A, turn(1_000), 0)
    assert kept.found(B, turn(2_000), SECOND) == 0
    kept.served(B, turn(2_000), SECOND)
    assert kept.found(A, turn(3_000), 2 * SECOND) == 768
    assert kept.found(B, turn(3_000), 2 * SECOND) == 7 * BLOCK_TOKENS


def test_a_cache_lives_as_long_as_its_host_says() -> None:
    kept = Prefixes(lambda model: LIFE_S if model == A else 1_800.0)
    kept.served(A, turn(1_000), 0)
    kept.served(B, turn(1_000), 0)
    assert kept.found(A, turn(1_000), 300 * SECOND) == 768
    assert kept.found(A, turn(1_000), 300 * SECOND + 1) == 0
    assert kept.found(B, turn(1_000), 300 * SECOND + 1) == 768


def test_a_host_without_a_cache_keeps_nothing() -> None:
    kept = caches(life_s=0.0)
    kept.served(A, turn(1_000), 0)
    assert kept.found(A, turn(1_000), 0) == 0
    assert len(kept) == 0


def test_conversations_do_not_meet() -> None:
    kept = caches()
    kept.served(A, turn(1_000, "one"), 0)
    assert kept.found(A, turn(1_000, "two"), 0) == 0


def test_a_log_without_times_is_taken_to_go_on_at_once() -> None:
    kept = caches()
    kept.served(A, turn(1_000), TIMELESS)
    assert kept.found(A, turn(1_000), TIMELESS) == 768


@pytest.mark.parametrize(("before", "now", "found"), [(256, 9_000, 256), (255, 9_000, 0)])
def test_prompts_below_a_block_are_never_kept(before: int, now: int, found: int) -> None:
    assert whole_blocks(before, now) == found


def test_the_last_token_is_always_read() -> None:
    assert whole_blocks(512, 512) == 256
    assert whole_blocks(512, 513) == 512
    assert whole_blocks(900, 0) == 0


def test_what_is_dead_is_let_go_so_that_a_long_log_fits() -> None:
    kept = caches()
    for second in range(0, 10_000, 10):
        kept.served(A, turn(1_000, f"c{second}"), second * SECOND)
    assert len(kept) <= LIFE_S / 10 + 1


def test_of_too_many_the_oldest_go() -> None:
    kept = caches(most=3)
    for name in "abcd":
        kept.served(A, turn(1_000, name), 0)
    assert len(kept) == 3
    assert kept.found(A, turn(1_000, "a"), 0) == 0
    assert kept.found(A, turn(1_000, "d"), 0) == 768


_turns = st.lists(
    st.tuples(st.sampled_from((A, B)), st.integers(1, 4_000), st.integers(0, 400 * SECOND)),
    max_size=12,
)


@given(turns=_turns)
def test_nothing_is_found_that_was_not_read_lately(turns: list[tuple[ModelId, int, int]]) -> None:
    kept, at_us = caches(), 0
    last: dict[ModelId, tuple[int, int]] = {}
    for model, tokens, pause in turns:
        at_us += pause
        for each in (A, B):
            before_us, read = last.get(each, (-(10**12), 0))
            found = kept.found(each, turn(tokens), at_us)
            assert found % BLOCK_TOKENS == 0
            assert found <= min(read, tokens)
            assert not found or at_us - before_us <= LIFE_S * SECOND
        kept.served(model, turn(tokens), at_us)
        last[model] = (at_us, tokens)


@given(
    before=st.integers(0, 5_000),
    now=st.integers(1, 5_000),
    gap=st.integers(0, 400 * SECOND) | st.just(TIMELESS),
)
def test_one_request_and_many_go_by_the_same_rule(before: int, now: int, gap: int) -> None:
    at_us = TIMELESS if gap == TIMELESS else gap
    served = Served(model=A, at_us=0, tokens=before)
    many = found_many(np.array([before]), np.array([now]), np.array([gap]), LIFE_S)
    assert many.tolist() == [found_again(served, now, at_us, LIFE_S)]
