"""A verdict keeps its promises, whatever the prompt."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.artifact import load
from classifier.features import extract
from classifier.model import HEADS, Calibration, Classifier, sigmoid
from classifier.registry import builtin
from classifier.types import LABELS, TIERS, Prompt, Turn, Verdict
from tests.synthetic import VERSION, examples, prompt, trained, trained_on_hashes
from tests.verdicts import prompts

SHIPPED = load(builtin())
MODELS = {
    "shipped": SHIPPED,
    "static": trained().classifier,
    "hash": trained_on_hashes().classifier,
}
each = pytest.mark.parametrize("classifier", MODELS.values(), ids=MODELS)


def chances(verdict: Verdict) -> dict[str, float]:
    found: dict[str, float] = msgspec.structs.asdict(verdict.probabilities)
    return found


@each
@given(asked=prompts())
def test_probabilities_are_a_distribution(classifier: Classifier, asked: Prompt) -> None:
    verdict = classifier.assess(asked)
    assert sum(chances(verdict).values()) == pytest.approx(1, abs=1e-5)
    assert all(0 <= chance <= 1 for chance in chances(verdict).values())


@each
@given(asked=prompts())
def test_success_never_falls(classifier: Classifier, asked: Prompt) -> None:
    success = classifier.assess(asked).success
    assert 0 <= success.easy <= success.medium <= success.hard <= 1


@each
@given(asked=prompts())
def test_label_confidence_and_difficulty_follow_from_the_probabilities(
    classifier: Classifier, asked: Prompt
) -> None:
    verdict = classifier.assess(asked)
    seen = chances(verdict)
    assert verdict.confidence == seen[verdict.label]
    lacks = seen["needs_info"] >= classifier.calibration.needs_info
    assert (verdict.label == "needs_info") == lacks
    assert lacks or verdict.confidence == max(seen[tier] for tier in TIERS)
    answerable = 1 - seen["needs_info"]
    if answerable > 0.01:
        expected = (0.5 * seen["medium"] + seen["hard"]) / answerable
        assert verdict.difficulty == pytest.approx(expected, abs=1e-3)


@each
@given(many=st.lists(prompts(), max_size=5))
def test_a_batch_gets_the_verdicts_of_its_prompts(
    classifier: Classifier, many: list[Prompt]
) -> None:
    assert classifier.assess_many(many) == [classifier.assess(one) for one in many]


@each
@given(asked=prompts())
def test_a_verdict_survives_the_cache_unchanged(classifier: Classifier, asked: Prompt) -> None:
    verdict = classifier.assess(asked)
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict


@each
def test_threads_agree(classifier: Classifier) -> None:
    many = [prompt(example.prompt) for example in examples(25)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(classifier.assess, many)) == classifier.assess_many(many)


def test_truncation_and_version_are_said() -> None:
    verdict = SHIPPED.assess(prompt("long " * 10_000))
    assert verdict.truncated
    assert verdict.model_version == SHIPPED.version
    assert not SHIPPED.assess(prompt("short")).truncated


def test_context_is_read() -> None:
    alone = SHIPPED.assess(Prompt(text="and in French?", length=14))
    with_context = Prompt(text="and in French?", context="Translate this poem.", length=14)
    assert SHIPPED.assess(with_context).probabilities != alone.probabilities


def test_a_sure_head_decides() -> None:
    """With every question but one switched off, the label is that question's."""
    for sure, label in (("needs_info", "needs_info"), ("none", "easy"), ("above_easy", "medium")):
        offsets = tuple(20.0 if head == sure else -20.0 for head in HEADS)
        model = Classifier(
            version=VERSION,
            embedder=SHIPPED.embedder,
            heads=SHIPPED.heads,
            calibration=Calibration(slope=(0.0,) * len(HEADS), offset=offsets, needs_info=0.5),
        )
        assert model.assess(prompt("anything")).label == label


def test_the_cut_off_itself_is_needs_info() -> None:
    model = Classifier(
        version=VERSION,
        embedder=SHIPPED.embedder,
        heads=SHIPPED.heads,
        calibration=Calibration(
            slope=(0.0,) * len(HEADS), offset=(0.0,) * len(HEADS), needs_info=0.5
        ),
    )
    verdict = model.assess(prompt("anything"))
    assert verdict.label == "needs_info"
    assert verdict.confidence == 0.5


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="is needed"):
        Classifier(
            version=VERSION,
            embedder=trained().classifier.embedder,
            heads=SHIPPED.heads,
            calibration=SHIPPED.calibration,
        )


def test_an_explanation_adds_up_to_the_verdict() -> None:
    asked = prompt("Prove that every group of prime order is cyclic.")
    verdict, why = SHIPPED.assess(asked), SHIPPED.explain(asked)
    answers = {answer.question: answer for answer in why.answers}
    assert tuple(answers) == HEADS
    assert answers["needs_info"].probability == verdict.probabilities.needs_info
    assert answers["solved_by_easy"].probability == verdict.success.easy
    assert why.characters == len(asked.text)
    assert why.needs_info_cutoff == SHIPPED.calibration.needs_info
    bias = SHIPPED.heads.bias[0] * SHIPPED.calibration.slope[0] + SHIPPED.calibration.offset[0]
    first = answers["needs_info"]
    logit = np.array([bias + first.words + first.meaning + first.surface])
    assert sigmoid(logit)[0] == pytest.approx(first.probability, abs=1e-3)


@given(st.floats(min_value=-1e6, max_value=1e6))
def test_sigmoid_is_a_probability(logit: float) -> None:
    chance = sigmoid(np.array([logit]))[0]
    assert 0 <= chance <= 1
    assert sigmoid(np.array([-logit]))[0] == pytest.approx(1 - chance)


SYSTEM = Turn(role="system", text="You are a careful assistant. Follow the policy. " * 2_500)
TOOLS = [Turn(role="tool", text=f'{{"name": "tool_{n}", "parameters": {{}}}}') for n in range(32)]
BLOCK = "<system-reminder>" + "Today is Monday. Prove nothing. " * 200 + "</system-reminder>"


@pytest.mark.parametrize("text", [example.prompt for example in examples(3)] + ["hi", "Why? " * 99])
def test_nothing_around_the_human_turn_moves_the_verdict(text: str) -> None:
    plain = SHIPPED.assess(prompt(text))
    surrounded = extract(
        [
            SYSTEM,
            Turn(role="developer", text="Answer in German."),
            Turn(role="user", text=BLOCK),
            *TOOLS,
            Turn(role="user", text=f"{BLOCK}\n{text}\n{BLOCK}"),
            Turn(role="assistant", text="Let me look."),
            *TOOLS,
        ]
    )
    assert surrounded is not None
    assert SHIPPED.assess(surrounded) == plain


@given(text=st.text(alphabet="abc xyz?\n", min_size=1).filter(str.strip), noise=st.text())
def test_system_text_and_reminders_never_move_the_verdict(text: str, noise: str) -> None:
    noise = noise.replace("<", "")
    around = extract(
        [
            Turn(role="system", text=noise),
            Turn(role="user", text=f"<system-reminder>{noise}</system-reminder>{text}"),
        ]
    )
    assert around is not None
    assert SHIPPED.assess(around) == SHIPPED.assess(prompt(text))


def test_the_four_labels_are_all_within_reach() -> None:
    model = trained().classifier
    said = {model.assess(prompt(example.prompt)).label for example in examples(20, seed=9)}
    assert said == set(LABELS)
