"""The decision regions of models of two inputs, for settings that live in the plane."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from workbench.data.transfer import TransferSet
from workbench.models.tracing import Tracer
from workbench.records.snapshot import Regions

GRID = 60


@torch.no_grad()
def regions(models: Mapping[str, nn.Module], data: TransferSet, grid: int = GRID) -> Regions:
    """The share of the second class on a grid that covers the data.

    Args:
        models: by party; asked in evaluation mode and put back.
        data: inputs (N, 2) and labels.
        grid: points per side.
    """
    points = data.in_memory().inputs.reshape(len(data), 2).cpu()
    low, high = points.amin(0) - 0.3, points.amax(0) + 0.3
    x, y = (torch.linspace(float(low[k]), float(high[k]), grid) for k in (0, 1))
    mesh = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2).to(data.ids.device)
    classes = {party: _second_class(model, mesh).reshape(grid, grid).cpu().numpy() for party, model in models.items()}
    labels = torch.full((len(data),), -1) if data.labels is None else data.labels.cpu()
    return Regions(x.numpy(), y.numpy(), classes, points.numpy(), labels.numpy())


def _second_class(model: nn.Module, mesh: torch.Tensor) -> torch.Tensor:
    was_training = model.training
    model.eval()
    try:
        return Tracer(model)(mesh).outputs.float().softmax(1)[:, 1]
    finally:
        model.train(was_training)
