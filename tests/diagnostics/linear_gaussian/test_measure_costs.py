"""The split of the linear-Gaussian divergence against the full Gaussian divergence, computed the long way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from workbench.diagnostics.linear_gaussian.measure_costs import Costs, LinearTeacher, effective_rank

K, D, N, NOISE, RIDGE, RANK = 3, 6, 40, 0.5, 1.0, 2


@dataclass(frozen=True)
class World:
    """The seeded world of the specification: weights, inputs and noise drawn in this order."""

    mean: np.ndarray
    scatter: np.ndarray
    inputs: np.ndarray
    covariance: np.ndarray


@pytest.fixture(scope="module")
def world() -> World:
    generator = np.random.default_rng(0)
    truth, inputs, noise = (generator.normal(size=size) for size in ((K, D), (D, N), (K, N)))
    labels = truth @ inputs + NOISE * noise
    scatter = np.linalg.inv(inputs @ inputs.T / NOISE**2 + RIDGE * np.eye(D))
    covariance = NOISE**2 * np.eye(N) + inputs.T @ scatter @ inputs
    return World(labels @ inputs.T / NOISE**2 @ scatter, scatter, inputs, covariance)


def full_kl(mean: np.ndarray, covariance: np.ndarray, other: np.ndarray, other_covariance: np.ndarray) -> float:
    """KL of two Gaussians over all k n outputs at once, with the covariance of every pair of outputs written out."""
    k, (n, _) = len(mean), covariance.shape
    first, second = np.zeros((k * n, k * n)), np.zeros((k * n, k * n))
    for output in range(k):
        rows = slice(output * n, output * n + n)
        first[rows, rows], second[rows, rows] = covariance, other_covariance
    inverse, apart = np.linalg.inv(second), other.reshape(-1) - mean.reshape(-1)
    logdets = np.linalg.slogdet(second)[1] - np.linalg.slogdet(first)[1]
    return 0.5 * (np.trace(inverse @ first) + apart @ inverse @ apart - k * n + logdets)


def symmetric_root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return vectors @ np.diag(values**-0.5) @ vectors.T


@pytest.mark.parametrize("factor", [1.0, 1.7, 0.3])
def test_the_parts_of_any_student_add_up_to_the_full_divergence(world: World, factor: float) -> None:
    generator = np.random.default_rng(1)
    student = generator.normal(size=(K, RANK)) @ generator.normal(size=(RANK, D))
    spread = NOISE**2 * np.eye(N) + world.inputs.T @ (factor * world.scatter) @ world.inputs
    found = LinearTeacher(world.mean, world.inputs, world.covariance).costs(student, spread)
    wanted = full_kl(student @ world.inputs, spread, world.mean @ world.inputs, world.covariance)
    assert found.total == pytest.approx(wanted, rel=1e-9)
    assert min(found.bias, found.bottleneck, found.misalignment) > 0
    assert (found.variance == pytest.approx(0, abs=1e-9)) == (factor == 1)


def test_the_seeded_numbers_of_the_specification(world: World) -> None:
    teacher = LinearTeacher(world.mean, world.inputs, world.covariance)
    assert (teacher.spectrum[RANK:] ** 2).sum() / 2 == pytest.approx(31.345266, abs=5e-7)
    spread = NOISE**2 * np.eye(N) + 1.7 * world.inputs.T @ world.scatter @ world.inputs
    assert teacher.variance(spread) == pytest.approx(0.446139, abs=5e-7)
    plug_in = LinearTeacher(world.mean, world.inputs, NOISE**2 * np.eye(N))
    assert (plug_in.spectrum[RANK:] ** 2).sum() / 2 == pytest.approx(62.468830, abs=5e-7)


def test_no_student_of_that_rank_pays_less_than_the_best_one(world: World) -> None:
    root = symmetric_root(world.covariance)
    whitened = world.mean @ world.inputs @ root
    vectors, values, _ = np.linalg.svd(whitened)
    best = vectors[:, :RANK] @ vectors[:, :RANK].T @ world.mean
    teacher = LinearTeacher(world.mean, world.inputs, world.covariance)
    found = teacher.costs(best, world.covariance)
    assert found.total == pytest.approx((values[RANK:] ** 2).sum() / 2, rel=1e-9)
    assert (found.bias, found.misalignment, found.variance) == pytest.approx((0, 0, 0), abs=1e-8)
    generator = np.random.default_rng(2)
    for _ in range(50):
        other = best + 0.1 * generator.normal(size=(K, RANK)) @ generator.normal(size=(RANK, D))
        other = (lambda u, s, v: (u[:, :RANK] * s[:RANK]) @ v[:RANK])(*np.linalg.svd(other, full_matrices=False))
        assert teacher.costs(other, world.covariance).total > found.total


def test_bias_is_the_distance_inside_the_students_own_directions(world: World) -> None:
    generator = np.random.default_rng(3)
    basis = np.linalg.qr(generator.normal(size=(K, RANK)))[0]
    student = basis @ generator.normal(size=(RANK, D))
    root, found = (
        symmetric_root(world.covariance),
        LinearTeacher(world.mean, world.inputs, world.covariance).costs(student, world.covariance),
    )
    inside = basis @ basis.T @ world.mean
    assert found.bias == pytest.approx(
        ((inside - student) @ world.inputs @ root).ravel() @ ((inside - student) @ world.inputs @ root).ravel() / 2
    )
    outside = (world.mean - inside) @ world.inputs @ root
    assert found.misalignment + found.bottleneck == pytest.approx(np.trace(outside @ outside.T) / 2)


def test_a_student_that_is_its_teacher_pays_nothing(world: World) -> None:
    found = LinearTeacher(world.mean, world.inputs, world.covariance).costs(world.mean, world.covariance)
    assert list(found) == pytest.approx([0, 0, 0, 0], abs=1e-9)


def test_a_lower_rank_than_allowed_is_misalignment(world: World) -> None:
    teacher = LinearTeacher(world.mean, world.inputs, world.covariance)
    nothing = teacher.costs(np.zeros((K, D)), world.covariance, rank=RANK)
    assert nothing.bias == 0
    assert nothing.misalignment == pytest.approx((teacher.spectrum[:RANK] ** 2).sum() / 2)


@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_variance_of_a_scaled_covariance_has_a_closed_form(world: World, factor: float) -> None:
    teacher = LinearTeacher(world.mean, world.inputs, world.covariance)
    assert teacher.variance(factor * world.covariance) == pytest.approx(K * N / 2 * (factor - 1 - np.log(factor)))


def test_effective_rank_counts_equal_directions() -> None:
    assert effective_rank(np.array([3.0, 3.0, 3.0, 0.0])) == pytest.approx(3)
    assert effective_rank(np.array([1.0, 1e-9])) == pytest.approx(1)
    assert np.isnan(effective_rank(np.zeros(4)))


def test_costs_come_in_order() -> None:
    assert list(Costs(1.0, 2.0, 3.0, 4.0)) == [1, 2, 3, 4]
    assert Costs(1.0, 2.0, 3.0, 4.0).total == 10


def test_bad_input_is_one_clear_error(world: World) -> None:
    teacher = LinearTeacher(world.mean, world.inputs, world.covariance)
    with pytest.raises(ValueError, match=r"student weights \(3, 5\) and teacher weights \(3, 6\)"):
        teacher.costs(np.zeros((3, 5)), world.covariance)
    with pytest.raises(ValueError, match="rank 3, more than the 2 it is allowed"):
        teacher.costs(world.mean, world.covariance, rank=2)
    with pytest.raises(ValueError, match=r"student's covariance \(3, 3\) does not go with 40 probes"):
        teacher.costs(world.mean, np.eye(3))
    with pytest.raises(ValueError, match="teacher's covariance is not positive definite"):
        LinearTeacher(world.mean, world.inputs, -world.covariance)
    with pytest.raises(ValueError, match=r"must be \(k, d\) and \(d, n\)"):
        LinearTeacher(world.mean, world.inputs.T, world.covariance)
