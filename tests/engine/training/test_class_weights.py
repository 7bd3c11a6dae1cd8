"""Class weights are those of ``torch.nn.CrossEntropyLoss(weight=...)``, for the loss on labels only."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.contracts.probes.world import PLAIN, blobs, net, run, setting, start, steps
from workbench.data.transfer import TransferSet
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records.batch import UNLABELLED
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe

WEIGHTS = (1.0, 0.25, 4.0)


def partly_labelled(weight=None):
    inputs, labels = blobs(96)
    labels = labels.where(torch.arange(96) % 5 != 0, torch.tensor(UNLABELLED))
    return TransferSet(inputs, labels, ids=torch.arange(1000, 1096), weight=weight)


def test_a_step_is_that_of_the_weighted_cross_entropy_of_torch():
    student = net(8, seed=3)
    where = setting(student=student, class_weights=WEIGHTS)
    found = run(where, make("labels_only"), Budget(epochs=1, batch_size=96, learning_rate=0.1, **PLAIN))
    inputs, labels = where.train.inputs, where.train.labels
    loss = nn.CrossEntropyLoss(weight=torch.tensor(WEIGHTS))(student(inputs), labels)
    gradients = torch.autograd.grad(loss, [*student.parameters()])
    for (name, before), gradient in zip(student.named_parameters(), gradients, strict=True):
        torch.testing.assert_close(found.models["student"][name], before.detach() - 0.1 * gradient, msg=name)
    assert found.curves["terms/labels"].values[0] == pytest.approx(loss.item())


@pytest.mark.parametrize("name", ["kd", "dkd", "fitnets", "crd"])
def test_only_the_term_of_the_labels_is_weighted_and_only_over_labelled_samples(name):
    budget = Budget(epochs=1, batch_size=96, learning_rate=1e-9, **PLAIN)
    given = {"student": net(8, seed=3), "train": partly_labelled()}
    plain, weighted = (run(setting(**given, class_weights=weights), make(name), budget) for weights in (None, WEIGHTS))
    for term in plain.curves:
        if term.startswith("terms/") and term != "terms/labels":
            torch.testing.assert_close(weighted.curves[term].values, plain.curves[term].values)
    data = partly_labelled()
    rows = data.labelled
    each = F.cross_entropy(given["student"](data.inputs[rows]), data.labels[rows], reduction="none")
    weight = torch.tensor(WEIGHTS)[data.labels[rows]]
    ratio = ((each * weight).sum() / weight.sum() / each.mean()).item()
    if "terms/labels" in plain.curves:
        found = weighted.curves["terms/labels"].values[0] / plain.curves["terms/labels"].values[0]
        assert found == pytest.approx(ratio, rel=1e-5)


def test_sample_and_class_weights_multiply():
    weight = torch.rand(96, generator=torch.Generator().manual_seed(0))
    (inputs, labels), student = blobs(96), net(8, seed=3)
    data = TransferSet(inputs, labels, ids=torch.arange(1000, 1096), weight=weight)
    where = setting(train=data, student=student, class_weights=WEIGHTS)
    step = steps(start(where, make("labels_only"), Budget(epochs=1, batch_size=96)))[0]
    used, each = torch.tensor(WEIGHTS)[labels] * weight, F.cross_entropy(student(inputs), labels, reduction="none")
    assert step.terms["labels"] == pytest.approx(((each * used).sum() / used.sum()).item(), rel=1e-5)


def test_balanced_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    inputs, labels = blobs(96)
    labels[:20] = 0
    where = setting(train=TransferSet(inputs, labels, ids=torch.arange(1000, 1096)), class_weights="balanced")
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels.numpy())
    assert where.class_weights == pytest.approx(tuple(expected))


def test_a_mapping_names_classes_in_any_order():
    names = ("cat", "dog", "owl")
    where = setting(class_names=names, class_weights={"owl": 4, "cat": 1.0, "dog": 0.25})
    assert where.class_weights == WEIGHTS


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ((1.0, 2.0), ValueError, "2 numbers for 3 classes"),
        ((1.0, -1.0, 1.0), ValueError, "0 or more"),
        ((1.0, float("nan"), 1.0), ValueError, "finite numbers"),
        ((0, 0, 0), ValueError, "above 0"),
        ("even", ValueError, "class_weights = 'even'"),
        ({"0": 1.0, "1": 2.0}, ValueError, "the classes are 0, 1, 2"),
        (3.0, TypeError, "one number per class"),
        (["a", "b", "c"], TypeError, "one number per class"),
        (object(), TypeError, "one number per class"),
    ],
)
def test_anything_else_is_refused_when_the_setting_is_made(given, error, message):
    with pytest.raises(error, match=message):
        setting(class_weights=given)


def test_other_tasks_refuse_class_weights():
    parts = {
        name: TransferSet(torch.randn(8, 2), torch.randn(8, 1), ids=torch.arange(8) + 10 * k)
        for k, name in enumerate(("train", "validation", "test"))
    }
    with pytest.raises(ValueError, match="the task is regression"):
        setting(**parts, task="regression", student=partial(nn.Linear, 2, 1), class_weights=(1.0,))


def test_they_are_part_of_the_identity_of_runs_and_of_trained_teachers():
    recipe = Recipe(partial(MLP, 4, (8,), 3), Budget(epochs=1))
    plain, weighted = (start(setting(teacher=recipe, class_weights=w), make("kd")) for w in (None, WEIGHTS))
    assert plain.id != weighted.id
    assert plain.identity["teacher"] != weighted.identity["teacher"]


@pytest.mark.parametrize("by", ["class", "sample"])
def test_a_fitted_student_is_fitted_with_the_weights_of_classes_and_samples(by):
    from sklearn.linear_model import LogisticRegression

    inputs, labels = blobs(96)
    weight = torch.tensor(WEIGHTS)[labels]
    data = TransferSet(inputs, labels, ids=torch.arange(1000, 1096), weight=weight if by == "sample" else None)
    given = {"train": data, "class_weights": WEIGHTS if by == "class" else None}
    where = setting(student=LogisticRegression(max_iter=500), **given)
    found = torch.tensor(run(where, make("labels_only")).predictions["student"]).softmax(1)
    again = LogisticRegression(max_iter=500).fit(inputs.numpy(), labels.numpy(), sample_weight=weight.numpy())
    expected = torch.tensor(again.predict_proba(where.test.inputs.numpy())).float()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


def test_a_fitted_student_cannot_have_class_weights_in_targets_that_mix_labels_with_answers():
    from sklearn.linear_model import LogisticRegression

    with pytest.raises(ValueError, match="class_weights weigh labels, and kd gives"):
        run(setting(student=LogisticRegression(), class_weights=WEIGHTS), make("kd"))
