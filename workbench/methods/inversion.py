"""Inverting a net: what its batch normalisation remembers of its training data, and inputs that are made to fit."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from workbench.maths.inversion import jittered, moment_distance
from workbench.models.layers import evaluating, layers_of, listing
from workbench.records.batch import Batch
from workbench.records.trace import Trace

PIXEL_RATE = 0.1
"""Learning rate of Adam on the inputs, as in the authors' code of DeepInversion."""
JITTER = 2
"""Pixels by which images are shifted at most before each pass, as there."""


class NormStatistics(nn.Module):
    """Copies of the running means and variances of a model's batch normalisations.

    Args:
        model: whose they are.

    Attributes:
        layers: the features to trace, what enters each of them.

    Raises:
        ValueError: there are none; the message lists the model's layers.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        norms = {n: m for n, m in model.named_modules() if isinstance(m, _BatchNorm) and m.running_mean is not None}
        if not norms:
            raise ValueError(
                f"{type(model).__name__} has no batch normalisation with running statistics, from which inputs could be "
                "made; use a teacher such as ConvNet or a ResNet, or a method with a generator such as zskt; its layers: "
                f"{listing(layers_of(model))}"
            )
        self.layers = tuple(f"{name}:input" for name in norms)
        for index, norm in enumerate(norms.values()):
            self.register_buffer(f"mean_{index}", norm.running_mean.clone())
            self.register_buffer(f"variance_{index}", norm.running_var.clone())

    def distance(self, trace: Trace) -> Tensor:
        """How far the statistics of a batch are from those remembered, summed over the layers, ()."""
        known = [(getattr(self, f"mean_{k}"), getattr(self, f"variance_{k}")) for k in range(len(self.layers))]
        pairs = zip(self.layers, known, strict=True)
        return torch.stack([moment_distance(trace[name], *moments) for name, moments in pairs]).sum()


def inverted(context: Any, start: Batch, iterations: int, dice: Generator) -> Tensor:
    """Inputs that make all terms but ``soft`` small for the labels of a batch, found by Adam; the student stays as it is.

    Args:
        context: the engine's ``Updater``.
        start: inputs to start from, with the labels they are made for.
        iterations: how often they are moved.
        dice: of the jitter.
    """
    pixels = start.student_inputs.clone().requires_grad_()
    optimizer = torch.optim.Adam([pixels], lr=PIXEL_RATE)
    with evaluating(context.students["student"]):
        for _ in range(iterations):
            terms = context.terms(start.but(student_inputs=jittered(pixels, JITTER, dice)))
            cost = sum(term for name, term in terms.items() if name != "soft")
            (pixels.grad,) = torch.autograd.grad(cost, pixels)
            optimizer.step()
    return pixels.detach()
