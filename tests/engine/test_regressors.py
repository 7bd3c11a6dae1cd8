"""Regressors of scikit-learn teach and learn a regression, as far as a method is made of targets."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tests.contracts.probes import world
from workbench.methods.catalog import make
from workbench.models.learners import as_teacher
from workbench.models.mlp import MLP
from workbench.records.budget import Budget

INPUTS, VALUES = world.told("regression", world.blobs(96)[0])


@pytest.mark.parametrize("name", ["logit_regression", "bounded_regression", "attention_transfer"])
def test_a_net_learns_from_nets_that_predict_values(name):
    run = world.run(world.setting_of("regression"), make(name), Budget(epochs=3, batch_size=16, clip=1.0))
    assert run.facts["score"] == "mean squared error"
    assert run.scores["student"].last >= 0


@pytest.mark.parametrize("values", [VALUES, VALUES[:, 0]])
def test_a_regressor_teaches_a_net(values):
    tree = DecisionTreeRegressor(max_depth=4, random_state=0).fit(INPUTS.numpy(), values.numpy())
    shown = as_teacher(tree)(INPUTS)
    np.testing.assert_allclose(shown.numpy(), tree.predict(INPUTS.numpy()).reshape(96, -1), rtol=1e-6)
    width = shown.shape[1]
    test = (world.blobs(60, 1)[0], torch.zeros(60, *values.shape[1:]))
    where = world.setting_of(
        "regression", train=(INPUTS, values), test=test, teacher=tree, student=partial(MLP, 4, (8,), width)
    )
    run = world.run(where, make("logit_regression"))
    np.testing.assert_allclose(run.predictions["teacher"].ravel(), tree.predict(test[0].numpy()).ravel(), rtol=1e-5)


def test_a_regressor_learns_the_teachers_values_or_the_mean_of_them_and_the_labels():
    where = world.setting_of("regression", student=LinearRegression, validation=0.1)
    teacher = where.teacher(where.train.inputs).detach().numpy()
    test = where.test.inputs.numpy()
    for label_weight, targets in ((0.0, teacher), (1.0, (teacher + where.train.labels.numpy()) / 2)):
        run = world.run(where, make("logit_regression", {"label_weight": label_weight}))
        literal = LinearRegression().fit(where.train.inputs.numpy(), targets).predict(test)
        np.testing.assert_allclose(run.predictions["student"], literal, rtol=1e-3, atol=1e-4)


def test_a_regressor_learns_the_labels_alone_as_the_control_asks():
    where = world.setting_of("regression", student=partial(Ridge, alpha=1e-6))
    run = world.run(where, make("labels_only"))
    assert run.scores["student"].last < 1e-6  # the values are linear


def test_what_cannot_learn_values_is_refused_by_name():
    where = world.setting_of("regression", student=DecisionTreeClassifier)
    with pytest.raises(TypeError, match="DecisionTreeClassifier is no regressor"):
        world.run(where, make("logit_regression"))
    with pytest.raises(TypeError, match="bounded_regression is not a method of pure targets"):
        world.run(world.setting_of("regression", student=LinearRegression), make("bounded_regression"))
