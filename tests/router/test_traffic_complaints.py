"""Complaints and repetitions: written examples of both, and of what only looks like them."""

import pytest

from router.traffic.complaints import complains, repeats

COMPLAINTS = {
    "en": [
        "No, that's wrong.",
        "that is not correct, the capital is Canberra",
        "It still doesn't work",
        "I tried it. It still does not compile:\n\nerror: expected ;",
        "This is not what I asked for.",
        "Your answer is incorrect",
        "you misunderstood the question",
        "You forgot the second case",
        "try again",
        "Please try again, and think first",
        "Still getting the same error",
        "same error",
        "I'm still getting TypeError: x is not a function",
        "Wrong.",
        "not quite",
        "hmm, that\u2019s not right",
        "Thanks, but the code doesn't run on Python 3.8",
        "I asked for Python, not Java",
        "You're wrong about the date",
    ],
    "de": [
        "Nein, das ist falsch.",
        "Das stimmt nicht",
        "funktioniert immer noch nicht",
        "Es klappt leider nicht.",
        "Versuch es noch einmal".replace("noch einmal", "nochmal"),
        "Falsch!",
        "Das ist nicht das, was ich wollte",
    ],
    "fr": [
        "Non, c'est faux.",
        "Ce n'est pas correct",
        "ça ne marche toujours pas",
        "Réessaie",
        "Tu t'es trompé",
    ],
    "es": [
        "No, eso no es correcto",
        "Sigue sin funcionar",
        "no funciona",
        "Inténtalo de nuevo",
        "Está mal.",
    ],
    "pt": ["Isso está errado", "Ainda não funciona", "tente novamente"],
    "it": ["Non è corretto", "non funziona", "Riprova", "Hai sbagliato"],
    "nl": ["Dat klopt niet", "Het werkt nog steeds niet", "Probeer het opnieuw"],
    "pl": ["To nie działa", "nadal nie działa", "Spróbuj jeszcze raz"],
    "ru": ["Это неправильно", "Нет, это не так", "всё ещё не работает", "Попробуй ещё раз"],
    "zh": ["不对", "你说的不对, 应该是北京", "还是不行", "答案错了", "请再试一次"],
    "ja": ["それは違います", "まだ動きません", "もう一度お願いします", "答えが間違っています"],
    "ko": ["틀렸어", "아직도 안 돼", "다시 해줘"],
}
OTHERS = {
    "en": [
        "What's wrong with my code?",
        "No problem, thanks!",
        "no",
        "No.",
        "Why is it wrong to lie?",
        "Correct my English: he go to school",
        'Translate "that is wrong" into German',
        "What does 'try again later' mean in this error?",
        "Try again later is what the app says; how do I phrase that better?",
        "Is that correct?",
        "That's right, thanks",
        "That works, thanks. Now add tests",
        "Write a function that is not recursive",
        "My bike still has a flat tyre, how do I fix it?",
        "How do I check whether it is not working hours?",
        "Make it shorter",
        "and in French?",
        "Now do the same for 2023",
        "Is the answer wrong if I round?",
        "The code is fine. Explain line 3",
        "I meant Georgia the country",
        "There is nothing wrong in asking",
        "Not now, first tell me about the weather",
        "Wrong answers only: what is a cloud?",
        "Still life painting in the 17th century, an overview please",
        "Your answer is great",
    ],
    "de": [
        "Was ist falsch an meinem Code?",
        "Nein danke",
        "Das ist richtig",
        "Warum funktioniert mein Drucker nicht?",
        "Ist das nicht schön?",
        "Was stimmt mit dem Satz nicht?",
    ],
    "fr": [
        "C'est bon.",
        "C'est bon, merci",
        "Pourquoi ça ne marche pas ?",
        "Est-ce que c'est faux ?",
    ],
    "es": ["¿Qué está mal en mi código?", "No, gracias", "Eso es correcto"],
    "pt": ["Não, obrigado", "O que está errado no meu código?"],
    "it": ["No grazie", "Perché non funziona?", "È corretto?"],
    "nl": ["Nee bedankt", "Wat klopt er niet aan deze zin?"],
    "pl": ["Nie, dziękuję", "Dlaczego to nie działa?"],
    "ru": ["Нет, спасибо", "Почему код не работает?", "Это правильно?"],
    "zh": ["谢谢, 没错", "我的代码哪里错了?", "对不对?", "这不对吗?"],
    "ja": ["ありがとうございます", "何が違いますか", "もう一度説明を読みました"],
    "ko": ["고마워", "뭐가 틀렸는지 찾는 방법", "다시 만나서 반가워"],
}


@pytest.mark.parametrize("text", [text for texts in COMPLAINTS.values() for text in texts])
def test_a_turn_that_says_the_answer_was_wrong_is_a_complaint(text: str) -> None:
    assert complains(text)


@pytest.mark.parametrize("text", [text for texts in OTHERS.values() for text in texts])
def test_a_turn_that_asks_something_or_agrees_is_none(text: str) -> None:
    assert not complains(text)


def test_what_stands_far_inside_a_long_turn_is_not_looked_at() -> None:
    assert not complains("Summarise this review. The food was fine. The room was cold. It is bad")
    assert not complains("word " * 100 + "\nthat's wrong")


@pytest.mark.parametrize(
    "again",
    [
        "What is the tallest mountain of Austria?",
        "what is the tallest mountain of austria",
        "What is the tallest mountain of Austria??",
        "Please, what is the tallest mountain of Austria?",
    ],
)
def test_the_same_question_is_a_repetition(again: str) -> None:
    assert repeats(again, "What is the tallest mountain of Austria?")


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("What is the tallest mountain of Peru?", "What is the tallest mountain of Austria?"),
        ("hi", "hi"),
        ("thank you very", "thank you very"),
        (f"Translate: {'lorem ipsum ' * 200} cat", f"Translate: {'lorem ipsum ' * 200} dog"),
        ("Sum 1, 2, 3 and 5 for me", "Sum 1, 2, 3 and 4 for me"),
        (
            "What is the tallest mountain of Austria and when was it first climbed?",
            "What is the tallest mountain of Austria?",
        ),
        ("", ""),
    ],
)
def test_another_question_is_none_however_much_of_it_is_the_same(text: str, before: str) -> None:
    assert not repeats(text, before)


def test_scripts_without_blanks_are_compared_by_the_letter() -> None:
    assert repeats("奥地利最高的山是什么?", "奥地利最高的山是什么")
    assert not repeats("秘鲁最高的山是什么", "奥地利最高的山是什么")
