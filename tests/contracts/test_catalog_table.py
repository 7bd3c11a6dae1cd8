"""The tables of methods and questions in the README are those that are made from the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.cli import questions
from workbench.cli.methods import TABLE, listing

(BEGIN, END), COLUMNS = TABLE.marks, TABLE.columns
markdown, rewritten, rows = TABLE.markdown, TABLE.rewritten, TABLE.rows
README = Path(__file__).parents[2] / "README.md"


def test_the_readme_has_the_table_of_the_catalogue():
    text = README.read_text(encoding="utf-8")
    assert rewritten(text, listing()) == text, "run: workbench methods --markdown README.md"


def test_the_readme_has_the_table_of_the_questions():
    text = README.read_text(encoding="utf-8")
    expected = questions.TABLE.rewritten(text, questions.listing())
    assert expected == text, "run: workbench questions --markdown README.md"


def test_every_cell_of_every_method_is_filled():
    for row in rows(listing()):
        assert len(row) == len(COLUMNS)
        assert all(row), row[0]


def test_what_is_between_the_marks_is_made_anew_and_the_rest_stays():
    found = listing("robust")
    text = f"above\n{BEGIN}\nold\n{END}\nbelow\n"
    assert rewritten(text, found) == f"above\n{markdown(found)}\nbelow\n"
    assert "| ard | robust | 2020 | AAAI |" in markdown(found)


def test_a_line_of_the_table_has_as_many_cells_as_its_head():
    lines = markdown([dict.fromkeys(COLUMNS.values(), "a | b")]).splitlines()
    assert [line.replace("\\|", "").count("|") for line in lines[1:-1]] == [len(COLUMNS) + 1] * 3


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}\n{BEGIN}\n{END}"])
def test_a_file_without_the_marks_is_left_alone(text):
    with pytest.raises(ValueError, match="put these two lines into the file"):
        rewritten(text, [])
