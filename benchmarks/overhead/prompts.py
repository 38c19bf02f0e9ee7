"""Requests of the benchmark: prompts of a known number of tokens, repeated or never seen before.

The words are common English, one token each in the usual vocabularies, so a prompt of 50 words is
50 tokens long.
"""

import itertools
import json
import random
from typing import Literal

from benchmarks.overhead.mock import PACED

Prompts = Literal["known", "unique-50", "unique-256", "half"]
"""`known` goes round a set of `KNOWN` prompts of 50 tokens, more than there are connections, so
that no two requests at a time share one; `half` alternates between it and prompts not seen before.
"""
KNOWN = 40

_COMMON = """
    the of and to in is that for was on are as with they at be this have from or one had by word
    but not what all were we when your can said there use an each which she do how their if will
    up other about out many then them these so some her would make like him into time has look two
    more write go see number no way could people my than first water been call who oil its now
    find long down day did get come made may part over new sound take only little work know place
    year live me back give most very after thing our just name good sentence man think say great
    where help through much before line right too mean old any same tell boy follow came want show
    also around form three small set put end does another well large must big even such because
    turn here why ask went men read need land different home us move try kind hand picture again
    change off play spell air away animal house point page letter mother answer found study still
    learn should world high every near add food between own below country plant last school father
    keep tree never start city earth eye light thought head under story saw left few while along
    might close something seem next hard open example begin life always those both paper together
    got group often run important until children side feet car mile night walk white sea began grow
    took river four carry state once book hear stop without second later miss idea enough eat face
    watch far really almost let above girl sometimes mountain cut young talk soon list song being
    leave family body music color
"""
WORDS = tuple(_COMMON.split())

_BASE = 256
_serial = itertools.count(KNOWN)


def _text(serial: int, words: int) -> str:
    """A prompt of `words` words that no other serial number gives."""
    digits = (serial, serial // _BASE, serial // _BASE**2)
    number = [WORDS[digit % _BASE] for digit in digits]
    return " ".join(number + random.Random(serial).choices(WORDS, k=words - len(number)))


def texts(prompts: Prompts, count: int) -> list[str]:
    """`count` prompts. Those that are unique differ from every one given before by this process."""
    if prompts == "known":
        return [_text(index % KNOWN, 50) for index in range(count)]
    if prompts == "half":
        known, unique = texts("known", count // 2), texts("unique-50", count - count // 2)
        return [known[index // 2] if index % 2 else unique[index // 2] for index in range(count)]
    words = 256 if prompts == "unique-256" else 50
    return [_text(next(_serial), words) for _ in range(count)]


def request(text: str, *, model: str, stream: bool, paced: bool = False) -> bytes:
    """A whole HTTP request for `text`, with the headers that an SDK sends.

    Streams ask for usage, as clients do that watch their costs.
    """
    content = f"{text} {PACED.decode()}" if paced else text
    body: dict[str, object] = {"model": model, "messages": [{"role": "user", "content": content}]}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    payload = json.dumps(body).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\n"
        "host: 127.0.0.1\r\n"
        "accept: application/json\r\n"
        "user-agent: gearshift-benchmark\r\n"
        "authorization: Bearer sk-benchmark\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload
