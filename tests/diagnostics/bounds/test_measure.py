"""The bounds: where they hold with equality, where they say nothing, and what they rest on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from workbench.diagnostics.bounds.measure import allowance, bounds, central_bound, lower_bound
from workbench.diagnostics.divergence.measure import Divergence, divergence
from workbench.diagnostics.divergence.measure_gaps import Gaps
from workbench.diagnostics.divergence.measure_predictive import pred_seed


def found(student_gap: float = 0.2, teacher_gap: float = 0.1, seeds: int = 6, apart: float = 0.3) -> Divergence:
    generator = np.random.default_rng(0)
    teacher = generator.normal(size=(seeds, 40, 3))
    gaps = Gaps(np.full((seeds, 2), student_gap), np.full((seeds, 2), teacher_gap), np.arange(seeds))
    return divergence(teacher + apart * generator.normal(size=teacher.shape), teacher, gaps=gaps)


def test_the_upper_bound_holds_with_equality_in_the_location_world() -> None:
    """Loss -w z with z ~ N(0, 1), teacher N(a zbar, s^2), student N(b zbar, s^2): closed form and Monte Carlo.

    Given the sample the gap is w zbar, so it is Gaussian under the teacher with deviation s |zbar|.
    """
    n, a, b, s = 50, 0.3, 1.1, 0.7
    generator = np.random.default_rng(0)
    centre = generator.normal(size=400_000) / math.sqrt(n)  # the mean of n draws
    teacher = (a * centre + s * generator.normal(size=centre.shape)) * centre
    student = (b * centre + s * generator.normal(size=centre.shape)) * centre
    divergences = ((b - a) * centre) ** 2 / (2 * s**2)
    assert student.mean() - teacher.mean() == pytest.approx((b - a) / n, rel=0.04)
    assert divergences.mean() == pytest.approx((b - a) ** 2 / (2 * s**2 * n), rel=0.02)
    allowed = np.array([allowance(k, s * abs(z)) for k, z in zip(divergences[:5000], centre[:5000], strict=True)])
    assert allowed == pytest.approx((b - a) * centre[:5000] ** 2, rel=1e-9)  # sample by sample: equality
    assert allowed.mean() == pytest.approx((b - a) / n, rel=0.06)


def test_two_point_distributions_never_break_the_bounds() -> None:
    """All teachers and students over two gaps, 0 and 1: expectations and divergences are exact."""
    for p in np.linspace(0.02, 0.98, 25):
        for q in np.linspace(0.02, 0.98, 25):
            k = q * math.log(q / p) + (1 - q) * math.log((1 - q) / (1 - p))
            assert q <= p + allowance(k) + 1e-12
            for eta in (0.1, 1.0, 5.0):
                free = -math.log(p * math.exp(-eta) + (1 - p)) / eta
                assert q >= free - k / eta - 1e-12
                assert q >= lower_bound(p, k, eta) - 1e-12


def test_the_best_eta_of_the_lower_bound_is_the_square_root() -> None:
    k, sigma = 0.37, 0.6
    tried = [lower_bound(0.2, k, eta, sigma) for eta in np.geomspace(0.01, 100, 4001)]
    assert max(tried) == pytest.approx(0.2 - allowance(k, sigma), abs=1e-6)
    chosen = bounds(found(apart=1.0))
    assert chosen.lower == pytest.approx(chosen.teacher_gap.mean - chosen.allowance)


def test_the_central_bound_against_literal_expectations() -> None:
    gaps = np.array([0.1, 0.3, 0.2, 0.15, 0.25])
    literal = -math.log(sum(math.exp(-2.0 * g) for g in gaps) / 5) / 2.0 - 0.05 / 2.0
    assert central_bound(gaps, 0.05, 2.0) == pytest.approx(literal)
    assert central_bound(gaps, 0.0, 1e-6) == pytest.approx(0.2, abs=1e-6)
    assert central_bound(gaps, 0.0, 0.0) == pytest.approx(0.2)
    assert math.isnan(bounds(found(seeds=4)).central)
    assert bounds(found(seeds=6)).central <= 0.1


def test_outputs_show_no_more_than_the_weights_do() -> None:
    """Data processing: two weights, 0 and 1, whose nets differ; what one sees of probabilities is at most K."""
    generator = np.random.default_rng(0)
    nets = generator.normal(size=(2, 30, 4))
    for p, q in ((0.5, 0.9), (0.2, 0.25), (0.7, 0.1)):
        k = q * math.log(q / p) + (1 - q) * math.log((1 - q) / (1 - p))
        teachers = nets[(np.arange(100) < 100 * p).astype(int)]
        students = nets[(np.arange(100) < 100 * q).astype(int)]
        assert pred_seed(students, teachers).parts["all_seeds"] <= k + 1e-12


def test_a_bound_above_one_is_vacuous_and_says_so() -> None:
    close, far = bounds(found(apart=0.1)), bounds(found(apart=9.0, seeds=1))
    assert not close.vacuous
    assert far.vacuous
    assert "vacuous: no gap is above 1" in far.explain()
    assert "cannot certify" in close.explain()
    for each in (close, far):
        assert each.upper == pytest.approx(each.teacher_gap.mean + math.sqrt(2 * max(each.divergence.mean, 0)))
        assert each.vacuous == (each.divergence.mean >= each.useful_below)


def test_a_divergence_debiased_below_zero_is_said_to_be_none() -> None:
    near = found()
    below = replace(near.values["pred_seed"], mean=-0.1, low=-0.2, high=0.05)
    text = bounds(replace(near, values={**near.values, "pred_seed": below})).explain()
    assert text.startswith("With K = 0 nats (pred_seed, debiased to -0.1: ")
    assert "allowance is 0," in text


def test_gaps_are_paired_with_each_students_own_teacher() -> None:
    student, teacher = np.array([[0.3, 0.4], [0.5, 0.2], [0.4, 0.4]]), np.array([[0.1, 0.3], [0.2, 0.1]])
    generator = np.random.default_rng(1)
    made = divergence(
        generator.normal(size=(3, 9, 2)),
        generator.normal(size=(2, 9, 2)),
        gaps=Gaps(student, teacher, np.array([0, 1, 1])),
    )
    assert bounds(made, loss="0-1").difference.mean == pytest.approx(np.mean([0.2, 0.3, 0.2]))
    assert bounds(made, loss="brier").difference.mean == pytest.approx(np.mean([0.1, 0.1, 0.3]))
    assert bounds(made, loss="brier").teacher_gap.n == 2


def test_bad_input_is_one_clear_error() -> None:
    with pytest.raises(KeyError, match="no loss 'nll'; there are 0-1, brier"):
        bounds(found(), loss="nll")
    with pytest.raises(KeyError, match=r"no estimate 'func_gauss' \(10 seeds"):
        bounds(found(), estimator="func_gauss")
    with pytest.raises(ValueError, match="eta = 0 must be positive"):
        bounds(found(), eta=0)
    with pytest.raises(ValueError, match="the gaps are not known"):
        bounds(divergence(np.zeros((4, 3)), np.ones((4, 3))))
