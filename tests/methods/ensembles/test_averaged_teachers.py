"""Averaged teachers: the formula, the plan, and who the further teachers are."""

from __future__ import annotations

import pytest
import torch

from tests.contracts.probes.world import net, run, setting
from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.ensembles.averaged_teachers import AveragedTeachers
from workbench.methods.logits.kd import KD

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
ONE = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
TWO = trace([[0.4, 0.9, -0.6], [2.0, -0.3, 0.2], [0.1, 0.2, -1.4]])
LABELS = [0, 2, -1]
PLAN = (
    ("teacher_2", "teacher_2", None, 1.0),
    ("teacher_3", "teacher_3", None, 1.0),
    ("distill", "student", ("teacher", "teacher_2", "teacher_3"), 1.0),
)


def labels_alone(student, constants):
    return {"labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]}


def formula(student, constants):
    pairs = zip(constants.teacher[0]["logits"], constants.teacher[1]["logits"], strict=True)
    means = [[(a + b) / 2 for a, b in zip(softmax(one, 4), softmax(two, 4), strict=True)] for one, two in pairs]
    return {
        "labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
        "soft": [16 * kl(m, softmax(s, 4)) for s, m in zip(student["logits"], means, strict=True)],
    }


ORACLES = [
    Case("a further teacher", AveragedTeachers, STUDENT, None, batch(LABELS), labels_alone, PLAN),
    Case("two teachers", AveragedTeachers, STUDENT, (ONE, TWO), batch(LABELS), formula, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_teachers_of_one_mind_are_one_teacher():
    several = AveragedTeachers()(STUDENT, (ONE, ONE, ONE), batch(LABELS))
    torch.testing.assert_close(several, KD(soft_weight=1.0, label_weight=1.0)(STUDENT, ONE, batch(LABELS)))


def test_further_teachers_are_trained_from_other_weights_than_the_settings():
    result = run(setting(), AveragedTeachers(teacher_share=2.0))
    models = [result.models[name] for name in ("teacher_2", "teacher_3")]
    assert set(result.scores) == {"teacher", "teacher_2", "teacher_3", "student"}
    assert models[0].keys() == models[1].keys() == net().state_dict().keys()
    assert any(not torch.equal(torch.as_tensor(models[0][k]), torch.as_tensor(models[1][k])) for k in models[0])
    assert len(result.curves["teacher_2/terms/labels"].values) == 2 * len(result.curves["terms/soft"].values)


def test_ones_own_teachers_join_as_they_are_and_tell_runs_apart():
    mine = net(12, seed=7)
    method = AveragedTeachers().joined_by(mine)
    assert method.teachers == 2
    assert [(p.name, p.share) for p in method.stages(FACTS)] == [("teacher_2", 0.0), ("distill", 1.0)]
    result = run(setting(), method)
    for name, tensor in mine.state_dict().items():
        torch.testing.assert_close(torch.as_tensor(result.models["teacher_2"][name]), tensor)
    assert method.config()["joined_by"] != AveragedTeachers().joined_by(net(12, seed=8)).config()["joined_by"]
    assert "joined_by" not in AveragedTeachers().config()


def test_whose_design_cannot_be_made_anew_may_give_the_further_teachers():
    where = setting(teacher=lambda inputs: torch.zeros(len(inputs), 3))
    with pytest.raises(
        ValueError, match=r"it has no parameters; or give .* with AveragedTeachers\(\)\.joined_by\(model"
    ):
        run(where, AveragedTeachers())


def test_no_gradient_reaches_a_teacher():
    teachers = tuple(trace(t.logits.tolist()) for t in (ONE, TWO))
    for teacher in teachers:
        teacher.outputs.requires_grad_()
    student = trace(STUDENT.logits.tolist())
    student.outputs.requires_grad_()
    AveragedTeachers()(student, teachers, batch(LABELS))["soft"].sum().backward()
    assert student.outputs.grad is not None
    assert all(teacher.outputs.grad is None for teacher in teachers)
