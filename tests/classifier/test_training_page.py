"""The worked example of docs/training-data.md is read as the page says."""

import re
from pathlib import Path

from classifier.corpus import load
from classifier.outcomes import models_of

PAGE = (Path(__file__).parents[2] / "docs" / "training-data.md").read_text(encoding="utf-8")


def test_the_table_on_the_page_has_the_labels_that_its_outcomes_give(tmp_path: Path) -> None:
    table = re.search(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    assert table is not None
    (tmp_path / "mine.csv").write_text(table[1], encoding="utf-8")
    models = models_of(sorted(set(re.findall(r"--models ([a-z]+=\S+)", PAGE))))
    reading = load([tmp_path / "mine.csv"], models)
    assert reading.notes == ()
    labels = [row.label for row in reading.examples]
    assert labels == ["easy", "easy", "hard", "needs_info", "medium"]
    assert [row.needs_info for row in reading.examples] == [0, 0, 0, 1, 0]
    assert "\n" in reading.examples[1].prompt
