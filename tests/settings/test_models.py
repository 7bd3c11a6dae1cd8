"""Models of every precision, form and library: they run, or are refused before anything is trained."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor, nn

from workbench.engine.distill import collect, distill
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.run import Run
from workbench.settings.checks import check_models
from workbench.settings.setting import Recipe, Setting

N = 60
Y = np.arange(N) % 3
X = (np.eye(3)[Y] + np.random.default_rng(0).normal(scale=0.3, size=(N, 3))).astype(np.float32)
TEST, TEST_Y = X[:15] + 0.05, Y[:15]
NAMES = np.array(["ant", "bee", "cat"])
TARGETS, TEST_TARGETS = X.sum(1, keepdims=True), TEST.sum(1, keepdims=True)


def own(**changes: Any) -> Setting:
    parts = {"train": (X, Y), "test": (TEST, TEST_Y), "teacher": MLP(3, (8,), 3), "student": partial(MLP, 3, (4,), 3)}
    return Setting(**(parts | {"budget": Budget(epochs=2, batch_size=16), "threads": 1} | changes))


def run(method: str = "kd", **changes: Any) -> Run:
    return collect(distill(own(**changes), make(method), seed=0))


def check(**changes: Any) -> None:
    setting = own(**changes)
    check_models(setting, setting.teacher, setting.make_student(), {"student": setting.budget.batch_size})


# --- classes by their names --------------------------------------------------------------------------------------
def test_a_teacher_fitted_on_texts_teaches_labels_that_are_texts() -> None:
    forest = RandomForestClassifier(20, random_state=0).fit(X, NAMES[::-1][Y])  # another order than the labels'
    named = run(train=(X, NAMES[::-1][Y]), test=(TEST, NAMES[::-1][TEST_Y]), teacher=forest)
    numbered = RandomForestClassifier(20, random_state=0).fit(X, 2 - Y)
    plain = run(train=(X, 2 - Y), test=(TEST, 2 - TEST_Y), teacher=numbered)
    assert named.scores["teacher"].last == plain.scores["teacher"].last > 80
    np.testing.assert_array_equal(named.predictions["student"], plain.predictions["student"])


def test_a_teacher_without_one_of_the_classes_is_warned_of_and_gives_it_next_to_nothing() -> None:
    known = Y != 1
    forest = RandomForestClassifier(5, random_state=0).fit(X[known], NAMES[Y[known]])
    setting = own(train=(X, NAMES[Y]), test=(TEST, NAMES[TEST_Y]), teacher=forest)
    assert "was not fitted on class bee" in setting.warnings[0]
    result = collect(distill(setting, make("kd"), seed=0))
    assert result.predictions["teacher"].shape == (15, 3)
    assert np.exp(result.predictions["teacher"][:, 1]) == pytest.approx(1e-6)


def test_a_teacher_of_other_classes_is_refused_when_the_setting_is_made() -> None:
    with pytest.raises(ValueError, match=r"fitted on classes \['ant', 'bee', 'cat'\]; fit it on the labels"):
        own(teacher=RandomForestClassifier(2).fit(X, NAMES[Y]))


# --- one number per sample ---------------------------------------------------------------------------------------
class Flat(MLP):
    """Gives (B,) instead of (B, 1)."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs).squeeze(1)


@pytest.mark.parametrize("targets", [(TARGETS, TEST_TARGETS), (TARGETS[:, 0], TEST_TARGETS[:, 0])])
def test_a_regression_net_may_give_one_number_or_a_column_of_one(targets: tuple[Any, Any]) -> None:
    data = {"train": (X, targets[0]), "test": (TEST, targets[1]), "task": "regression"}
    runs = [run("labels_only", **data, teacher=None if kind is None else kind(3, (8,), 1), student=partial(kind, 3, (4,), 1))
            for kind in (Flat, MLP)]  # fmt: skip
    np.testing.assert_array_equal(*(each.predictions["student"].reshape(-1) for each in runs))
    assert runs[0].scores["student"].last == runs[1].scores["student"].last
    expected = np.square(runs[0].predictions["student"].reshape(-1) - TEST_TARGETS[:, 0]).mean()
    assert runs[0].scores["student"].last == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("width", [2, 3])
def test_targets_of_another_shape_are_refused(width: int) -> None:
    with pytest.raises(ValueError, match="but the targets"):
        check(
            train=(X, X[:, :width]),
            test=(TEST, TEST[:, :width]),
            task="regression",
            student=partial(MLP, 3, (4,), 5 - width),
        )


# --- precision ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("method", ["kd", "fitnets"])
def test_a_teacher_of_any_precision_teaches_in_float32(dtype: torch.dtype, method: str) -> None:
    torch.manual_seed(0)
    teacher = MLP(3, (8,), 3).to(dtype)
    setting = own(teacher=teacher)
    assert any("computed with in float32" in note for note in setting.notes)
    result = collect(distill(setting, make(method), seed=0))
    same = collect(distill(own(teacher=copy.deepcopy(teacher).float()), make(method), seed=0))
    np.testing.assert_array_equal(result.predictions["student"], same.predictions["student"])
    assert next(teacher.parameters()).dtype == dtype


def test_a_student_of_another_precision_is_trained_in_float32() -> None:
    half = MLP(3, (4,), 3).half()
    result = run(student=half)
    assert all(np.asarray(value).dtype == np.float32 for value in result.models["student"].values())
    assert next(half.parameters()).dtype == torch.float16


# --- what cannot be trained or taught from -----------------------------------------------------------------------
def norm(width: int = 3) -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, width))


def test_batches_of_one_sample_need_another_norm() -> None:
    with pytest.raises(
        ValueError, match=r"the student has batch norm \(1\), which cannot train on batches of one sample"
    ):
        run(student=norm, budget=Budget(epochs=1, batch_size=1))
    with pytest.raises(ValueError, match="the teacher has batch norm"):
        run(teacher=Recipe(norm, Budget(epochs=1, batch_size=1)))
    check(student=norm)
    check(budget=Budget(epochs=1, batch_size=1))


class Returns(nn.Linear):
    """Gives something made of its outputs."""

    def __init__(self, act: Any) -> None:
        super().__init__(3, 3)
        self.act = act

    def forward(self, inputs: Tensor) -> Any:
        return self.act(super().forward(inputs))


@pytest.mark.parametrize("act", [lambda y: (y, 1), lambda y: {"logits": y}, lambda y: [y]])
def test_outputs_in_a_tuple_list_or_dict_are_found(act: Any) -> None:
    check(teacher=Returns(act), student=Returns(act))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"student": Returns(lambda y: y * np.nan)}, "the student's outputs are NaN"),
        ({"teacher": Returns(lambda y: y * np.nan)}, "the teacher's outputs are NaN"),
        ({"teacher": Returns(lambda y: y.to(torch.complex64))}, "the teacher's outputs are torch.complex64"),
        ({"teacher": Returns(lambda y: y.argmax(1))}, "the teacher's outputs are torch.int64"),
        ({"teacher": Returns(lambda y: None)}, "the teacher's output is NoneType, not a tensor"),
        ({"student": lambda: None}, "the student's factory made a NoneType"),
        ({"student": KNeighborsClassifier()}, "fit takes no sample_weight"),
        ({"student": lambda: MLP(3, (4,), 3).requires_grad_(requires_grad=False)}, "nothing to train"),
        ({"train": ((X * 9).astype(np.int8), Y), "test": ((X * 9 + 99).astype(np.int8), Y)}, "whole numbers are taken for token ids"),
        (
            {
                "train": (np.random.default_rng(0).random((N, 8, 8, 3), np.float32), Y),
                "test": (np.random.default_rng(1).random((9, 8, 8, 3), np.float32), Y[:9]),
                "student": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.LazyLinear(3)),
            },
            r"inputs of shape \(2, 8, 8, 3\).*pictures are \(N, C, H, W\)",
        ),
    ],
)  # fmt: skip
def test_models_that_cannot_work_are_refused_in_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        check(**changes)
