"""The samples on which two models differ, in the right order."""

from __future__ import annotations

import numpy as np
import pytest

from tests import examples
from workbench.diagnostics.agreement.measure_disagreement import contradiction, disagreement, disagreement_of

TEACHER = np.log([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
STUDENT = np.log([[0.8, 0.2], [0.2, 0.8], [0.4, 0.6], [0.999, 0.001]])


def test_only_samples_that_differ_furthest_first() -> None:
    # KL by hand: 1.146 for the second, 0.081 for the third, 5.026 for the fourth
    found = disagreement(STUDENT, TEACHER, [10, 11, 12, 13])
    assert found.ids.tolist() == [13, 11, 12]
    assert found.name == "disagreement"


def test_the_margin_is_what_both_put_before_the_other() -> None:
    assert contradiction(STUDENT, TEACHER) == pytest.approx([0.0, 0.8 + 0.6, 0.2 + 0.2, 0.6 + 0.998])
    assert disagreement(STUDENT, TEACHER, [10, 11, 12, 13], by="margin").ids.tolist() == [13, 11, 12]


def test_the_two_orders_differ() -> None:
    teacher = np.log([[0.98, 0.01, 0.01], [0.34, 0.33, 0.33]])
    student = np.log([[0.30, 0.35, 0.35], [0.0001, 0.4, 0.5999]])
    assert disagreement(student, teacher, [0, 1], by="forward_kl").ids.tolist() == [1, 0]
    assert disagreement(student, teacher, [0, 1], by="margin").ids.tolist() == [0, 1]


def test_equal_models_leave_nothing() -> None:
    assert len(disagreement(TEACHER, TEACHER, [1, 2, 3, 4])) == 0


def test_a_run_gives_ids_of_its_test_samples() -> None:
    run = examples.run()
    differ = run.predictions["student"].argmax(1) != run.predictions["teacher"].argmax(1)
    assert sorted(disagreement_of(run).ids) == run.test_ids[differ].tolist()


def test_two_students_of_the_same_samples() -> None:
    run, other = examples.run(), examples.run(predictions={"student": examples.outputs(seed=3)[0]})
    said = [each.predictions["student"].argmax(1) for each in (run, other)]
    assert sorted(disagreement_of(run, other).ids) == run.test_ids[said[0] != said[1]].tolist()
    with pytest.raises(ValueError, match="their ids differ"):
        disagreement_of(run, examples.run(test_ids=run.test_ids[::-1]))


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="no order 'size'; there are forward_kl, margin"):
        disagreement(STUDENT, TEACHER, [1, 2, 3, 4], by="size")
    with pytest.raises(ValueError, match=r"ids \(1,\) do not go with logits \(4, 2\)"):
        disagreement(STUDENT, TEACHER, [1])
