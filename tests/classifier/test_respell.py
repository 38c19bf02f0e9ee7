"""Vocabularies of other tokenisers, as the word pieces that serving cuts."""

import json
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from classifier.pieces import UNKNOWN, WordPieces
from classifier.respell import PieceVectors, respell

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def vectors(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Each piece's vector is its id."""
    return np.arange(count, dtype=np.float32)[:, None]


def respelled(
    pieces: list[str], kind: str, normalizer: Any = None, pre_tokenizer: Any = None
) -> PieceVectors:
    numbered = {piece: row for row, piece in enumerate(pieces)}
    vocabulary: Any = [[piece, 0.0] for piece in pieces] if kind == "Unigram" else numbered
    tokenizer = {
        "model": {"type": kind, "vocab": vocabulary},
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
    }
    return respell(tokenizer, vectors(len(pieces)))


def origin(found: PieceVectors, pieces: list[str]) -> dict[str, str]:
    """Our piece → the one that it comes from."""
    rows = found.table[1:, 0].astype(int)
    return {ours: pieces[row] for ours, row in zip(found.vocabulary[1:], rows, strict=True)}


def test_uncased_word_pieces_stay_as_they_are() -> None:
    pieces = ["[PAD]", UNKNOWN, "hi", "##ing", "™"]
    lower = {"type": "BertNormalizer", "lowercase": True}
    found = respelled(pieces, "WordPiece", lower)
    assert list(found.vocabulary) == pieces
    assert (found.table == vectors(5)).all()


def test_cased_word_pieces_lose_their_case_and_accents() -> None:
    pieces = [UNKNOWN, "Paris", "paris", "Café", "##Ing", "한국", "日", "##日", *LETTERS]
    found = respelled(pieces, "WordPiece", {"type": "BertNormalizer", "lowercase": False})
    came = origin(found, pieces)
    assert found.vocabulary[0] == UNKNOWN
    assert (found.table[0] == 0).all()
    assert (came["paris"], came["cafe"], came["##ing"]) == ("paris", "Café", "##Ing")
    assert came["日"] == "日"
    assert "##日" not in came
    assert WordPieces(found.vocabulary).encode("한국") == [found.vocabulary.index(piece("한국"))]


def piece(text: str) -> str:
    """As serving writes it: without a syllable that holds several letters."""
    return normalizers.NFD().normalize_str(text)


def test_sentence_pieces_mark_words_and_not_spaces() -> None:
    pieces = ["<s>", "▁", "▁the", "ing", "▁the▁same", "▁`", ".", "é", *LETTERS]
    found = respelled(pieces, "Unigram", pre_tokenizer={"type": "Metaspace"})
    came = origin(found, pieces)
    assert (came["the"], came["##ing"], came["ing"]) == ("▁the", "ing", "ing")
    assert (came["`"], came["."]) == ("▁`", ".")
    assert came["e"] == "e"
    assert "##the" not in came
    assert not {"<s>", "", "the same", "##."} & came.keys()


def test_bytes_become_characters() -> None:
    pieces = ["<|endoftext|>", "Ġthe", "ing", "ĠÃľber", "Ã", "日".encode().decode("latin-1")]
    pieces += list(LETTERS)
    found = respelled(pieces, "BPE", pre_tokenizer={"type": "ByteLevel"})
    came = origin(found, pieces)
    assert (came["the"], came["##ing"], came["uber"]) == ("Ġthe", "ing", "ĠÃľber")
    assert "Ã" not in came.values()


@pytest.mark.parametrize(
    ("kind", "pre_tokenizer", "told"),
    [
        ("WordLevel", {"type": "Whitespace"}, r"its tokeniser \(WordLevel\) is of no kind"),
        ("BPE", {"type": "Whitespace"}, r"its tokeniser \(BPE\) is of no kind"),
        ("Unigram", {"type": "Metaspace"}, "its vocabulary lacks the letters b, c, d"),
    ],
)
def test_what_cannot_be_respelled_is_refused(kind: str, pre_tokenizer: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        respelled(["a", "▁a"], kind, pre_tokenizer=pre_tokenizer)


def test_a_table_of_another_length_is_refused() -> None:
    lower = {"type": "BertNormalizer", "lowercase": True}
    tokenizer = {"model": {"type": "WordPiece", "vocab": {UNKNOWN: 0}}, "normalizer": lower}
    with pytest.raises(ValueError, match="1 pieces and 2 vectors"):
        respell(tokenizer, vectors(2))


TEXTS = ["The router decides how hard a prompt is; naïve cafés cost nothing."] * 20


def trained(kind: str) -> Tokenizer:
    """A real tokeniser of that kind that learned from TEXTS."""
    if kind == "bytes":
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        made.train_from_iterator(TEXTS, trainers.BpeTrainer(initial_alphabet=alphabet))
    else:
        made = Tokenizer(models.Unigram())
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(unk_token="<unk>", initial_alphabet=list(LETTERS))
        made.train_from_iterator(TEXTS, trainer)
    return made


@pytest.mark.parametrize("kind", ["bytes", "unigram"])
def test_what_a_real_tokeniser_learned_from_is_cut_without_unknowns(kind: str) -> None:
    tokenizer = json.loads(trained(kind).to_str())
    found = respell(tokenizer, vectors(len(tokenizer["model"]["vocab"])))
    pieces = [found.vocabulary[row] for row in WordPieces(found.vocabulary).encode(TEXTS[0])]
    assert UNKNOWN not in pieces
    plain = "therouterdecideshowhardapromptis;naivecafescostnothing."
    assert "".join(piece.removeprefix("##") for piece in pieces) == plain
