"""A world small enough that every probe runs in a fraction of a second."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.distill import Distillation, collect, distill
from workbench.methods.method import Method
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.run import Run
from workbench.settings.setting import Recipe, Setting

BUDGET = Budget(epochs=3, batch_size=16, learning_rate=0.05)
PLAIN = {"momentum": 0.0, "weight_decay": 0.0, "schedule": "constant"}
"""Budget fields that make a step ``w - rate * gradient``."""


def blobs(samples: int, seed: int = 0, classes: int = 3) -> tuple[Tensor, Tensor]:
    """Overlapping clouds: inputs (N, 4) and labels (N,)."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(samples) % classes
    centres = torch.eye(classes, 4) * 2
    return centres[labels] + torch.randn(samples, 4, generator=generator), labels


def net(width: int = 16, seed: int = 1) -> MLP:
    """A net with fixed weights, to be given as a teacher."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MLP(4, (width,), 3)


def normalised_net() -> nn.Module:
    """The same behind a batch normalisation, for methods that read its statistics."""
    return nn.Sequential(nn.BatchNorm1d(4), net())


def map_net(width: int) -> nn.Module:
    """A net that takes the four numbers for an image, for methods that read maps."""
    return nn.Sequential(nn.Unflatten(1, (1, 2, 2)), ConvNet(1, (width,), 3))


def nets_for(cls: type[Method]) -> dict[str, Any]:
    """A teacher and a student of four numbers that have what a method needs, where ``net`` has not."""
    if "maps" in cls.needs:
        return {"teacher": Recipe(partial(map_net, 8)), "student": partial(map_net, 4)}
    return {"teacher": normalised_net()} if "batch norm" in cls.needs else {}


def setting(**changes: Any) -> Setting:
    """Three blobs, 96 training samples with ids from 1000, and an untrained teacher."""
    inputs, labels = blobs(96)
    given = {
        "train": TransferSet(inputs, labels, ids=torch.arange(1000, 1096)),
        "validation": TransferSet(*blobs(30, 2), ids=torch.arange(2000, 2030)),
        "test": TransferSet(*blobs(60, 1), ids=torch.arange(3000, 3060)),
        "teacher": net(),
        "student": partial(MLP, 4, (8,), 3),
        "name": "blobs",
        "budget": BUDGET,
    }
    return Setting(**(given | changes))


def setting_of(task: str, **changes: Any) -> Setting:
    """The blobs with labels of a task: three numbers or entries of each sample, or a class for each of four pixels."""
    if task == "classification":
        return setting(**changes)
    nets = net(), partial(MLP, 4, (8,), 3)
    if task == "dense":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            nets = map_answers(6), partial(map_answers, 3)
    parts = {name: told(task, blobs(size, k)[0]) for k, (name, size) in enumerate((("train", 96), ("test", 60)))}
    given = {"teacher": nets[0], "student": nets[1], "task": task, "name": task, "budget": BUDGET, "validation": 0.2}
    return Setting(**(parts | given | changes))


def told(task: str, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs with what is to be learnt of them."""
    if task == "multilabel":
        return inputs, (inputs[:, :3] > 0.5).long()
    if task == "regression":
        return inputs, inputs[:, :3] * 0.5 + inputs[:, 1:]
    return inputs.unflatten(1, (1, 2, 2)), (inputs > 0.5).long().view(-1, 2, 2)


def map_answers(width: int) -> nn.Module:
    """Three logits for each of four pixels."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, width, 1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(width, width, 1), nn.ReLU()),
        nn.Conv2d(width, 3, 1),
    )


def run(where: Setting, method: Method, budget: Budget | None = None, seed: int = 0, **conditions: Any) -> Run:
    """A distillation to its end, without checkpoints unless asked for."""
    return collect(distill(where, method, budget, seed, Conditions(**({"checkpoint": False} | conditions))))


def start(where: Setting, method: Method, budget: Budget | None = None, seed: int = 0) -> Distillation:
    """A distillation whose state can be looked at while it goes on."""
    return Distillation(where, method, budget or where.budget, seed, Conditions(checkpoint=False))


def play(distillation: Distillation) -> Iterator[events.Event]:
    """Its events."""
    return distillation.run(Controls(distillation.method))


def steps(distillation: Distillation) -> list[events.Step]:
    """All student steps of a run played to its end."""
    return [event for event in play(distillation) if isinstance(event, events.Step)]


def weights(model: torch.nn.Module) -> dict[str, Tensor]:
    """A copy of what a model holds."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def same(left: Any, right: Any) -> bool:
    """Whether two state dicts agree bit by bit."""
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)
