"""A setting is changed by a copy."""

from __future__ import annotations

import pickle

import pytest
import torch

from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.settings.digits import Digits
from workbench.settings.setting import Recipe, Setting


def net() -> MLP:
    return MLP(3, (4,), 3)


def setting() -> Setting:
    labels = torch.arange(60) % 3
    inputs = torch.eye(3)[labels] + torch.arange(60)[:, None] / 100
    return Setting(train=(inputs, labels), test=(inputs + 0.001, labels), teacher=Recipe(net), student=net)


def test_a_changed_setting_is_a_copy_that_shares_its_data() -> None:
    where = setting()
    other = where.but(budget=Budget(epochs=3), name="other")
    assert (other.budget, other.name) == (Budget(epochs=3), "other")
    assert (where.budget.epochs, where.name) != (3, "other")
    assert other.train is where.train
    assert {key for key, value in where.identity().items() if value != other.identity()[key]} == {"name"}


def test_a_change_of_no_field_or_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a setting has no budgets; there are .*budget"):
        setting().but(budgets=Budget())
    with pytest.raises(TypeError, match="budget is a int; give a Budget"):
        setting().but(budget=3)


def test_a_named_setting_keeps_its_configuration_and_travels_with_its_changes() -> None:
    changed = Digits(student_labels=60).but(budget=Budget(epochs=3))
    assert changed.config()["student_labels"] == 60
    assert pickle.loads(pickle.dumps(changed)).budget == Budget(epochs=3)
