"""A budget is checked when it is made, and optimisers and schedules may be functions of one's own."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from workbench.engine.distill import collect, distill
from workbench.engine.store import open_store
from workbench.engine.study.study import study
from workbench.engine.training.optimisation import optimizer_for, rate_factor, set_rate
from workbench.methods.logits.kd import KD
from workbench.records.budget import Budget
from workbench.settings.two_moons import TwoMoons

ODD = [None, "", "x", "3", True, False, np.True_, math.nan, math.inf, -math.inf, 1e308, 10**400, 10**5000, -1, 2.5j, [], [3],
       {}, (1, 2), b"3", object(), np.array([3]), torch.ones(2), torch.tensor(math.nan)]  # fmt: skip
ALLOWED = {"clip": [None]}
RMS = partial(torch.optim.RMSprop, lr=0.02)


@pytest.mark.parametrize("name", Budget.__dataclass_fields__)
def test_every_field_refuses_odd_values_by_name(name: str) -> None:
    for value in ODD:
        if value not in ALLOWED.get(name, []) if value is None else True:
            for make in (Budget, partial(replace, Budget())):
                with pytest.raises(ValueError, match=f"^{name} = "):
                    make(**{name: value})


@pytest.mark.parametrize(
    "given",
    [
        {"optimizer": "SGD"},
        {"optimizer": "rmsprop"},
        {"schedule": "linear"},
        {"precision": "float16"},
        {"clip": 0},
        {"epochs": 2.5},
        {"epochs": 0},
        {"batch_size": 0},
        {"batch_size": 1.5},
        {"learning_rate": 0},
        {"momentum": 1},
        {"weight_decay": -1e-9},
    ],
    ids=str,
)
def test_values_that_mean_nothing_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        Budget(**given)


def test_unknown_fields_are_a_type_error_that_names_the_nearest() -> None:
    with pytest.raises(TypeError, match="no parameter 'epoch'; nearest: epochs"):
        Budget(epoch=3)


@pytest.mark.parametrize("three", [3, 3.0, np.int64(3), np.float32(3), np.array(3), torch.tensor(3), torch.tensor(3.0)])
def test_plain_numbers_become_python_numbers(three: Any) -> None:
    budget = Budget(epochs=three, batch_size=three, learning_rate=three, clip=three)
    assert budget == Budget(epochs=3, batch_size=3, learning_rate=3.0, clip=3.0)
    assert {type(v) for v in (budget.epochs, budget.batch_size)} == {int}
    assert {type(v) for v in (budget.learning_rate, budget.clip)} == {float}
    assert json.loads(json.dumps(budget.to_dict())) == budget.to_dict()


def test_a_function_becomes_its_name_and_the_name_is_known_to_be_one() -> None:
    budget = Budget(optimizer=RMS, schedule=lambda progress: 1 - progress)
    saved = budget.to_dict()
    assert saved["optimizer"].startswith("torch.optim.rmsprop.RMSprop(lr=0.02)")
    assert "<lambda>" in saved["schedule"]
    assert Budget(schedule=lambda progress: 1 - progress / 2).to_dict()["schedule"] != saved["schedule"]
    loaded = Budget.from_dict(json.loads(json.dumps(saved)))
    assert loaded.to_dict() == saved
    with pytest.raises(ValueError, match="known by name only"):
        loaded.optimizer([])


def test_the_rates_of_an_own_optimiser_are_scaled_by_player_and_schedule() -> None:
    layer = nn.Linear(2, 2)

    def make(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.RMSprop([{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.5}], lr=0.1)

    made = optimizer_for([*layer.parameters()], Budget(optimizer=make), scale=10.0)
    assert [group["lr"] for group in made.param_groups] == pytest.approx([1.0, 5.0])
    set_rate(made, rate_factor(lambda progress: 1 - progress, 0.75))
    assert [group["lr"] for group in made.param_groups] == pytest.approx([0.25, 1.25])


@pytest.mark.parametrize(
    ("budget", "error", "words"),
    [
        (Budget(optimizer=lambda parameters: None), TypeError, "returned NoneType"),
        (Budget(optimizer=torch.optim.LBFGS), ValueError, "closure"),
        (
            Budget(optimizer=lambda _: torch.optim.SGD([nn.Parameter(torch.ones(1))])),
            ValueError,
            "parameters of the list",
        ),
        (Budget(schedule=lambda progress: -1.0), ValueError, "schedule returned -1.0 at 0 of the run"),
        (Budget(schedule=lambda progress: math.nan), ValueError, "schedule returned nan"),
        (Budget(schedule=lambda progress: "fast"), ValueError, "schedule returned 'fast'"),
    ],
    ids=["no optimiser", "closure", "foreign", "negative", "nan", "text"],
)
def test_what_an_own_function_returns_is_checked_before_anything_is_trained(
    budget: Budget, error: type[Exception], words: str
) -> None:
    happened: list[str] = []

    def run() -> None:
        for event in distill(TwoMoons(), KD(), replace(budget, epochs=1)):
            happened.append(type(event).__name__)

    with pytest.raises(error, match=words):
        run()
    assert happened == ["Started"]
    with pytest.raises(error, match=words):
        study(TwoMoons(), [KD()], 1, budget=replace(budget, epochs=1), progress=lambda *_: happened.append("progress"))
    assert happened == ["Started"]


def test_an_own_optimiser_trains_as_the_named_one_and_its_run_can_be_loaded() -> None:
    named = Budget(epochs=2, learning_rate=0.03, schedule="cosine")

    def sgd(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=0.03, momentum=0.9, weight_decay=5e-4, fused=True)

    own = replace(named, optimizer=sgd, schedule=lambda progress: 0.5 * (1 + math.cos(math.pi * progress)))
    runs = [collect(distill(TwoMoons(), KD(), budget)) for budget in (named, own)]
    assert runs[0].id != runs[1].id
    for name, tensor in runs[0].models["student"].items():
        assert torch.equal(tensor, runs[1].models["student"][name])
    store = open_store()
    store.save(runs[1])
    assert store.load(runs[1].id).budget.to_dict() == own.to_dict()


def test_a_study_with_own_functions_is_saved_and_found_again() -> None:
    budget = Budget(epochs=1, optimizer=RMS, schedule=lambda progress: 1.0)
    found = study(TwoMoons(), [KD()], 1, budget=budget, quick=True)
    assert found.arms["kd"].budget == budget.to_dict()
    assert open_store().load_study(found.id).arms["kd"].budget == found.arms["kd"].budget
