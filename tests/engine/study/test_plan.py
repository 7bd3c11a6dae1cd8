"""Which arms, controls and cells a study has."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from tests.contracts.text import text_setting
from tests.engine.study.conftest import make_setting
from workbench import methods
from workbench.engine.study.study import plan_study
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.settings.two_moons import TwoMoons


def _arms(plan) -> list[str]:
    return [arm.name for arm in plan.arms]


def test_labels_only_is_always_there_and_teachers_are_controlled(setting) -> None:
    plan = plan_study(setting, [methods.KD(), methods.LabelSmoothing()], 2)
    assert _arms(plan) == [
        "labels_only",
        "kd",
        "kd/permuted_targets",
        "kd/permuted_non_targets",
        "label_smoothing",
    ]
    assert [(cell.arm, cell.seed) for cell in plan.cells] == [(arm, seed) for seed in (0, 1) for arm in _arms(plan)]
    assert plan.notes == ()
    assert (plan.arm_of_control, plan.arm_of_method) == ("labels_only", "kd")


def test_a_cell_says_all_there_is_to_know(setting) -> None:
    cell = plan_study(setting, [methods.KD(temperature=2.0)], [7], teachers=3).cells[-1]
    assert (cell.arm, cell.seed, cell.budget) == ("kd/permuted_non_targets", 7, setting.budget)
    assert cell.method == {"name": "kd", "config": methods.KD(temperature=2.0).config()}
    assert cell.conditions.control == "permuted_non_targets"
    assert cell.conditions.teacher_seed == 1


def test_labels_only_given_is_not_there_twice(setting) -> None:
    plan = plan_study(setting, [methods.LabelsOnly(), methods.KD()], 1, quick=True)
    assert _arms(plan) == ["labels_only", "kd"]
    assert _arms(plan_study(setting, [methods.LabelsOnly()], 1)) == ["labels_only"]


def test_quick_leaves_the_permuted_controls_out_but_not_labels_only(setting) -> None:
    plan = plan_study(setting, [methods.KD(), methods.BornAgain(generations=1)], 1, quick=True)
    assert _arms(plan) == ["labels_only", "labels_only@2x", "kd", "born_again"]


def test_one_method_twice_is_told_apart_by_what_differs(setting) -> None:
    given = [methods.KD(), methods.KD(temperature=2.0), methods.DKD()]
    assert _arms(plan_study(setting, given, 1, quick=True)) == [
        "labels_only",
        "kd(temperature=4.0)",
        "kd(temperature=2.0)",
        "dkd",
    ]
    assert _arms(plan_study(setting, [make("dkd+lskd")], 1, quick=True))[1] == "dkd(transform=standardize)"
    with pytest.raises(ValueError, match="kd is given twice"):
        plan_study(setting, [methods.KD(), methods.KD()], 1)


def test_non_targets_are_left_alone_where_it_would_change_nothing(setting) -> None:
    plan = plan_study(setting, [methods.KD(), methods.AttentionTransfer(), methods.RKD()], 1)
    assert "rkd/permuted_targets" in _arms(plan)
    assert "rkd/permuted_non_targets" not in _arms(plan)
    (note,) = plan.notes
    assert note.startswith("attention_transfer, rkd: ")
    assert "outputs are never read" in note


def test_inputs_that_are_made_while_training_have_no_permuted_targets(setting) -> None:
    plan = plan_study(setting, [methods.KD(), methods.DAFL()], 1)
    assert "dafl/permuted_non_targets" in _arms(plan)
    assert "dafl/permuted_targets" not in _arms(plan)
    (note,) = plan.notes
    assert note.startswith("dafl: no control with permuted targets, since inputs that are made while training")


def test_of_texts_that_are_written_both_permuted_controls_are_left_out_with_a_reason_each() -> None:
    plan = plan_study(text_setting(), [methods.WordLevelKD(), methods.GKD()], 1, smallest_effect=0.1)
    assert _arms(plan) == ["labels_only", "word_level_kd", "word_level_kd/permuted_targets", "gkd"]
    reasons = dict(note.split(": ") for note in plan.notes)
    assert "made while training" in reasons["gkd"]
    assert "the task is tokens" in reasons["word_level_kd, gkd"]


def test_two_classes_have_one_non_target_only() -> None:
    plan = plan_study(TwoMoons(), [methods.KD()], 1)
    assert _arms(plan) == ["labels_only", "kd", "kd/permuted_targets"]
    assert "only one non-target" in plan.notes[0]


def test_whoever_trains_more_models_is_compared_at_equal_total_steps(setting) -> None:
    given = [methods.KD(), methods.TeacherAssistant(), methods.BornAgain(generations=3), methods.DeepMutualLearning()]
    plan = plan_study(setting, given, 1)
    extra = {arm.name: (arm.of, arm.budget.epochs, arm.label) for arm in plan.arms if arm.role == "equal_total"}
    epochs = setting.budget.epochs
    assert extra == {
        "labels_only@2x": (
            ("teacher_assistant", "deep_mutual_learning"),
            2 * epochs,
            "labels only with 2 times the steps",
        ),
        "labels_only@4x": (("born_again",), 4 * epochs, "labels only with 4 times the steps"),
    }
    assert "born_again/permuted_targets" in _arms(plan)  # it learns from its earlier selves
    assert "deep_mutual_learning/permuted_targets" not in _arms(plan)


def test_all_other_arms_have_the_same_budget(setting) -> None:
    given = [methods.KD(), methods.FitNets(), methods.BornAgain(generations=1)]
    plan = plan_study(setting, given, 1, budget=Budget(epochs=4))
    assert {cell.budget for cell in plan.cells if not cell.arm.startswith("labels_only@")} == {Budget(epochs=4)}


def test_a_given_student_means_that_initialisation_is_not_varied() -> None:
    torch.manual_seed(0)
    setting = make_setting(student=MLP(4, (8,), 3))
    assert "initialisation is not varied" in plan_study(setting, [methods.KD()], 3).notes[0]
    assert plan_study(make_setting(), [methods.KD()], 3).notes == ()


def test_other_questions_have_other_ids(setting) -> None:
    def plans():
        yield plan_study(setting, [methods.KD()], 2)
        yield plan_study(setting, [methods.KD()], 3)
        yield plan_study(setting, [methods.KD(temperature=2.0)], 2)
        yield plan_study(setting, [methods.KD()], 2, quick=True)
        yield plan_study(setting, [methods.KD()], 2, budget=Budget(epochs=9))
        yield plan_study(setting, [methods.KD()], 2, teachers=2)
        yield plan_study(setting, [methods.KD()], 2, smallest_effect=1.0)
        yield plan_study(make_setting(student=partial(MLP, 4, (9,), 3)), [methods.KD()], 2)

    ids = [plan.id for plan in plans()]
    assert len(set(ids)) == len(ids)
    assert plan_study(make_setting(), [methods.KD()], 2).id == ids[0]


def test_a_student_that_is_larger_than_its_teacher_is_noted_where_a_teacher_is_read() -> None:
    setting = make_setting(student=partial(MLP, 4, (64,), 3))
    (note,) = plan_study(setting, [methods.KD()], 2).notes
    assert note == "The student has 515 parameters, more than the 259 of its teacher; were they swapped?"
    assert plan_study(setting, [methods.LabelSmoothing()], 2).notes == ()


def test_a_method_that_touches_test_data_is_refused(setting) -> None:
    class AsReleased(methods.KD):
        leaks_test = True

    with pytest.raises(ValueError, match="touches test data"):
        plan_study(setting, [AsReleased()], 1)


@pytest.mark.parametrize(
    ("seeds", "rest"),
    [(0, {}), ([], {}), ([0, 0], {}), ([-1], {}), (1, {"teachers": 0}), (1, {"smallest_effect": -1.0})],
)
def test_numbers_that_make_no_sense_are_refused(setting, seeds, rest) -> None:
    with pytest.raises(ValueError, match=r"seeds|teachers|smallest_effect"):
        plan_study(setting, [methods.KD()], seeds, **rest)


def test_methods_must_be_a_list_of_methods(setting) -> None:
    with pytest.raises(ValueError, match="give a list"):
        plan_study(setting, [], 1)
    with pytest.raises(ValueError, match="give a list"):
        plan_study(setting, methods.KD(), 1)
    with pytest.raises(TypeError, match="3 is not a method"):
        plan_study(setting, [3], 1)


def test_a_score_without_points_needs_a_smallest_effect() -> None:
    inputs = torch.randn(40, 3)
    setting = make_setting(
        train=(inputs, inputs[:, :1]), test=(inputs + 1, inputs[:, 1:2]), task="regression",
        teacher=MLP(3, (4,), 1), student=partial(MLP, 3, (4,), 1),
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"smallest_effect=\.\.\., the least difference"):
        plan_study(setting, [methods.LabelsOnly()], 1)
    assert plan_study(setting, [methods.LabelsOnly()], 1, smallest_effect=0.1).smallest_effect == 0.1


def test_an_unknown_name_is_an_error(setting) -> None:
    with pytest.raises(KeyError, match="no arm 'dkd'; there are labels_only, kd"):
        plan_study(setting, [methods.KD()], 1)["dkd"]
