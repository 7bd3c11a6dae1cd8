"""Hidden units in another order: found again, and the net still computes the same."""

from __future__ import annotations

import copy
from itertools import pairwise, permutations

import numpy as np
import pytest
import torch
from torch import nn

from workbench.diagnostics.divergence.measure_alignment import aligned, chain_of, distance, weights_of
from workbench.models.mlp import MLP


def shuffled(model: nn.Module, chain: list[str], seed: int = 0) -> nn.Module:
    """The same function with its hidden units in another order."""
    generator, other = torch.Generator().manual_seed(seed), copy.deepcopy(model)
    for layer, following in pairwise(chain):
        first, second = other.get_submodule(layer), other.get_submodule(following)
        order = torch.randperm(len(first.bias), generator=generator)
        first.weight.data, first.bias.data = first.weight.data[order], first.bias.data[order]
        second.weight.data = second.weight.data[:, order]
    return other


def test_a_shuffled_net_is_its_own_teacher_again() -> None:
    model = MLP(4, (12, 9), 3)
    chain = chain_of(model)
    assert chain == ["layer1.0", "layer2.0", "classifier"]
    other = shuffled(model, chain)
    inputs = torch.randn(5, 4)
    assert torch.allclose(model(inputs), other(inputs), atol=1e-6)
    assert distance(weights_of(other), weights_of(model)) > 1
    assert distance(aligned(weights_of(other), weights_of(model), chain), weights_of(model)) == pytest.approx(0)


def test_the_best_order_of_one_hidden_layer_is_found() -> None:
    student, teacher = MLP(3, (5,), 2), MLP(3, (5,), 2)
    found = aligned(weights_of(student), weights_of(teacher), chain_of(student))
    mine, theirs = weights_of(student), weights_of(teacher)
    tried = [
        distance({
            "layer1.0.weight": mine["layer1.0.weight"][list(order)],
            "layer1.0.bias": mine["layer1.0.bias"][list(order)],
            "classifier.weight": mine["classifier.weight"][:, list(order)],
            "classifier.bias": mine["classifier.bias"],
        }, theirs)
        for order in permutations(range(5))
    ]  # fmt: skip
    assert distance(found, theirs) == pytest.approx(min(tried))


def test_the_aligned_net_computes_what_the_student_computes() -> None:
    student, teacher = MLP(4, (8, 7), 3), MLP(4, (8, 7), 3)
    found = aligned(weights_of(student), weights_of(teacher), chain_of(student))
    other = copy.deepcopy(student)
    other.load_state_dict({name: torch.tensor(w).float() for name, w in found.items()})
    inputs = torch.randn(6, 4)
    assert torch.allclose(student(inputs), other(inputs), atol=1e-5)
    assert distance(found, weights_of(teacher)) < distance(weights_of(student), weights_of(teacher))


def test_only_chains_of_linear_layers_are_reordered() -> None:
    assert chain_of(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(), nn.Linear(4, 2))) == ["0", "3"]
    assert chain_of(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))) is None
    assert chain_of(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2, 2))) is None
    assert chain_of(nn.Sequential(nn.Linear(3, 4), nn.Flatten(), nn.Linear(8, 2))) is None
    assert chain_of(nn.Identity()) is None


def test_distance_is_euclidean() -> None:
    first = {"a": np.zeros((2, 2)), "b": np.ones(1)}
    assert distance(first, {"a": np.full((2, 2), 2.0), "b": np.ones(1) + 3}) == pytest.approx(5)


def test_unequal_spaces_are_refused_and_the_error_says_what_applies() -> None:
    with pytest.raises(ValueError, match=r"student \(26 parameters\) and teacher \(32\).*pred_seed, func_gauss"):
        distance(weights_of(MLP(3, (4,), 2)), weights_of(MLP(3, (5,), 2)))
