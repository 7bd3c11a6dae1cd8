"""Two short texts with two heads each, the second one padded, and what the layers make of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from tests.methods.case import trace
from tests.methods.literal import softmax
from workbench.records.batch import Batch
from workbench.records.plan import Facts

FACTS = Facts(samples=6, classes=3, steps=1000, epochs=10, task="tokens")
REAL = [[True, True, True], [True, True, False]]
LABELS = [[-1, 2, -1], [-1, -1, -1]]  # nothing is hidden in the second text
INPUTS = {"input_ids": torch.tensor([[1, 3, 2], [1, 2, 0]]), "attention_mask": torch.tensor(REAL)}
BATCH = Batch(torch.arange(2), INPUTS, torch.tensor(LABELS), mask=torch.tensor(LABELS) >= 0)

NUMBERS = np.random.default_rng(0)
WEIGHT, BIAS = [[0.5, -1.0, 0.2], [0.25, 0.75, -0.4], [-0.6, 0.1, 0.8]], [0.1, -0.2, 0.3]
"""Of an adapter from 3 to 3 entries."""


def numbers(*shape: int) -> list[Any]:
    """Numbers of a shape, to a hundredth, the same in every run."""
    return NUMBERS.normal(size=shape).round(2).tolist()


def attention(*shape: int) -> list[Any]:
    """Rows that add up to 1."""
    return torch.softmax(torch.tensor(numbers(*shape), dtype=torch.float64), -1).tolist()


def model(width: int, **features: Any) -> Any:
    """A trace of logits and features."""
    return trace(numbers(2, 3, 3), **features, hidden=numbers(2, 3, width))


def adapter() -> torch.nn.Linear:
    made = torch.nn.Linear(3, 3).double()
    made.weight.data, made.bias.data = (torch.tensor(x, dtype=torch.float64) for x in (WEIGHT, BIAS))
    return made


def adapted(vector: list[float]) -> list[float]:
    return [sum(w * x for w, x in zip(row, vector, strict=True)) + b for row, b in zip(WEIGHT, BIAS, strict=True)]


def mean_over_real(values: list[list[float]]) -> list[float]:
    """Values (2, 3) -> the mean of each text over its real tokens."""
    found = [[v for v, r in zip(row, real, strict=True) if r] for row, real in zip(values, REAL, strict=True)]
    return [sum(row) / len(row) for row in found]


def relations(values: Any, heads: int, text: int) -> list[list[list[float]]]:
    """Of each head and real token its similarities to the real ones as probabilities; values (3, heads * d)."""
    size = len(values[0]) // heads
    count = sum(REAL[text])
    found = []
    for h in range(heads):
        parts = [row[h * size : (h + 1) * size] for row in values]
        scores = [
            [sum(a * b for a, b in zip(parts[n], parts[k], strict=True)) / math.sqrt(size) for k in range(count)]
            for n in range(count)
        ]
        found.append([softmax(row) for row in scores])
    return found
