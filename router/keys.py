"""Digests under which the decision cache stores: no text can be read back from a key."""

from hashlib import blake2b
from typing import Final

from classifier.features import FEATURE_SPEC, canonical
from classifier.types import Prompt, Version

DIGEST_BYTES: Final = 16
"""128 bits: among a billion prompts, any two share a key with a probability of 10**-21."""


def cache_key(prompt: Prompt, version: Version, secret: bytes) -> bytes:
    """The key of `prompt`'s verdict by the artifact `version`: 16 bytes.

    It covers everything that the verdict depends on, so a new artifact or a changed extraction
    needs no flush: their keys are new.
    """
    return digest(f"{FEATURE_SPEC}\0{version}\0".encode() + canonical(prompt), secret)


def digest(data: bytes, secret: bytes) -> bytes:
    """blake2b-128 of `data`, keyed with `secret` unless that is empty.

    Without a secret, who can read the store can test guesses of a short prompt against it.
    """
    if len(secret) > blake2b.MAX_KEY_SIZE:
        secret = blake2b(secret).digest()
    return blake2b(data, digest_size=DIGEST_BYTES, key=secret).digest()
