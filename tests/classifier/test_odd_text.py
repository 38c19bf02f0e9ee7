"""Text that nobody meant to send: every step to a verdict takes it, the same way each time."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifier.features import MAX_CHARS, extract, matrix, scored_text
from classifier.model import HEADS, Calibration, Classifier
from classifier.noise import NOISES, TEMPLATES, disturb, wrap
from classifier.pieces import LONGESTWORD, UNKNOWN, WordPieces, normalise
from classifier.reminders import strip_reminders
from classifier.surface import NAMES, describe
from classifier.types import Prompt, Turn
from tests.synthetic import VERSION, prompt, static_embedder, trained

MODEL = trained().classifier
PIECES = WordPieces([UNKNOWN, "a", "##a", "ab", "##b", "fix", "it", "é", "!", "_", "日"])
ODD = st.text(
    st.sampled_from("aA1 ?\n\t\r\x00\x85\u2028\ufeff\u0301éßİΣ日한🙂\U0001f3fd\ud800\udfff<>/`$_"),
    max_size=60,
)
ANY = st.text(max_size=60) | ODD


def measures(text: str) -> dict[str, float]:
    return dict(zip(NAMES, describe(text, len(text), truncated=False).tolist(), strict=True))


def count(text: str, *names: str) -> int:
    return sum(round(float(np.expm1(measures(text)[name]))) for name in names)


@given(ANY)
@example("\ud800")
@example("\x00")
@example("a" * 50_000)
@example("<" * 50_000)
@example("<system-reminder>" * 5_000)
def test_whatever_a_person_sends_gets_the_same_verdict_alone_and_among_others(text: str) -> None:
    asked = extract([Turn(role="user", text=text)])
    assert (asked is None) == (not strip_reminders(text))
    if asked is None:
        return
    verdict = MODEL.assess(asked)
    assert MODEL.assess_many([prompt("fix it"), asked, prompt("hi"), asked])[1::2] == [verdict] * 2
    assert len(scored_text(asked)) <= MAX_CHARS


@given(st.text(max_size=60).filter(lambda text: "\x7f" not in text))
def test_every_character_beyond_ascii_is_of_one_script_or_another(text: str) -> None:
    assert count(text, "n_cjk", "n_other") == sum(ord(char) > 0x7F for char in text)


@given(ANY)
def test_shares_are_parts_of_one_whole(text: str) -> None:
    found = measures(text)
    shares = [value for name, value in found.items() if name.startswith("share_")]
    assert all(0 <= share <= 1 for share in shares)
    assert sum(shares) <= 1 + 1e-5


@given(st.text(st.characters(codec="ascii"), min_size=1, max_size=40), st.integers(2, 4))
def test_text_said_twice_has_its_marks_twice_and_the_same_shares(text: str, times: int) -> None:
    one, more = measures(text), measures(text * times)
    for name in NAMES:
        if name.startswith("n_"):
            assert count(text * times, name) == times * count(text, name)
        if name.startswith("share_"):
            assert more[name] == pytest.approx(one[name], abs=1e-6)


@given(ANY, ANY)
def test_pieces_of_texts_side_by_side_are_the_pieces_of_each(one: str, other: str) -> None:
    assert PIECES.encode(f"{one} {other}") == PIECES.encode(one) + PIECES.encode(other)


@given(ANY)
def test_plain_text_is_plain_already(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert PIECES.encode(once) == PIECES.encode(text)


@given(st.text(st.sampled_from("ab"), min_size=1, max_size=30))
def test_pieces_of_a_word_spell_it_or_it_is_unknown(word: str) -> None:
    found = [PIECES.vocabulary[number] for number in PIECES.encode(word)]
    assert found == [UNKNOWN] or "".join(one.removeprefix("##") for one in found) == word
    assert (found == [UNKNOWN]) == word.startswith("b"), "nothing of ours begins with a b"


def test_the_longest_word_is_cut_and_a_longer_one_is_unknown() -> None:
    assert len(PIECES.encode("a" * LONGESTWORD)) == LONGESTWORD
    assert PIECES.encode("a" * (LONGESTWORD + 1)) == [0]
    assert PIECES.encode("日" * (LONGESTWORD + 1)) == [10] * (LONGESTWORD + 1)


def test_invisible_marks_and_accents_change_no_word() -> None:
    plain = PIECES.encode("fix it")
    for text in ("FIX IT", "f\u200bix\ufeff it", "fi\u0301x\u00a0it", "fix\u2003it"):
        assert PIECES.encode(text) == plain


@given(st.lists(ANY, min_size=1, max_size=4))
def test_rows_are_finite_and_terms_weigh_one_together(texts: list[str]) -> None:
    embedder = static_embedder()
    prompts = [Prompt(text=text, length=len(text)) for text in texts]
    for row in matrix(prompts, embedder):
        assert np.isfinite(row.vector).all()
        assert np.isfinite(row.surface).all()
        if row.terms.size:
            assert row.terms.size * row.terms_weight**2 == pytest.approx(1)


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.sampled_from(sorted(NOISES)))
def test_what_noise_makes_can_be_scored_like_any_text(text: str, name: str) -> None:
    loud = disturb(name, text, 7)
    for changed in (loud, *(wrap(template, loud) for template in TEMPLATES)):
        asked = extract([Turn(role="user", text=changed)])
        assert (asked is None) == (not strip_reminders(changed))
        assert asked is None or MODEL.assess(asked).confidence <= 1


def with_answers(*chances: float, needs_info: float = 0.5) -> Classifier:
    """A model that gives each question the same answer whatever it is asked."""
    offset = tuple(float(np.log(chance / (1 - chance))) for chance in chances)
    return Classifier(
        version=VERSION,
        embedder=MODEL.embedder,
        heads=MODEL.heads,
        calibration=Calibration(slope=(0.0,) * len(HEADS), offset=offset, needs_info=needs_info),
    )


def test_of_tiers_that_are_as_likely_the_cheapest_is_said() -> None:
    two = with_answers(0.1, 0.5, 1e-9, 0.5, 0.5, 0.5).assess(prompt("hi"))
    assert two.probabilities.easy == two.probabilities.medium == two.confidence
    assert two.label == "easy"
    upper = with_answers(0.1, 1 - 1e-9, 0.5, 0.5, 0.5, 0.5).assess(prompt("hi"))
    assert upper.probabilities.medium == upper.probabilities.hard == upper.confidence
    assert upper.label == "medium"


def test_steps_of_success_are_of_what_the_tiers_below_left() -> None:
    verdict = with_answers(0.2, 0.5, 0.5, 0.5, 0.4, 0.1).assess(prompt("hi"))
    success = verdict.success
    assert (success.easy, success.medium) == pytest.approx((0.5, 0.5 + 0.5 * 0.4))
    assert success.hard == pytest.approx(0.7 + 0.3 * 0.1)
    chances = verdict.probabilities
    assert (chances.easy, chances.medium, chances.hard) == pytest.approx((0.4, 0.2, 0.2))
    assert verdict.difficulty == pytest.approx(0.5 * 0.25 + 0.25)


@pytest.mark.parametrize(("cutoff", "label"), [(0.6, "needs_info"), (0.600001, "hard")])
def test_a_likelier_label_stands_back_behind_needs_info_from_its_cut_off_on(
    cutoff: float, label: str
) -> None:
    model = with_answers(0.6, 0.999, 0.999, 0.1, 0.1, 0.1, needs_info=cutoff)
    assert model.assess(prompt("hi")).label == label


@given(st.lists(st.floats(-1e4, 1e4), min_size=6, max_size=6))
def test_logits_of_any_size_make_a_verdict(offset: list[float]) -> None:
    model = Classifier(
        version=VERSION,
        embedder=MODEL.embedder,
        heads=MODEL.heads,
        calibration=Calibration(slope=(1.0,) * 6, offset=tuple(offset), needs_info=0.5),
    )
    verdict = model.assess(prompt("fix it"))
    chances = verdict.probabilities
    whole = chances.easy + chances.medium + chances.hard + chances.needs_info
    assert whole == pytest.approx(1, abs=1e-5)
    assert 0 <= verdict.success.easy <= verdict.success.medium <= verdict.success.hard <= 1
    assert 0 <= verdict.difficulty <= 1
