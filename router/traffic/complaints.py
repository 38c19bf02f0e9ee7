"""Whether a turn says that the answer before it was wrong, and whether it only asks again.

A small list, reviewed by hand, tried on written examples: it would rather miss a complaint than
find one where there is none. It reads the beginning of the turn's first sentences, because what
is said of the answer is said first, and what stands later is often quoted.
"""

import re
from collections import Counter
from typing import Final

_LOOKED_AT: Final = 300
"""Characters of a turn that are looked at."""
_SENTENCES: Final = 2
_LEAST_WORDS: Final = 4
"""Words that a turn must have for its repetition to mean anything: "hi" is said often."""

_LEAD: Final = (
    r"(?:(?:no|nope|hm+|uh|um|ugh|argh|sorry|wait|but|ok|okay|well|actually|and|thanks|"
    r"nein|doch|leider|aber|hmm|non|mais|désolé|pero|lo siento|não|mas|desculpe|ma|nee|maar|"
    r"nie|ale|нет|но|不|いいえ|いや|아니|아니요)\b[\s,.!:;\u2013\u2014-]*)*"
)
_BEGINNINGS: Final[dict[str, str]] = {
    "en": (
        r"(?:that|this|it|your \w+|the (?:answer|code|solution|result|output|function|query|"
        r"script|formula|link|translation))(?:'s| is| are| was| seems| looks)"
        r"(?: still| just| completely| totally| clearly| simply| also)*"
        r" (?:(?:wrong|incorrect|broken|false)(?! (?:with|on|for|about|in)\b)|nonsense|"
        r"not (?:right|correct|true|working|it\b|what i (?:asked|meant|want|need|said)))|"
        r"(?:that|this|it|your \w+|the (?:answer|code|solution|function|query|script|fix|link))"
        r"(?: still| also| just)* (?:doesn't|does not|didn't|did not|won't|isn't|is not)"
        r"(?: even| actually| really)* (?:work|compil|run|help|fix|solve|answer|make sense)|"
        r"still (?:not|doesn't|does not|isn't|the same|wrong|broken|fail|getting|no\b|incorrect)|"
        r"i(?:'m| am)? still (?:get|see|have|having)|"
        r"you(?:'re| are) (?:wrong|mistaken|incorrect)|"
        r"you (?:misunderstood|misread|forgot|ignored|missed|got (?:it|that|this) wrong|"
        r"made (?:a|an|the same|another) (?:mistake|error)|made that up|didn't answer|"
        r"did not answer)|"
        r"i (?:asked|told you|already (?:said|told))\b|"
        r"(?:please )?(?:try|do it|answer|check|read it) again(?! (?:later|tomorrow|and again))\b|"
        r"(?:the )?same (?:error|problem|issue|mistake)|"
        r"(?:wrong|incorrect|not (?:quite|correct|right|true)|not even close|try harder)$"
    ),
    "de": (
        r"(?:das|die \w+|der \w+|deine? \w+|dein \w+|es) (?:ist|war|sind)"
        r"(?: leider| immer noch| so| komplett| doch)*"
        r" (?:falsch|nicht (?:richtig|korrekt|das,? was ich))|"
        r"(?:das )?(?:stimmt|passt) (?:so |leider |immer noch |doch )*nicht|"
        r"(?:das |es |der code |die \w+ )?(?:funktioniert|geht|klappt|läuft|kompiliert)"
        r" (?:so |leider |immer noch |noch immer |trotzdem )*nicht|"
        r"immer noch (?:nicht|falsch|der(?:selbe)? fehler|das gleiche)|"
        r"(?:bitte )?(?:versuch|probier)(?:e|s|'s|en sie)? ?(?:es |das )?(?:noch ?mal|erneut)|"
        r"du (?:hast (?:mich )?(?:das |es )?(?:falsch verstanden|missverstanden|\w+ vergessen)|"
        r"irrst)|"
        r"(?:falsch|nicht richtig|nicht korrekt)$"
    ),
    "fr": (
        r"(?:c'est|ta réponse est|votre réponse est)(?: toujours| complètement)*"
        r" (?:faux|incorrect|fausse|pas (?:ça|correct|juste|bon|ce que))|"
        r"ce n'est (?:toujours )?pas (?:ça|correct|juste|bon|ce que)|"
        r"(?:ça|cela|le code|il|elle) (?:ne )?(?:marche|fonctionne|compile)"
        r" (?:toujours |encore )?pas|"
        r"(?:toujours|encore) (?:la même erreur|faux|le même problème)|"
        r"(?:réessaie|réessayez|essaie encore|essayez encore)\b|"
        r"(?:tu t'es|vous vous êtes) trompé|"
        r"(?:faux|incorrect)$"
    ),
    "es": (
        r"(?:eso|esto|tu respuesta|la respuesta|el código)"
        r"(?: todavía| aún)? (?:no es (?:correct|lo que|así|verdad)|es (?:incorrect|fals)|"
        r"está (?:mal|equivocad))|"
        r"(?:eso |esto |el código )?(?:todavía |aún )?no (?:funciona|compila|sirve)\b|"
        r"(?:sigue|continúa) (?:sin funcionar|fallando|mal|igual|dando)|"
        r"(?:inténtalo|intenta|prueba) (?:de nuevo|otra vez)|"
        r"te (?:has equivocado|equivocaste|equivocas)|"
        r"(?:incorrecto|está mal|falso)$"
    ),
    "pt": (
        r"(?:isso|isto|a resposta|sua resposta|o código)(?: ainda)? (?:está (?:errad|incorret)|"
        r"não (?:está (?:cert|corret)|é o que))|"
        r"(?:isso |o código )?(?:ainda )?não (?:funciona|funcionou|compila)\b|"
        r"(?:continua|ainda) (?:errado|dando erro|sem funcionar|com o mesmo erro)|"
        r"(?:tente|tenta) (?:de novo|novamente|outra vez)|"
        r"(?:errado|incorreto|está errado)$"
    ),
    "it": (
        r"(?:questo|la risposta|la tua risposta|il codice)?\s?(?:non è (?:corrett|giust|quello)|"
        r"è (?:sbagliat|errat|ancora sbagliat))|"
        r"(?:ancora )?non (?:funziona|compila|va bene)\b|"
        r"(?:riprova|prova (?:di nuovo|ancora))\b|"
        r"(?:hai sbagliato|ti sbagli|sbagliato$)"
    ),
    "nl": (
        r"(?:dat|dit|het|je antwoord) (?:klopt|is) (?:nog steeds )?(?:niet$|"
        r"niet (?:waar|juist|goed|wat ik)|fout|onjuist|verkeerd)|"
        r"(?:dat|dit|het|de code) (?:werkt|doet het|compileert) (?:nog steeds |nog )?niet|"
        r"nog steeds (?:niet|fout|dezelfde fout)|"
        r"probeer (?:het )?(?:opnieuw|nog een keer|nogmaals)"
    ),
    "pl": (
        r"(?:to |twoja odpowiedź |kod )(?:jest |nadal |wciąż |dalej )*(?:źle|błędn|nieprawd|"
        r"nie (?:działa|jest (?:poprawn|prawd|to)))|"
        r"(?:nadal|wciąż|dalej) (?:nie działa|źle|ten sam błąd)|"
        r"(?:spróbuj|popraw to) (?:ponownie|jeszcze raz)"
    ),
    "ru": (
        r"(?:это |ответ |код |ваш ответ |твой ответ )(?:все |всё )?(?:еще |ещё |равно )*"
        r"(?:неправильн|неверн|не (?:работает|так\b|то\b|правильн|верн))|"
        r"(?:все|всё) (?:еще|ещё|равно) (?:не |та же)|"
        r"попробуй(?:те)? (?:еще|ещё|снова)|"
        r"(?:вы ошиб|ты ошиб)|"
        r"(?:неправильно|неверно)$"
    ),
    "zh": (
        r"(?:这|那|你|答案|回答|代码|结果|这个|你的)?(?:还|还是|说|说的|完全|答案)*"
        r"(?:不对|错了|有误|不正确|是错的)(?!吗|么|的是|的原因|在)|"
        r"(?:还是|仍然|依然|依旧)(?:不行|不对|报错|错|一样的错|没有解决|无法运行)|"
        r"(?:请)?(?:再试一次|重新回答|重试|再检查一遍)"
    ),
    "ja": (
        r"(?:それは|これは|答えが|回答が|まだ)?(?:違います|違う$|間違って(?:い|る)|間違いです|"
        r"正しくない|正しくありません)|"
        r"(?:まだ|やはり|やっぱり)(?:動きません|動かない|エラー|同じエラー|だめ)|"
        r"(?:もう一度|再度)(?:やり直|試し|お願い|考え)"
    ),
    "ko": (
        r"(?:그건 |그게 |이건 |답이 |코드가 )?(?:여전히 |아직도 )?"
        r"(?:틀렸|틀린|잘못됐|잘못되었|안 돼|안 됩|작동하지 않)|"
        r"(?:여전히|아직도) (?:안 |같은 오류|오류)|"
        r"다시 (?:해 ?줘|해 ?주세요|시도|대답|확인)"
    ),
}
_COMPLAINT: Final = re.compile(_LEAD + "(?:" + "|".join(_BEGINNINGS.values()) + ")")
_SENTENCE: Final = re.compile(r"[.!?\u3002\uff01\uff1f\u2026;\n]+\s*")
_BLANKS: Final = re.compile(r"\s+")
_WORD: Final = re.compile(
    # Scripts that put no blanks between words count by the letter.
    "[^\\W\u3040-\u30ff\u3400-\u9fff]+|[\u3040-\u30ff\u3400-\u9fff]"
)


def complains(text: str) -> bool:
    """Whether a turn begins by saying that the answer before it was wrong or of no use."""
    start = text[:_LOOKED_AT].casefold().replace("\u2019", "'")
    sentences = [_BLANKS.sub(" ", said).strip(" ,:-") for said in _SENTENCE.split(start)]
    return any(_COMPLAINT.match(said) for said in [s for s in sentences if s][:_SENTENCES])


def repeats(text: str, before: str) -> bool:
    """Whether `text` asks again what `before` asked: every word of it, and hardly another.

    A word that was replaced makes another question of it, however long the rest is.
    """
    words, asked = _words(text), _words(before)
    extra = (words - asked).total()
    return asked.total() >= _LEAST_WORDS and not asked - words and extra <= asked.total() // 10 + 1


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.casefold()))
