"""A setting of one's own data and models: what it makes of them, and what it refuses."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier
from torch import nn
from torch.utils.data import TensorDataset

from workbench.data.transfer import TransferSet
from workbench.records.budget import Budget
from workbench.settings.checks import check_models
from workbench.settings.setting import Recipe, Setting

X = np.random.default_rng(0).normal(size=(60, 4))
Y = np.arange(60) % 3


def net(inputs: int = 4, outputs: int = 3) -> nn.Module:
    """A small classifier with dropout."""
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, outputs))


def own(**changes: Any) -> Setting:
    """A setting that works."""
    parts = {"train": (X, Y), "test": (X[:9] + 1, Y[:9]), "teacher": net(), "student": net}
    return Setting(**(parts | changes))


def noise(inputs: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """An augmentation."""
    return inputs + torch.randn(inputs.shape, generator=generator)


def test_arrays_tensors_and_data_sets_make_the_same_setting() -> None:
    """To the digest."""
    tensors = torch.tensor(X, dtype=torch.float32), torch.tensor(Y)
    digests = {own(train=train).train.digest() for train in ((X, Y), tensors, TensorDataset(*tensors))}
    assert len(digests) == 1


def test_what_a_setting_makes_of_its_data() -> None:
    """A tenth for validation, the rest for student and teacher, no id twice."""
    setting = own()
    assert (len(setting.train), len(setting.validation), len(setting.test)) == (54, 6, 9)
    assert setting.validation.labels.bincount().tolist() == [2, 2, 2]
    assert setting.classes == 3
    assert setting.class_names == ("0", "1", "2")
    assert setting.teacher_train.digest() == setting.train.digest()
    ids = [*setting.train.ids.tolist(), *setting.validation.ids.tolist(), *setting.test.ids.tolist()]
    assert sorted(ids) == list(range(69))


def test_unlabelled_samples_stay_with_the_student_only() -> None:
    """Neither validation nor the teacher's training uses them."""
    labels = np.where(np.arange(60) < 30, Y, -1)
    setting = own(train=(X, labels))
    assert len(setting.train) == 57
    assert len(setting.train.labelled) == len(setting.teacher_train) == 27
    assert (setting.validation.labels >= 0).all()
    assert (setting.teacher_train.labels >= 0).all()


def test_given_sets_are_left_as_they_are() -> None:
    """Two settings may share a test set."""
    test = TransferSet(torch.zeros(3, 4), torch.arange(3))
    setting = own(test=test)
    assert test.ids.tolist() == [0, 1, 2]
    assert setting.test.ids.tolist() == [60, 61, 62]
    named = TransferSet(torch.zeros(3, 4), torch.arange(3), ids=torch.tensor([100, 7000, 8000]))
    assert own(test=named).test.ids.tolist() == [100, 7000, 8000]


def test_validation_data_of_its_own() -> None:
    """Then nothing is taken from the student's."""
    setting = own(validation=(X[:6] - 1, Y[:6]))
    assert (len(setting.train), len(setting.validation)) == (60, 6)


def test_a_table_names_the_classes_and_test_follows_it() -> None:
    """Categories, classes and the label column of the student's table hold for the test."""
    frame = pd.DataFrame({"kind": ["dog", "cat"] * 10, "size": np.arange(20.0), "fur": ["long", "short"] * 10})
    setting = own(train=(frame.iloc[1:], "kind"), test=frame.iloc[:1], teacher=net(3, 2), student=partial(net, 3, 2))
    assert setting.class_names == ("cat", "dog")
    assert setting.test.labels.tolist() == [1]
    assert setting.test.inputs.tolist() == [[0.0, 1.0, 0.0]]
    check_models(setting, setting.teacher, setting.make_student())


def test_regression_has_no_classes() -> None:
    """Targets are split evenly."""
    targets = X[:, :1] * 2
    setting = own(train=(X, targets), test=(X[:9] + 1, targets[:9]), task="regression", student=partial(net, 4, 1))
    assert setting.classes == 0
    assert (len(setting.train), len(setting.validation)) == (54, 6)
    check_models(setting, net(4, 1), setting.make_student())
    with pytest.raises(ValueError, match=r"outputs have shape \(2, 3\), but the targets \(2, 1\)"):
        check_models(setting, net(), setting.make_student())


def test_a_factory_follows_the_seed_and_a_module_is_copied() -> None:
    """Copies do not share weights with the given module."""
    setting = own()
    torch.manual_seed(5)
    first = setting.make_student()
    torch.manual_seed(5)
    assert torch.equal(first[1].weight, setting.make_student()[1].weight)
    assert not torch.equal(first[1].weight, setting.make_student()[1].weight)
    given = net()
    fixed = own(student=given)
    copy = fixed.make_student()
    assert copy is not given
    assert torch.equal(copy[1].weight, given[1].weight)
    assert setting.varies_initialisation
    assert not fixed.varies_initialisation


def test_scikit_learn_models_pass_untouched() -> None:
    """As teacher and as student; a class is a factory."""
    forest = RandomForestClassifier(5, random_state=0).fit(X, Y)
    setting = own(teacher=forest, student=DecisionTreeClassifier(max_depth=3))
    assert setting.teacher is forest
    assert isinstance(setting.make_student(), DecisionTreeClassifier)
    assert setting.make_student() is not setting.make_student()
    assert isinstance(own(student=DecisionTreeClassifier).make_student(), DecisionTreeClassifier)
    check_models(setting, forest, setting.make_student())


def test_checking_changes_nothing() -> None:
    """Neither training mode nor random state nor batch statistics."""
    student = nn.Sequential(nn.BatchNorm1d(4), net())
    student[1].eval()
    setting = own()
    before = torch.get_rng_state()
    check_models(setting, setting.teacher, student)
    assert torch.equal(before, torch.get_rng_state())
    assert student.training
    assert not student[1].training
    assert student[0].num_batches_tracked.item() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"train": (X + 2, Y)},
        {"test": (X[:9] + 2, Y[:9])},
        {"student": partial(net, 4, outputs=3)},
        {"student": lambda: nn.Linear(4, 3)},
        {"augment": noise},
        {"class_names": ("a", "b", "c")},
        {"validation": 0.3},
        {"teacher_train": (X, Y)},
    ],
)
def test_identity_sees_every_change(change: dict[str, Any]) -> None:
    """And is the same for the same."""
    assert own().identity() == own().identity()
    assert own(**change).identity() != own().identity()


def test_a_setting_says_what_it_is() -> None:
    """In one line."""
    assert repr(own()) == "Setting('mine', classification, 54 training, 6 validation and 9 test samples)"


def test_identity_sees_what_a_function_does() -> None:
    """An augmentation that was edited in its cell is another one; where it stands does not matter."""
    noise, same, other = (eval(f"lambda x, g: {text}") for text in ("x + 1", " x + 1", "x + 2"))
    assert own(augment=noise).identity() == own(augment=same).identity() != own(augment=other).identity()


def test_identity_sees_the_weights_of_a_given_student() -> None:
    """But not those a factory will draw."""
    given = net()
    assert own(student=given).identity() == own(student=given).identity()
    assert own(student=given).identity() != own(student=net()).identity()
    setting = own()
    before = torch.get_rng_state()
    setting.identity()
    assert torch.equal(before, torch.get_rng_state())


def test_ones_own_setting_travels_whole() -> None:
    """Through pickle, and through cloudpickle with functions of a notebook."""
    setting = own()
    assert pickle.loads(pickle.dumps(setting)).identity() == setting.identity()
    local = own(student=lambda: net(4, 3))
    assert cloudpickle.loads(cloudpickle.dumps(local)).make_student()[1].in_features == 4


def recipe() -> Recipe:
    """An untrained teacher."""
    return Recipe(net, Budget(epochs=1))


def ids(*numbers: int) -> TransferSet:
    """A set of three classes with ids of its own."""
    return TransferSet(torch.zeros(len(numbers), 4), torch.arange(len(numbers)) % 3, ids=torch.tensor(numbers))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train": (X[:0], Y[:0])}, "empty"),
        ({"train": (X, Y[:-1])}, "lengths differ: labels has 59"),
        ({"train": (X, None)}, "no label at all"),
        ({"train": (X, np.full(60, -1))}, "no label at all"),
        ({"train": (X, np.zeros(60))}, r"one class only \(0\)"),
        ({"train": (X, np.where(np.arange(60) == 7, 3, Y))}, "class 3 has 1 sample"),
        ({"train": (np.where(X > 2, np.nan, X), Y)}, "NaN"),
        ({"test": (X[:2], [0, 3])}, r"labels \[3\] in test are outside the classes 0 .. 2"),
        ({"test": (X[:2, :3], [0, 1])}, r"of shape \(4,\) float32 in train, but of shape \(3,\) float32 in test"),
        ({"test": (X[:2], None)}, "2 of 2 samples in test have no label"),
        ({"test": (X[:2], [0, -1])}, "1 of 2 samples in test have no label"),
        ({"teacher": recipe(), "teacher_train": (X, None)}, "60 of 60 samples in teacher_train have no label"),
        ({"validation": (X[:2], [0, -1])}, "1 of 2 samples in validation have no label"),
        ({"validation": 1.5}, "validation = 1.5 must lie between 0 and 1"),
        ({"validation": 0}, "validation = 0 must lie between 0 and 1"),
        ({"train": ids(*range(9)), "test": ids(8, 9, 10)}, r"1 samples are in both train and test, with ids \[8\]"),
        ({"test": ids(90, 91), "validation": ids(91, 92)}, "both validation and test"),
        ({"class_names": ("a", "b")}, r"labels \[2\] in train are outside the classes 0 .. 1"),
    ],
)
def test_data_that_cannot_be_used(change: dict[str, Any], words: str) -> None:
    """One line that says what is there."""
    with pytest.raises(ValueError, match=words):
        own(**change)


def test_a_student_that_is_none() -> None:
    """A number is neither model nor factory; an unknown task has neighbours."""
    with pytest.raises(TypeError, match="the student is a int; a model or a factory"):
        own(student=3)
    with pytest.raises(KeyError, match="no task 'classify'; nearest: classification"):
        own(task="classify")


@pytest.mark.parametrize(
    ("teacher", "student", "words"),
    [
        (net(4, 5), net(), "teacher's outputs are 5 wide, but the labels need 3 classes"),
        (net(), net(4, 2), "student's outputs are 2 wide, but the labels need 3 classes"),
        (net(), net(7), r"student cannot take inputs of shape \(2, 4\) float32: mat1 and mat2"),
        (lambda x: x.sum(1), net(), "teacher's outputs are 0 wide"),
        (lambda x: x @ x, net(), r"teacher cannot take inputs of shape \(2, 4\)"),
        (lambda x: "cat", net(), "teacher's output is str, not a tensor"),
    ],
)
def test_models_that_do_not_fit(teacher: Callable[..., Any], student: nn.Module, words: str) -> None:
    """Both widths are named, or the inputs."""
    with pytest.raises((ValueError, TypeError), match=words):
        check_models(own(), teacher, student)


def test_token_ids_given_to_a_linear_layer() -> None:
    """The message says of what kind the inputs are."""
    setting = own(train=(np.ones((60, 4), int), Y), test=(np.ones((9, 4), int), Y[:9]))
    with pytest.raises(ValueError, match=r"inputs of shape \(2, 4\) int64"):
        check_models(setting, None, net())
