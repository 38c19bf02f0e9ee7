"""The prefix cache by itself: blocks, their order and their life."""

from hypothesis import given
from hypothesis import strategies as st

from router.sandbox.prefixes import BLOCK_TOKENS, BYTES_PER_TOKEN, PrefixCache

BLOCK = BLOCK_TOKENS * BYTES_PER_TOKEN


class Clock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.binary(max_size=40), st.integers(1, 200))
def test_what_is_cached_is_a_whole_number_of_blocks_of_the_prompt(piece: bytes, times: int) -> None:
    cache = PrefixCache(60)
    prompt = piece * times
    assert cache.admit("a", prompt) == 0
    hit = cache.admit("a", prompt)
    assert hit % BLOCK_TOKENS == 0
    assert hit * BYTES_PER_TOKEN <= len(prompt) < (hit + 2 * BLOCK_TOKENS) * BYTES_PER_TOKEN


def test_a_change_loses_everything_after_it() -> None:
    cache = PrefixCache(60)
    cache.admit("a", b"x" * 5 * BLOCK)
    changed = b"x" * 2 * BLOCK + b"y" + b"x" * 3 * BLOCK
    assert cache.admit("a", changed) == 2 * BLOCK_TOKENS


def test_a_prefix_dies_unless_it_is_asked_for_again() -> None:
    clock = Clock()
    cache = PrefixCache(60, clock)
    prompt = b"x" * 3 * BLOCK
    cache.admit("a", prompt)
    clock.now = 59.0
    assert cache.admit("a", prompt) == 2 * BLOCK_TOKENS
    clock.now = 118.0
    assert cache.admit("a", prompt) == 2 * BLOCK_TOKENS
    clock.now = 179.0
    assert cache.admit("a", prompt) == 0
