"""Settings of which no method fits all: other models, other data, other sides."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from tests.contracts.probes.world import blobs, net, setting
from tests.contracts.text import text_setting
from workbench.data.transfer import TransferSet
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.settings.setting import Recipe, Setting


def _images(**changes: Any) -> Setting:
    parts = {}
    for name, (size, seed, start) in {"train": (32, 0, 0), "validation": (12, 1, 100), "test": (12, 2, 200)}.items():
        _, labels = blobs(size, seed)
        images = torch.randn(size, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
        parts[name] = TransferSet(images, labels, ids=torch.arange(start, start + size))
    given = {"teacher": ConvNet(1, (6, 8), 3), "student": partial(ConvNet, 1, (4, 6), 3), "name": "images"}
    return setting(**(parts | given | changes))


def _tree_student() -> Setting:
    from sklearn.tree import DecisionTreeClassifier

    return setting(student=DecisionTreeClassifier(max_depth=3))


def _tree_teacher() -> Setting:
    from sklearn.tree import DecisionTreeClassifier

    inputs, labels = blobs(96)
    return setting(teacher=DecisionTreeClassifier(max_depth=3).fit(inputs.numpy(), labels.numpy()))


def _function_teacher() -> Setting:
    return setting(teacher=net().eval().requires_grad_(requires_grad=False).forward)


def privileged(width: int = 7, **changes: Any) -> Setting:
    """Blobs whose teacher sees other numbers than the student, of another width."""
    parts = {}
    for name, (size, seed, start) in {
        "train": (96, 0, 1000),
        "validation": (30, 2, 2000),
        "test": (60, 1, 3000),
    }.items():
        inputs, labels = blobs(size, seed)
        theirs = torch.randn(size, width, generator=torch.Generator().manual_seed(seed + 9))
        parts[name] = TransferSet(inputs, labels, ids=torch.arange(start, start + size), teacher_inputs=theirs)
    return setting(**(parts | {"teacher": MLP(width, (16,), 3)} | changes))


def _integers() -> Setting:
    inputs, labels = blobs(96)
    parts = {}
    for name, (size, seed, start) in {
        "train": (96, 0, 1000),
        "validation": (30, 2, 2000),
        "test": (60, 1, 3000),
    }.items():
        inputs, labels = blobs(size, seed)
        parts[name] = TransferSet((inputs * 4).long().abs().clamp(max=9), labels, ids=torch.arange(start, start + size))
    return setting(**parts, teacher=_Embedded(12), student=partial(_Embedded, 6))


class _Embedded(nn.Sequential):
    def __init__(self, width: int) -> None:
        super().__init__(nn.Embedding(10, width), nn.Flatten(), nn.Linear(4 * width, 3))


class _Headless(nn.Module):
    """A net without a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs @ self.weight


def _two_classes() -> Setting:
    parts = {
        name: TransferSet(*blobs(size, seed, 2), ids=torch.arange(start, start + size))
        for name, (size, seed, start) in {"train": (96, 0, 0), "validation": (30, 2, 200), "test": (60, 1, 300)}.items()
    }
    return setting(**parts, teacher=MLP(4, (16,), 2), student=partial(MLP, 4, (8,), 2))


MISMATCHES = {
    "tables": setting,
    "images": _images,
    "texts": text_setting,
    "tree student": _tree_student,
    "tree teacher": _tree_teacher,
    "function teacher": _function_teacher,
    "teacher inputs": privileged,
    "recipe on teacher inputs": lambda: privileged(teacher=Recipe(partial(MLP, 7, (16,), 3))),
    "one layer": lambda: setting(student=partial(nn.Linear, 4, 3)),
    "no linear layer": lambda: setting(student=_Headless, teacher=_Headless()),
    "integers": _integers,
    "two classes": _two_classes,
}
