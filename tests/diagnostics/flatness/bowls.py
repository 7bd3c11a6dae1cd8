"""Quadratic bowls as objectives: everything about them is known."""

from __future__ import annotations

import torch
from torch import nn

from workbench.diagnostics.flatness.measure_objective import Objective, Piece


class Bowl:
    """A loss that is a quadratic form of the net's outputs."""

    def __init__(self, matrix: torch.Tensor) -> None:
        self.matrix = matrix

    def of(self, logits: torch.Tensor, piece: Piece) -> torch.Tensor:
        return 0.5 * ((logits @ self.matrix) * logits).sum(1)

    def root(self, logits: torch.Tensor, piece: Piece, noise: torch.Tensor) -> torch.Tensor:
        return noise[0]


class Weights(nn.Module):
    """A net that says its weights, whatever it is asked."""

    def __init__(self, start: torch.Tensor) -> None:
        super().__init__()
        self.start = nn.Parameter(start)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.start[None].expand(len(inputs), -1)


def bowl(matrix: torch.Tensor, start: torch.Tensor | None = None) -> Objective:
    start = torch.zeros(len(matrix)) if start is None else start
    return Objective(Weights(start), [Piece(torch.zeros(2, 1), torch.zeros(2))], Bowl(matrix))


def rotated(spectrum: list[float]) -> torch.Tensor:
    basis = torch.linalg.qr(torch.randn(len(spectrum), len(spectrum), dtype=torch.float64))[0]
    return basis @ torch.diag(torch.tensor(spectrum, dtype=torch.float64)) @ basis.T
