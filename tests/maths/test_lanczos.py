"""Lanczos against matrices whose spectrum is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from workbench.maths.lanczos import lanczos, ritz


def matrix(spectrum: list[float], seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(len(spectrum), len(spectrum), generator=generator, dtype=torch.float64))[0]
    return basis @ torch.diag(torch.tensor(spectrum, dtype=torch.float64)) @ basis.T


@pytest.fixture
def known() -> torch.Tensor:
    """The case of the specification: 50, 20 and -8, the rest between 0 and 1."""
    return matrix([50.0, 20.0, -8.0, *np.random.default_rng(0).uniform(0, 1, 97)])


def test_both_ends_after_25_steps(known: torch.Tensor) -> None:
    start = torch.randn(100, dtype=torch.float64)
    values, weights, residuals = ritz(*lanczos(lambda v: known @ v, start, 25))
    assert values[-1].item() == pytest.approx(50, abs=1e-4)
    assert values[-2].item() == pytest.approx(20, abs=1e-4)
    assert values[0].item() == pytest.approx(-8, abs=1e-4)
    assert weights.sum().item() == pytest.approx(1)
    assert residuals[-1] < 1e-3


def test_no_eigenvalue_comes_twice(known: torch.Tensor) -> None:
    values = ritz(*lanczos(lambda v: known @ v, torch.randn(100, dtype=torch.float64), 80))[0]
    assert int((values > 10).sum()) == 2
    assert int((values < -1).sum()) == 1


def test_residuals_bound_the_error(known: torch.Tensor) -> None:
    truth = torch.linalg.eigvalsh(known)
    values, _, residuals = ritz(*lanczos(lambda v: known @ v, torch.randn(100, dtype=torch.float64), 12))
    for value, residual in zip(values, residuals, strict=True):
        assert (truth - value).abs().min() <= residual + 1e-9


def test_the_ends_are_those_scipy_finds() -> None:
    generator = torch.Generator().manual_seed(1)
    root = torch.randn(200, 200, generator=generator, dtype=torch.float64)
    symmetric = (root + root.T) / 2
    operator = LinearOperator((200, 200), matvec=lambda v: symmetric.numpy() @ v, dtype=np.float64)
    wanted = [eigsh(operator, k=1, which=end, return_eigenvectors=False)[0] for end in ("SA", "LA")]
    values = ritz(*lanczos(lambda v: symmetric @ v, torch.randn(200, dtype=torch.float64), 120))[0]
    assert [values[0].item(), values[-1].item()] == pytest.approx(wanted, abs=1e-6)


def test_moments_of_the_start_vector_are_kept(known: torch.Tensor) -> None:
    start = torch.randint(0, 2, (100,)).double() * 2 - 1
    values, weights, _ = ritz(*lanczos(lambda v: known @ v, start, 10))
    moved, unit = start / 10, start / 10
    for power in range(1, 20):  # a rule of m points is exact to degree 2m - 1
        moved = known @ moved
        assert (weights @ values**power).item() == pytest.approx((unit @ moved).item(), rel=1e-6)


def test_it_stops_where_the_space_is_exhausted() -> None:
    three = matrix([2.0, 2.0, 2.0, 5.0, 5.0, -1.0])
    diagonal, beside = lanczos(lambda v: three @ v, torch.randn(6, dtype=torch.float64), 6)
    assert len(diagonal) == 3
    assert beside[-1] == 0
    assert ritz(diagonal, beside)[0].tolist() == pytest.approx([-1, 2, 5])
    diagonal, _ = lanczos(lambda v: 0 * v, torch.randn(6, dtype=torch.float64), 6)
    assert diagonal.tolist() == [0]
