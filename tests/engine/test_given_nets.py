"""Nets that a user hands in are as they were after a study, however they are made, and copies of them are trained."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.engine.study.conftest import clouds
from tests.models.nets import normed, plain, scripted, tied, traced
from workbench.engine.store import Store
from workbench.engine.study.study import study
from workbench.records.budget import Budget
from workbench.settings.setting import Setting

BUDGET = Budget(epochs=1, batch_size=32)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(folder=tmp_path)


def state(net: nn.Module) -> dict[str, Any]:
    """Everything of a net that training could change."""
    return {
        "weights": {name: tensor.tolist() for name, tensor in net.state_dict().items()},
        "learns": [p.requires_grad for p in net.parameters()],
        "gradients": [None if p.grad is None else p.grad.tolist() for p in net.parameters()],
        "training": [part.training for part in net.modules()],
        "hooks": [len(part._forward_hooks) + len(part._forward_pre_hooks) for part in net.modules()],
    }


@pytest.mark.parametrize("make", [plain, normed, tied, scripted, traced])
@pytest.mark.parametrize("party", ["teacher", "student"])
def test_a_net_that_is_handed_in_is_as_it_was_after_a_study(
    party: str, make: Callable[[], nn.Module], store: Store
) -> None:
    net, other = make(), plain().eval()
    net.train(party == "student")
    next(net.parameters()).requires_grad_(False)
    before = state(net), state(other)
    models = {"teacher": other, "student": net} if party == "student" else {"teacher": net, "student": other}
    setting = Setting(clouds(60, 1), clouds(30, 2), **models, budget=BUDGET, threads=1)
    found = study(setting, ["kd", "born_again"], 2, quick=True, store=store)
    assert not found.failures
    assert (state(net), state(other)) == before


@pytest.mark.parametrize(("party", "layer"), [("teacher", nn.Tanh()), ("student", nn.Sigmoid())])
def test_a_scripted_net_that_was_trained_before_is_asked_without_gradients(
    party: str, layer: nn.Module, store: Store
) -> None:
    """TorchScript keeps to the plan it made when it first ran a net of a make: with gradients, even where they are off."""
    net = scripted(nn.Sequential(nn.Linear(4, 6), layer, nn.Linear(6, 3)))
    net(torch.ones(8, 4)).sum().backward()
    with torch.no_grad():
        assert net(torch.ones(8, 4)).requires_grad
    nets = {"teacher": plain(), "student": plain()} | {party: net}
    setting = Setting(clouds(60, 1), clouds(30, 2), **nets, budget=BUDGET, threads=1)
    assert not study(setting, ["kd"], 1, quick=True, store=store).failures


class Counting(nn.Module):
    """A net that adds to what it holds beside its weights in every step of training."""

    def __init__(self, held: Any, count: Callable[[Any], Any]) -> None:
        super().__init__()
        self.net, self.held, self.count = plain(), held, count

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            self.count(self.held)
        return self.net(inputs)


def add_to_tensor(held: Tensor) -> None:
    held.add_(1)


def add_to_array(held: np.ndarray) -> None:
    held += 1


def add_to_entry(held: dict[str, list[Tensor]]) -> None:
    held["sums"][0].add_(1)


@pytest.mark.parametrize(
    ("held", "count"),
    [
        (torch.zeros(4), add_to_tensor),
        (np.zeros(4), add_to_array),
        ({"sums": [torch.zeros(4)]}, add_to_entry),
    ],
    ids=["tensor", "array", "nested"],
)
def test_what_a_factory_puts_into_a_plain_attribute_is_not_changed(
    held: Any, count: Callable[[Any], Any], store: Store
) -> None:
    """Teacher and students hold one tensor that is neither weight nor buffer; each student writes on its own copy."""
    before = repr(held)
    setting = Setting(
        clouds(60, 1),
        clouds(30, 2),
        Counting(held, count).eval(),
        lambda: Counting(held, count),
        budget=BUDGET,
        threads=1,
    )
    assert not study(setting, ["kd"], 2, quick=True, store=store).failures
    assert repr(held) == before


class Leaning(nn.Module):
    """A net that adds the answers of another, which is hidden from PyTorch in a plain list."""

    def __init__(self, other: nn.Module) -> None:
        super().__init__()
        self.net, self.others, self.mine = plain(), [other], []
        self.mine.append(self.net)

    def forward(self, inputs: Tensor) -> Tensor:
        assert self.mine[0] is self.net
        return self.net(inputs) + self.others[0](inputs)


def test_a_net_that_is_hidden_in_a_list_gets_no_gradients(store: Store) -> None:
    teacher = plain().eval()
    before = state(teacher)
    setting = Setting(clouds(60, 1), clouds(30, 2), teacher, lambda: Leaning(teacher), budget=BUDGET, threads=1)
    assert not study(setting, ["kd"], 1, quick=True, store=store).failures
    assert state(teacher) == before


def test_a_student_whose_class_copies_parts_of_the_teacher_is_trained(store: Store) -> None:
    teacher = plain().eval()

    class Begun(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = copy.deepcopy(teacher)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.net(inputs)

    setting = Setting(clouds(60, 1), clouds(30, 2), teacher, Begun, budget=BUDGET, threads=1)
    assert not study(setting, ["kd"], 1, quick=True, store=store).failures
