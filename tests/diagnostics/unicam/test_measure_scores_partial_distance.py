"""Partial distance correlation: identities, literal loops, and maps one can work out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform

from workbench.diagnostics.unicam import measure_scores as p


def table(rows: int = 30, width: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def literal_centred(features: np.ndarray) -> np.ndarray:
    a = squareform(pdist(features))
    n, made = len(a), np.zeros_like(a)
    for i in range(n):
        for j in range(n):
            if i != j:
                made[i, j] = a[i, j] - a[i].sum() / (n - 2) - a[j].sum() / (n - 2) + a.sum() / ((n - 1) * (n - 2))
    return made


def literal_product(a: np.ndarray, b: np.ndarray) -> float:
    n = len(a)
    return sum(a[i, j] * b[i, j] for i in range(n) for j in range(n)) / (n * (n - 3))


def test_correlation_and_projection_are_the_literal_ones() -> None:
    first, second, third = (table(12, width, seed) for width, seed in ((3, 0), (2, 1), (4, 2)))
    second = second + first[:, :2]
    a, b, c = (literal_centred(each.numpy()) for each in (first, second, third))
    expected = literal_product(a, b) / np.sqrt(literal_product(a, a) * literal_product(b, b))
    left, right, other = map(p.shape_of, (first, second, third))
    assert float(p.correlation(left, right)) == pytest.approx(expected, rel=1e-6)
    rest = a - literal_product(a, c) / literal_product(c, c) * c
    np.testing.assert_allclose(p.without(left, other).numpy(), rest, rtol=1e-5, atol=1e-8)


def test_a_table_and_its_rotation_are_the_same() -> None:
    features = table()
    rotation, _ = torch.linalg.qr(table(4, 4, 1))
    shape, turned = p.shape_of(features), p.shape_of(3 * features @ rotation + 7)
    assert float(p.correlation(shape, shape)) == pytest.approx(1)
    assert float(p.correlation(shape, turned)) == pytest.approx(1)


def test_independent_tables_have_none_on_average() -> None:
    found = [float(p.correlation(p.shape_of(table(200, 5, k)), p.shape_of(table(200, 5, k + 100)))) for k in range(10)]
    assert abs(np.mean(found)) < 0.01
    assert min(found) < 0 < max(found)


def test_nothing_is_left_of_a_table_without_itself() -> None:
    shape = p.shape_of(table())
    rest = p.without(shape, shape)
    assert float(rest.abs().max()) < 1e-9
    assert float(p.correlation(rest, shape)) == pytest.approx(0, abs=1e-3)
    assert torch.equal(p.without(shape, torch.zeros_like(shape)), shape)
    assert abs(float(p.product(p.without(shape, p.shape_of(table(seed=1))), p.shape_of(table(seed=1))))) < 1e-9


def test_what_is_left_of_a_sum_is_the_other_part() -> None:
    own, other = table(150, 4, 0), table(150, 4, 1)
    both = torch.cat((own, other), 1)  # orthogonal directions: their squared distances add up
    whole, part, gone = map(p.shape_of, (both, own, other))
    assert float(p.correlation(whole, part)) < 0.75
    assert float(p.correlation(p.without(whole, gone), part)) > 0.9


def test_labels_differ_or_do_not() -> None:
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    expected = literal_centred((np.arange(6) % 3)[:, None] == np.arange(3))
    np.testing.assert_allclose(p.label_shape(labels, 3).numpy(), expected, atol=1e-5)


def test_maps_are_the_weighted_channels() -> None:
    features = table(2, 12).reshape(2, 3, 2, 2).requires_grad_()
    weights = torch.tensor([2.0, -1.0, 0.0], dtype=torch.float64)
    score = (features.mean((2, 3)) * weights).sum()
    found = p.class_activation_maps(features, score)
    for image in range(2):
        raw = (weights[:, None, None] * features[image].detach()).sum(0).clamp(min=0)
        stretched = (raw - raw.min()) / (raw.max() - raw.min())
        torch.testing.assert_close(found[image], stretched)


def test_equal_rows_do_not_break_the_gradient() -> None:
    features = torch.cat((table(6), table(6))).requires_grad_()
    score = p.correlation(p.shape_of(features), p.label_shape(torch.arange(12) % 2, 2))
    (slope,) = torch.autograd.grad(score, features)
    assert slope.isfinite().all()
