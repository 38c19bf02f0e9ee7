"""A row of another shape is told which field to mend; nothing is guessed."""

import pytest

from classifier.shapes import settle


@pytest.mark.parametrize(
    ("spelled", "label"),
    [
        ("Easy", "easy"),
        (" HARD ", "hard"),
        ("needs-info", "needs_info"),
        ("Needs Info", "needs_info"),
    ],
)
def test_labels_may_be_spelled_otherwise(spelled: str, label: str) -> None:
    assert settle({"prompt": "x", "label": spelled}, {})["label"] == label


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"text": "x", "label": "easy"}, "no `prompt`; found: text, label: if `text` is it, call"),
        ({"Prompt": "x"}, "if `Prompt` is it, call it `prompt`"),
        ({"promt": "x"}, "if `promt` is it, call it `prompt`"),
        ({"conversations": [{"from": "human"}]}, "if `conversations` is it, call it `messages`"),
        ({"label": "easy", "x": 1}, "no `prompt` and no `messages`; found: label, x"),
        ({}, "found: nothing"),
        ({"prompt": "x", "difficulty": "easy"}, "if `difficulty` is it, call it `label`"),
        ({"prompt": "x", "Label": "easy"}, "if `Label` is it, call it `label`"),
        ({"prompt": "x", "label": "simple"}, "label 'simple' is none of easy, medium, hard, needs"),
        ({"prompt": "x", "label": 2}, "label 2 is none of"),
        ({"messages": {"role": "user"}}, "`messages` must be a list"),
        ({"messages": "Fix it"}, "`messages` is text, and that is no JSON"),
        ({"messages": '{"role": "user"}'}, "`messages` must be a list"),
        ({"messages": [{"role": "human", "content": "x"}]}, "of the role user; found: human"),
        ({"prompt": "x", "share_mid": 70}, "`share_mid` is 70: a number from 0 to 1 is needed"),
        ({"prompt": "x", "conf": "0,5"}, "`conf` is '0,5': a number"),
        ({"prompt": "x", "conf": [1]}, r"`conf` is \[1\]: a number"),
        ({"prompt": "x", "needs_info": "maybe"}, "`needs_info` is 'maybe': 1 .* or 0"),
        ({"prompt": "x", "needs_info": 0.5}, "`needs_info` is 0.5"),
        ({"prompt": "x", "label": "needs_info", "needs_info": 0}, "and `needs_info` says 0"),
        (
            {"prompt": "x", "label": "easy", "needs_info": 1},
            "the label is easy, and `needs_info` says 1: .* leave `needs_info` out",
        ),
        ({"prompt": "x", "outcomes": [1]}, "`outcomes` must be an object"),
        ({"prompt": "x", "outcomes": {"a": -1}}, "`outcome:a` is -1: a number from 0 to 1"),
        ({"prompt": "x", "outcome:a": "wrong"}, "`outcome:a` is 'wrong'"),
        ({"prompt": "x", "outcome:a": 1}, "outcomes of a: say whose tier they are, --models"),
    ],
)
def test_what_is_wrong_is_named_with_the_fix(fields: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        settle(fields, {})


@pytest.mark.parametrize("said", [1, True, 1.0, "1", "true", "Yes"])
def test_cells_hold_numbers_and_truth_as_people_write_them(said: object) -> None:
    row = settle({"prompt": "x", "needs_info": said, "outcome:a": said}, {"easy": ("a",)})
    assert (row["needs_info"], row["share_small"]) == (1, 1)


def test_what_is_said_to_lack_something_gets_no_tier_from_its_outcomes() -> None:
    row = settle({"prompt": "x", "needs_info": 1, "outcome:a": 1}, {"easy": ("a",)})
    assert (row["share_small"], row.get("label")) == (1, None)
    answerable = settle({"prompt": "x", "needs_info": 0, "outcome:a": 1}, {"easy": ("a",)})
    assert answerable["label"] == "easy"


@pytest.mark.parametrize("blank", [" ", "\t", "  \n"])
def test_a_cell_of_blanks_alone_is_empty(blank: str) -> None:
    fields = {"prompt": "x", "label": "hard", "needs_info": blank, "conf": blank}
    assert settle(fields, {}) == {"prompt": "x", "label": "hard"}


def test_other_fields_are_no_trouble() -> None:
    row = settle({"prompt": "x", "label": "easy", "difficulty": 0.3, "text": "y"}, {})
    assert row["label"] == "easy"


def test_what_a_row_states_is_not_overruled() -> None:
    models = {"easy": ("a",), "medium": ("b",)}
    stated = {"prompt": "x", "outcomes": {"a": 1, "b": 1}, "share_mid": 0.2, "label": "hard"}
    row = settle(stated, models)  # type: ignore[arg-type]
    assert (row["share_small"], row["share_mid"], row["label"]) == (1, 0.2, "hard")


def test_an_empty_label_stays_empty_unless_there_are_outcomes() -> None:
    known = {"prompt": "x", "share_small": 1, "share_mid": 1}
    assert settle(known, {})["label"] == "easy"
    assert "label" not in settle({**known, "label": None}, {})
    told = {"prompt": "x", "label": "", "outcome:a": 1, "conf": 0.8}
    row = settle(told, {"easy": ("a",)})
    assert (row["label"], row["conf"], row["needs_info"]) == ("easy", 0.8, 0)
