"""How far apart are two nets of one architecture, once the order of their hidden units is made the same?

How it is measured: the hidden units of a chain of fully connected layers may be put in any order without changing what
the net computes. Layer after layer, the order of the student's units is chosen that has the largest inner product of its
weights, in and out, with the teacher's; this is repeated until nothing changes.
Reading it: distances before and after differ by what the order alone is worth; two nets trained apart gain a lot, a
student that started from its teacher gains nothing.
When it misleads: the search stops at a local optimum. Other architectures (residual or convolutional ones) are left in
the order they are in, and the result says so.
After: weight matching of Ainsworth et al. 2023 (Git Re-Basin, section 3.2). Cost: O(width^3) per layer and sweep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import nn

ELEMENTWISE = ("ReLU", "LeakyReLU", "GELU", "SiLU", "Tanh", "Sigmoid", "ELU", "Dropout", "Identity", "Flatten")
SWEEPS = 50

Weights = dict[str, np.ndarray]


def weights_of(model: nn.Module) -> Weights:
    """Its parameters by name, as float64 arrays."""
    return {name: p.detach().cpu().double().numpy() for name, p in model.named_parameters()}


def same_space(student: Mapping[str, np.ndarray], teacher: Mapping[str, np.ndarray]) -> bool:
    """Whether both have the same parameters of the same shapes."""
    return {name: w.shape for name, w in student.items()} == {name: w.shape for name, w in teacher.items()}


def chain_of(model: nn.Module) -> list[str] | None:
    """Names of the layers of a plain chain of fully connected ones, first to last; None if it is anything else."""
    from torch import nn

    linear: list[str] = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            linear.append(name)
        elif not isinstance(module, nn.Sequential) and type(module).__name__ not in ELEMENTWISE:
            return None
    sizes = [model.get_submodule(name).weight.shape for name in linear]
    fits = all(before[0] == after[1] for before, after in pairwise(sizes))
    return linear if linear and fits else None


def aligned(student: Mapping[str, np.ndarray], teacher: Mapping[str, np.ndarray], chain: Sequence[str]) -> Weights:
    """The student's weights with its hidden units in the order that fits the teacher's best.

    Args:
        student: by parameter, such as ``layer1.weight`` (F, D) and ``layer1.bias`` (F,).
        teacher: of the same shapes.
        chain: names of the layers, first to last.

    Raises:
        ValueError: the shapes differ; the message names what compares nets of unequal shapes.
    """
    from scipy.optimize import linear_sum_assignment

    check_same_space(student, teacher)
    found = {name: np.array(w) for name, w in student.items()}
    for _ in range(SWEEPS):
        moved = False
        for layer, following in pairwise(chain):
            gain = teacher[f"{following}.weight"].T @ found[f"{following}.weight"]
            own = [f"{layer}.{kind}" for kind in ("weight", "bias") if f"{layer}.{kind}" in found]
            for name in own:
                mine, theirs = (w[name].reshape(len(w[name]), -1) for w in (found, teacher))
                gain = gain + theirs @ mine.T
            order = linear_sum_assignment(gain, maximize=True)[1]
            moved |= gain[np.arange(len(order)), order].sum() > gain.trace() * (1 + 1e-12) + 1e-12
            for name in own:
                found[name] = found[name][order]
            found[f"{following}.weight"] = found[f"{following}.weight"][:, order]
        if not moved:
            break
    return found


def check_same_space(student: Mapping[str, np.ndarray], teacher: Mapping[str, np.ndarray]) -> None:
    """Refuse weights of unequal shapes.

    Raises:
        ValueError: they are; the message names what compares such nets.
    """
    if same_space(student, teacher):
        return
    counts = [sum(w.size for w in each.values()) for each in (student, teacher)]
    raise ValueError(
        f"student ({counts[0]:,} parameters) and teacher ({counts[1]:,}) have different weights, and between unequal "
        "spaces there is no divergence; what applies to any two nets: pred_seed, func_gauss and linear_exact"
    )


def distance(student: Mapping[str, np.ndarray], teacher: Mapping[str, np.ndarray]) -> float:
    """Euclidean distance of two nets in the space of their weights.

    Raises:
        ValueError: the shapes differ.
    """
    check_same_space(student, teacher)
    return float(np.sqrt(sum(np.square(student[name] - teacher[name]).sum() for name in teacher)))
