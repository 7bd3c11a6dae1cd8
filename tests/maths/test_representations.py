"""Similarity of representations against literal formulas, other libraries and what must not change it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial import procrustes as scipy_procrustes
from scipy.spatial.distance import pdist, squareform
from scipy.stats import rankdata, spearmanr

from workbench.maths import representations as r


def tables(rows: int = 40, width: int = 6, other: int = 9, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two tables that have something in common."""
    generator = np.random.default_rng(seed)
    first = generator.normal(size=(rows, width)) * np.arange(1, width + 1)
    second = first @ generator.normal(size=(width, other)) + 2 * generator.normal(size=(rows, other))
    return first, second


def portraits(first: np.ndarray, second: np.ndarray) -> tuple[r.Portrait, r.Portrait]:
    return r.portrait(torch.from_numpy(first)), r.portrait(torch.from_numpy(second))


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    return tables()


def literal_hsic(left: np.ndarray, right: np.ndarray) -> float:
    """Song et al. 2012, Eq. 5, term by term: sums over all tuples of different samples."""
    n = len(left)
    k, other = left - np.diag(np.diag(left)), right - np.diag(np.diag(right))
    one = sum(k[i, j] * other[i, j] for i in range(n) for j in range(n))
    two = sum(k[i, j] for i in range(n) for j in range(n)) * sum(other[i, j] for i in range(n) for j in range(n))
    three = sum(k[i, j] * other[j, m] for i in range(n) for j in range(n) for m in range(n))
    return (one + two / ((n - 1) * (n - 2)) - 2 * three / (n - 2)) / (n * (n - 3))


def test_unbiased_cka_is_the_literal_estimate() -> None:
    first, second = tables(12)
    k, other = first @ first.T, second @ second.T
    expected = literal_hsic(k, other) / np.sqrt(literal_hsic(k, k) * literal_hsic(other, other))
    assert r.cka(*portraits(first, second)) == pytest.approx(expected)


def test_biased_cka_is_the_formula_with_features(pair: tuple[np.ndarray, np.ndarray]) -> None:
    first, second = (table - table.mean(0) for table in pair)
    cross, own, other = (np.linalg.norm(a.T @ b) for a, b in ((first, second), (first, first), (second, second)))
    assert r.cka_biased(*portraits(*pair)) == pytest.approx(cross**2 / (own * other))


def test_gaussian_cka_is_the_literal_estimate() -> None:
    kernels = []
    for table in tables(11):
        distances = pdist(table)
        width = np.sort(distances)[(len(distances) - 1) // 2]
        kernels.append(np.exp(-(squareform(distances) ** 2) / (2 * width**2)))
    k, other = kernels
    expected = literal_hsic(k, other) / np.sqrt(literal_hsic(k, k) * literal_hsic(other, other))
    assert r.gaussian_cka(*portraits(*tables(11))) == pytest.approx(expected)


def literal_directions(table: np.ndarray) -> np.ndarray:
    """Orthonormal columns that hold 99 % of the variance."""
    left, widths, _ = np.linalg.svd(table - table.mean(0), full_matrices=False)
    share = np.cumsum(widths**2) / np.sum(widths**2)
    return left[:, : int(np.argmax(share >= 0.99)) + 1]


def test_canonical_correlations_are_those_of_the_wide_directions(pair: tuple[np.ndarray, np.ndarray]) -> None:
    first, second = map(literal_directions, pair)
    turns, correlations, _ = np.linalg.svd(first.T @ second)
    assert r.svcca(*portraits(*pair)) == pytest.approx(correlations.mean())
    centred = pair[0] - pair[0].mean(0)
    weights = []
    for k in range(len(correlations)):
        direction = first @ turns[:, k]
        weights.append(sum(abs(float(direction @ centred[:, unit])) for unit in range(centred.shape[1])))
    assert r.pwcca(*portraits(*pair)) == pytest.approx(np.average(correlations, weights=weights))


def test_rsa_is_spearmans_correlation_of_distances(pair: tuple[np.ndarray, np.ndarray]) -> None:
    expected = spearmanr(*(pdist(table) for table in pair)).statistic
    assert r.rsa(*portraits(*pair)) == pytest.approx(expected)


def test_procrustes_is_what_scipy_leaves_over() -> None:
    first, second = tables(30, 5, 5)
    _, _, disparity = scipy_procrustes(first, second)
    assert r.procrustes(*portraits(first, second)) ** 2 == pytest.approx(1 - disparity)


def test_neighbours_are_counted_one_by_one(pair: tuple[np.ndarray, np.ndarray]) -> None:
    common = 0
    for row in range(len(pair[0])):
        near = []
        for table in pair:
            order = sorted((float(np.linalg.norm(table[row] - table[k])), k) for k in range(len(table)) if k != row)
            near.append({k for _, k in order[:10]})
        common += len(near[0] & near[1])
    assert r.mutual_neighbours(*portraits(*pair)) == pytest.approx(common / (10 * len(pair[0])))


@pytest.mark.parametrize("measure", r.MEASURES)
def test_rotation_scale_and_shift_change_nothing(measure: str, pair: tuple[np.ndarray, np.ndarray]) -> None:
    ask, (first, second) = r.MEASURES[measure], pair
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))
    if measure == "pwcca":  # its weights are sums over units, which a rotation mixes
        rotation = np.eye(6)[[3, 1, 5, 0, 4, 2]]
    turned = 3 * first @ rotation + 5
    assert ask(*portraits(first, first)) == pytest.approx(1)
    assert ask(*portraits(turned, first)) == pytest.approx(1)
    assert ask(*portraits(turned, second)) == pytest.approx(ask(*portraits(first, second)))
    assert ask(*portraits(first, second)) < 0.999


def test_wide_unrelated_tables_look_alike_to_the_biased_estimate_only() -> None:
    generator = np.random.default_rng(0)
    found = [portraits(generator.normal(size=(64, 512)), generator.normal(size=(64, 512))) for _ in range(5)]
    assert 0.87 < np.mean([r.cka_biased(*each) for each in found]) < 0.91  # 0.892 in the specification
    assert abs(np.mean([r.cka(*each) for each in found])) < 0.05
    assert abs(np.mean([r.gaussian_cka(*each) for each in found])) < 0.05


def test_u_centring_is_the_literal_one_and_leaves_no_sums() -> None:
    matrix = pdist(tables(7)[0])
    a, n = squareform(matrix), 7
    expected = np.zeros_like(a)
    for i in range(n):
        for j in range(n):
            if i != j:
                expected[i, j] = (
                    a[i, j] - a[i].sum() / (n - 2) - a[:, j].sum() / (n - 2) + a.sum() / ((n - 1) * (n - 2))
                )
    found = r.u_centred(torch.from_numpy(a)).numpy()
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(found.sum(0), 0, atol=1e-9)


def test_equal_values_share_their_rank() -> None:
    values = np.array([3.0, 1.0, 3.0, 2.0, 3.0, 1.0])
    np.testing.assert_array_equal(r.ranks(torch.from_numpy(values)).numpy(), rankdata(values))


def test_permuting_the_samples_is_permuting_the_features() -> None:
    first, second = tables(20)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    left, right = portraits(first, second)
    found = r.permuted_cosines(left.linear[None], right.linear[None], order[None])
    assert float(found) == pytest.approx(r.cka(*portraits(first[order.numpy()], second)))


@pytest.mark.parametrize("features", [torch.zeros(3, 2), torch.ones(9, 4)])
def test_too_few_samples_and_constant_features_are_refused(features: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"too few|same features"):
        r.portrait(features)
