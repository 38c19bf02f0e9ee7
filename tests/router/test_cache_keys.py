"""Cache keys: distinct for whatever a verdict depends on, and opaque with a secret."""

from hypothesis import assume, given
from hypothesis import strategies as st

from classifier.types import Prompt, Version
from router.keys import cache_key, digest
from tests.verdicts import VERSION, prompt, prompts

SECRETS = st.binary(max_size=200)


@given(one=prompts(), other=prompts())
def test_distinct_prompts_have_distinct_keys(one: Prompt, other: Prompt) -> None:
    same = cache_key(one, VERSION, b"") == cache_key(other, VERSION, b"")
    assert same == (one == other)


@given(left=st.text(max_size=20), right=st.text(max_size=20), cut=st.integers(0, 20))
def test_text_that_moves_between_fields_changes_the_key(left: str, right: str, cut: int) -> None:
    whole = left + right
    one, other = (left, right), (whole[:cut], whole[cut:])
    assume(one != other)
    keys = {
        cache_key(Prompt(text=text, context=context, length=len(whole)), VERSION, b"")
        for context, text in (one, other)
    }
    assert len(keys) == 2


@given(asked=prompts(), secret=SECRETS, other=SECRETS)
def test_the_secret_changes_every_key(asked: Prompt, secret: bytes, other: bytes) -> None:
    # A keyed digest pads its key with zeros: secrets that differ in nothing else are one secret.
    assume(secret.rstrip(b"\0") != other.rstrip(b"\0"))
    assert cache_key(asked, VERSION, secret) != cache_key(asked, VERSION, other)


def test_a_new_artifact_has_new_keys() -> None:
    assert cache_key(prompt(), VERSION, b"") != cache_key(prompt(), Version("other"), b"")


@given(asked=prompts(), secret=SECRETS)
def test_keys_are_sixteen_bytes_and_stable(asked: Prompt, secret: bytes) -> None:
    key = cache_key(asked, VERSION, secret)
    assert len(key) == 16
    assert key == cache_key(asked, VERSION, secret)


def test_the_whole_of_a_long_secret_counts() -> None:
    shared = b"s" * 100
    assert digest(b"data", shared + b"1") != digest(b"data", shared + b"2")
    assert digest(b"data", shared) != digest(b"data", shared[:64])
