"""A setting on which a run takes a moment."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from workbench.engine.store import Store
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe, Setting

BUDGET = Budget(epochs=3, batch_size=16)


def clouds(samples: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Three overlapping Gaussian clouds in four dimensions."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(samples) % 3
    return torch.randn(samples, 4, generator=generator) + 1.5 * torch.eye(4)[labels], labels


def make_setting(**changes: object) -> Setting:
    fields = {
        "train": clouds(120, 1),
        "test": clouds(200, 2),
        "teacher": Recipe(partial(MLP, 4, (32,), 3), Budget(epochs=5, batch_size=16)),
        "student": partial(MLP, 4, (8, 8), 3),
        "name": "clouds",
        "budget": BUDGET,
        "threads": 1,
    }
    return Setting(**(fields | changes))


@pytest.fixture
def setting() -> Setting:
    return make_setting()


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(folder=tmp_path / "store")
