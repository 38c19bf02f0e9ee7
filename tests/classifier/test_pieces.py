"""Word pieces are BERT's, but for symbols, which stand alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from classifier.artifact import VOCABULARY
from classifier.pieces import WordPieces
from classifier.registry import builtin

PIECES = tuple((builtin() / VOCABULARY).read_text().split("\n"))
OURS = WordPieces(PIECES)


def reference() -> Tokenizer:
    ids = {piece: number for number, piece in enumerate(PIECES)}
    tokenizer = Tokenizer(WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


BERT = reference()


def spell(text: str) -> list[str]:
    return [PIECES[number] for number in OURS.encode(text)]


@settings(max_examples=300)
@given(st.text(alphabet=st.characters(max_codepoint=126), max_size=200))
def test_plain_text_is_cut_as_bert_cuts_it(text: str) -> None:
    assert OURS.encode(text) == BERT.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize(
    "text",
    [
        "Unbelievably, antidisestablishmentarianism works!",
        "Café NAÏVE résumé Ångström",
        "混合 mixed 文字",
        "snake_case_name = call(arg)[0]",
        "don't stop\u200b here",
        "x" * 150 + " end",
        "3.14 1,000 2^10",
    ],
)
def test_other_text_is_cut_as_bert_cuts_it(text: str) -> None:
    assert OURS.encode(text) == BERT.encode(text, add_special_tokens=False).ids


def test_a_symbol_stands_alone() -> None:
    assert spell("20°c")[-2:] == ["°", "c"]


def test_what_is_not_in_the_vocabulary_is_unknown() -> None:
    assert spell("\U0001f9ff") == ["[UNK]"]
    assert spell("") == []


@given(st.text())
def test_any_text_has_ids_of_the_vocabulary(text: str) -> None:
    assert all(0 <= number < len(PIECES) for number in OURS.encode(text))


def test_a_vocabulary_without_unknown_is_refused() -> None:
    with pytest.raises(ValueError, match="UNK"):
        WordPieces(["a", "b"])
