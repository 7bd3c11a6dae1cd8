"""Named groups of test samples, counted by hand on six of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.diagnostics.agreement.measure import OUTCOMES
from workbench.diagnostics.agreement.measure_cohorts import (
    cell_of,
    flip_of,
    following_of,
    outcome_of,
    outcomes_of,
    stratum_of,
    within,
    without,
)
from workbench.records.budget import Budget
from workbench.records.run import Run
from workbench.records.selection import Selection


def run(**other: Any) -> Run:
    """Ids 10 to 15: labels 0 0 0 1 1 1, the teacher says 0 0 1 1 1 0, the student 0 1 1 1 0 1."""
    eye = np.eye(2, dtype=np.float32)
    given = {
        "predictions": {"teacher": eye[[0, 0, 1, 1, 1, 0]], "student": eye[[0, 1, 1, 1, 0, 1]]},
        "test_ids": np.arange(10, 16),
        "test_labels": np.array([0, 0, 0, 1, 1, 1]),
        "facts": {"class_names": ["cat", "dog"]},
    }
    return Run("r", {"name": "six"}, {"name": "kd"}, Budget(), 0, **{**given, **other})


@pytest.mark.parametrize(
    ("teacher", "student", "ids"), [(0, 0, [10]), (0, 1, [11, 15]), (1, 1, [12, 13]), (1, 0, [14])]
)
def test_a_cell_of_the_confusion(teacher: int, student: int, ids: list[int]) -> None:
    found = cell_of(run(), teacher, student)
    assert found.ids.tolist() == ids
    assert found.name == f"teacher {['cat', 'dog'][teacher]}, student {['cat', 'dog'][student]}"


def test_who_is_right() -> None:
    names = [OUTCOMES[code] for code in outcomes_of(run())]
    assert names == ["both_right", "teacher_only", "both_wrong", "both_right", "teacher_only", "student_only"]
    assert outcome_of(run(), "teacher_only").ids.tolist() == [11, 14]
    assert outcome_of(run(), "student_only").name == "student only"


def test_a_stratum_is_a_group_of_the_table() -> None:
    assert stratum_of(run(), "class", 1).ids.tolist() == [13, 14, 15]
    assert stratum_of(run(), "class", 0).name == "class cat"
    assert stratum_of(run(), "confidence", 4).ids.tolist() == [10, 11, 12, 13, 14, 15]  # all at 73 %, in 70 to 75 %
    # hardest are those the reference gives least probability: the teacher errs on 12 and 15
    assert stratum_of(run(), "difficulty", 2, bins=3).ids.tolist() == [12, 15]


def test_flips_against_another_student_and_against_the_teacher() -> None:
    other = run(predictions={"student": np.eye(2)[[0, 0, 0, 0, 1, 0]]})
    assert flip_of(run(), other, "progress").ids.tolist() == [13, 15]
    assert flip_of(run(), other, "regress").ids.tolist() == [11, 12, 14]
    assert flip_of(run(), None, "progress").ids.tolist() == [15]
    assert flip_of(run(), None, "common_wrong").name == "common wrong"


def test_what_a_student_makes_of_its_teachers_answers() -> None:
    """The teacher errs on 12 and 15; the student follows it on 10, 12 and 13, another one on 10, 11, 14 and 15."""
    other = run(predictions={"student": np.eye(2)[[0, 0, 0, 0, 1, 0]]})
    found = {
        "error taken over": ([12], [15]),
        "error not taken over": ([15], [12]),
        "right answer followed": ([10, 13], [10, 11, 14]),
        "right answer not followed": ([11, 14], [13]),
    }
    for name, (mine, others) in found.items():
        assert following_of(run(), name).ids.tolist() == mine
        assert following_of(run(), name, other).ids.tolist() == others
        assert following_of(run(), name).name == name
    with pytest.raises(ValueError, match="no group 'wrong'; there are error taken over, "):
        following_of(run(), "wrong")
    alone = without(following_of(run(), "right answer followed"), following_of(run(), "right answer followed", other))
    assert (alone.ids.tolist(), alone.name) == ([13], "right answer followed")


def test_what_is_in_both_keeps_the_order_and_name_of_the_first() -> None:
    found = within(Selection(np.array([5, 1, 9]), "first"), Selection(np.array([9, 5]), "second"))
    assert (found.ids.tolist(), found.name) == ([5, 9], "first")


def test_a_run_without_its_teacher_is_refused() -> None:
    with pytest.raises(KeyError, match="teacher"):
        cell_of(run(predictions={"student": np.eye(6, 2)}), 0, 0)
