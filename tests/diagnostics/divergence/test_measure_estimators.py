"""Gaussian estimators of the divergence against closed forms, planted truth and matrices written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from workbench.diagnostics.divergence.measure import divergence, linear_exact
from workbench.diagnostics.divergence.measure_functional import func_gauss, gaussian_parts
from workbench.diagnostics.divergence.measure_gaps import Gaps
from workbench.diagnostics.divergence.measure_parameters import param_isotropic, param_laplace, param_swag


def gaussian_kl(mean: np.ndarray, covariance: np.ndarray, other: np.ndarray, other_covariance: np.ndarray) -> float:
    first, second = (
        torch.distributions.MultivariateNormal(torch.tensor(m), covariance_matrix=torch.tensor(c))
        for m, c in ((mean, covariance), (other, other_covariance))
    )
    return float(torch.distributions.kl_divergence(first, second))


# --- func_gauss -------------------------------------------------------------------------------------------------------
def functions(seeds: int, seed: int, shift: float = 0.0, spread: float = 1.0) -> np.ndarray:
    """Logits that vary over seeds along three fixed directions."""
    fixed = np.random.default_rng(7)
    centre, ways = fixed.normal(size=(40, 5)), fixed.normal(size=(3, 40, 5))
    own = spread * np.random.default_rng(seed).normal(size=(seeds, 3))
    own[:, 0] += shift
    return centre + np.einsum("sk,knc->snc", own, ways)


def test_parts_of_large_groups_are_those_of_the_gaussians() -> None:
    generator = np.random.default_rng(0)
    first = generator.normal(size=(20000, 2)) @ np.array([[1.5, 0.2], [0, 0.7]]) + [0.5, -1.0]
    second = generator.normal(size=(20000, 2))
    wanted = gaussian_kl(np.array([0.5, -1.0]), np.array([[2.25, 0.3], [0.3, 0.53]]), np.zeros(2), np.eye(2))
    found = gaussian_parts(first, second)
    assert sum(found.values()) == pytest.approx(wanted, rel=0.05)
    assert found["mean"] == pytest.approx(0.625, rel=0.05)


def test_a_planted_shift_is_mean_and_a_planted_spread_is_covariance() -> None:
    teacher = functions(15, 0)
    same, moved, wide = (func_gauss(functions(15, 1, **plant), teacher) for plant in ({}, {"shift": 3}, {"spread": 4}))
    assert moved.parts["mean"] > 5 * same.parts["mean"]
    assert wide.parts["covariance"] > 5 * same.parts["covariance"]
    assert moved.value.mean > 0
    assert moved.parts["all_seeds"] == pytest.approx(moved.parts["mean"] + moved.parts["covariance"])
    assert moved.value.mean == pytest.approx(moved.parts["same_size"] - moved.floor)
    assert moved.value.low < moved.value.mean < moved.value.high
    assert moved.parts["directions"] == 5


@pytest.mark.slow
def test_the_floor_hides_no_divergence_of_two_nats_and_makes_up_none() -> None:
    rounds, none, two = 16, [], []
    for k in range(rounds):
        teacher = functions(12, 300 + k)
        none.append(func_gauss(functions(12, 600 + k), teacher).value.mean)
        two.append(func_gauss(functions(12, 600 + k, shift=2.0), teacher).value.mean)  # 2^2 / 2 nats
    assert abs(np.mean(none)) < 3 * np.std(none, ddof=1) / rounds**0.5
    assert np.mean(two) > 1.5
    assert np.mean(np.array(two) > 0.5) > 0.8


def test_constants_added_to_all_classes_change_nothing() -> None:
    teacher, student = functions(10, 0), functions(10, 1)
    shifted = student + np.random.default_rng(2).normal(size=(10, 40, 1))
    assert func_gauss(shifted, teacher).value.mean == pytest.approx(func_gauss(student, teacher).value.mean)


def test_what_a_narrow_student_cannot_say_is_outside() -> None:
    generator = np.random.default_rng(3)
    teacher = generator.normal(size=(12, 40, 5))
    basis = np.linalg.qr(np.c_[np.ones(5), generator.normal(size=(5, 2))])[0][:, 1:]  # two directions, none constant
    student = teacher @ basis @ basis.T
    centred = teacher.mean(0) - teacher.mean(0).mean(1, keepdims=True)
    missed = centred - centred @ basis @ basis.T
    wanted = (missed**2).sum() / (centred**2).sum()
    assert func_gauss(student, teacher).parts["outside"] == pytest.approx(wanted)
    assert func_gauss(teacher, teacher).parts["outside"] == pytest.approx(0, abs=1e-12)


def test_too_few_seeds_and_seeds_without_variation_are_refused() -> None:
    with pytest.raises(ValueError, match="10 seeds of students and of teachers are needed, the smaller group has 9"):
        func_gauss(functions(9, 0), functions(12, 1))
    with pytest.raises(ValueError, match="nothing to fit a covariance to"):
        func_gauss(np.repeat(functions(1, 0), 10, 0), functions(10, 1))


# --- Gaussians over weights -------------------------------------------------------------------------------------------
def weights(seed: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {"a.weight": generator.normal(size=(3, 2)), "a.bias": generator.normal(size=3)}


def test_isotropic_gaussians_against_the_full_divergence() -> None:
    students, teachers = [weights(0), weights(1)], [weights(2), weights(3), weights(4)]
    flat = [[np.concatenate([w.ravel() for w in each.values()]) for each in group] for group in (students, teachers)]
    pairs = [[gaussian_kl(s, 0.09 * np.eye(9), t, 0.09 * np.eye(9)) for t in flat[1]] for s in flat[0]]
    found = param_isotropic(students, teachers, 0.3)
    assert found.value.mean == pytest.approx(np.mean(pairs))
    assert found.parts["per_parameter"] == pytest.approx(np.mean(pairs) / 9)
    assert found.parts["layer a.weight"] + found.parts["layer a.bias"] == pytest.approx(np.mean(pairs))
    within = [gaussian_kl(a, 0.09 * np.eye(9), b, 0.09 * np.eye(9)) for a in flat[1] for b in flat[1] if a is not b]
    assert found.floor == pytest.approx(np.mean(within))
    assert param_isotropic(students, teachers, 0.6).value.mean == pytest.approx(np.mean(pairs) / 4)


def test_no_divergence_is_made_up_between_unequal_spaces() -> None:
    other = {"a.weight": np.zeros((4, 2)), "a.bias": np.zeros(4)}
    with pytest.raises(ValueError, match=r"student \(12 parameters\) and teacher \(9\).*pred_seed, func_gauss"):
        param_isotropic([other], [weights(0)], 0.1)
    with pytest.raises(ValueError, match="what applies to any two nets"):
        param_swag(np.zeros((12, 3)), np.zeros((12, 4)))
    with pytest.raises(ValueError, match="on the same features"):
        param_laplace(np.zeros((5, 3)), np.zeros((2, 4)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="rho = 0 must be positive"):
        param_isotropic([weights(0)], [weights(0)], 0)


def test_diagonal_gaussians_of_the_last_steps_against_the_full_divergence() -> None:
    generator = np.random.default_rng(0)
    student, teacher = generator.normal(1, 2, (20, 4)), generator.normal(0, 1, (25, 4))
    wanted = gaussian_kl(
        student.mean(0), np.diag(student.var(0, ddof=1)), teacher.mean(0), np.diag(teacher.var(0, ddof=1))
    )
    found = param_swag(student, teacher)
    assert found.value.mean == pytest.approx(wanted)
    assert found.parts["mean"] + found.parts["covariance"] == pytest.approx(wanted)
    assert not found.warnings
    stuck = np.where(np.arange(4) == 2, 0.5, student)
    assert "1 of 4 weights did not move" in param_swag(stuck, teacher).warnings[0]
    with pytest.raises(ValueError, match="9 and 25 steps; 10 of each"):
        param_swag(student[:9], teacher)


def test_laplace_against_the_hessian_written_out_by_torch() -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(15, 3))
    student, teacher = generator.normal(size=(4, 3)), generator.normal(size=(4, 3))

    def curvature(at: np.ndarray) -> np.ndarray:
        inputs, labels = torch.tensor(features), torch.arange(15) % 4

        def loss(flat: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.cross_entropy(inputs @ flat.reshape(4, 3).T, labels, reduction="sum")

        return torch.autograd.functional.hessian(loss, torch.tensor(at.ravel())).numpy() + 2.0 * np.eye(12)

    first, second = (np.linalg.inv(curvature(each)) for each in (student, teacher))
    found = param_laplace(features, student, teacher, precision=2.0)
    assert found.value.mean == pytest.approx(gaussian_kl(student.ravel(), first, teacher.ravel(), second))
    assert param_laplace(features, teacher, teacher).value.mean == pytest.approx(0, abs=1e-9)


# --- linear heads -----------------------------------------------------------------------------------------------------
def test_linear_heads_against_the_full_divergence_of_their_predictions() -> None:
    generator = np.random.default_rng(0)
    features, probes = generator.normal(size=(60, 5)), generator.normal(size=(7, 5))
    student, teacher = (
        features @ generator.normal(size=(5, 3)) + s * generator.normal(size=(60, 3)) for s in (0.3, 0.5)
    )
    moments = []
    for outputs in (student, teacher):
        fit = np.linalg.lstsq(np.r_[features, np.sqrt(2.0) * np.eye(5)], np.r_[outputs, np.zeros((5, 3))], rcond=None)[
            0
        ]
        noise = np.mean((outputs - features @ fit) ** 2)
        posterior = np.linalg.inv(features.T @ features / noise + 2.0 * np.eye(5))
        covariance = noise * np.eye(7) + probes @ posterior @ probes.T
        mean = probes @ posterior @ (features.T @ outputs / noise)
        moments.append((mean.T.ravel(), np.kron(np.eye(3), covariance)))
    found = linear_exact(features, student, teacher, probes, ridge=2.0)
    assert found.value.mean == pytest.approx(gaussian_kl(*moments[0], *moments[1]))
    parts = [found.parts[name] for name in ("bias", "bottleneck", "misalignment", "variance")]
    assert sum(parts) == pytest.approx(found.value.mean)
    assert found.parts["bottleneck"] == pytest.approx(0)  # a student of full rank


def test_a_student_of_low_rank_pays_at_the_bottleneck() -> None:
    generator = np.random.default_rng(1)
    features = generator.normal(size=(80, 6))
    teacher = features @ generator.normal(size=(6, 4)) + 0.2 * generator.normal(size=(80, 4))
    narrow = np.linalg.qr(generator.normal(size=(4, 2)))[0]
    found = linear_exact(features, teacher @ narrow @ narrow.T, teacher, features[:20])
    assert found.parts["bottleneck"] > 1
    assert math.isclose(found.parts["bias"], 0, abs_tol=0.05 * found.value.mean)


def test_bad_heads_are_one_clear_error() -> None:
    with pytest.raises(ValueError, match=r"must be \(N, D\), twice \(N, k\), and \(n, D\)"):
        linear_exact(np.zeros((5, 2)), np.zeros((5, 3)), np.zeros((4, 3)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="ridge = 0 must be positive"):
        linear_exact(np.zeros((5, 2)), np.zeros((5, 3)), np.zeros((5, 3)), np.zeros((2, 2)), ridge=0)


# --- together ---------------------------------------------------------------------------------------------------------
def test_arrays_alone_have_no_gaps_but_every_estimate_has_a_side() -> None:
    generator = np.random.default_rng(0)
    student, teacher = generator.normal(size=(12, 50, 3)), generator.normal(size=(11, 50, 3))
    found = divergence(student, teacher)
    assert set(found.values) == {"pred_seed", "pred_pairs", "func_gauss"} == set(found.sides)
    assert np.isnan(found.student_gaps).all()
    assert "no weights were given" in found.refused["param_isotropic"]
    assert "Brier" not in found.explain()
    rows = {row["quantity"]: row for row in found.rows()}
    assert rows["pred_seed"]["side"].startswith("no certain side")
    known = divergence(student, teacher, gaps=Gaps(np.full((12, 2), 0.1), np.zeros((11, 2)), np.zeros(12, int)))
    assert {row["quantity"]: row["value"] for row in known.rows()}["student gap, brier"] == pytest.approx(0.1)
    assert "not the paper's theorem" in known.explain()
    with pytest.raises(ValueError, match="rho = 0 must be positive"):
        divergence(student, teacher, rho=0)
