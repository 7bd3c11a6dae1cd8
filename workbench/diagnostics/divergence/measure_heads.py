"""Of what does the divergence of two linear heads on the same frozen features consist?

How it is measured: both are Bayesian linear regressions on the same features. Their predictions on probes are Gaussians,
so the divergence and its four parts are exact (``divergence_costs``). For two nets of any architecture the heads are the
linear readouts of their logits from the inputs, the one space that both share.

Formula: head N(M, I_k x V), V = (F'F / noise^2 + ridge I)^-1, M = Y'F / noise^2 V; then ``divergence_costs``.
Reading it: of the readouts, not of the nets; what no linear function of the inputs says is not in it.
When it misleads: each head's noise is what its fit leaves over; a worse fit of the teacher makes everything look closer.
After: the linear Gaussian case of Li & He 2026: a reconstruction, not the paper's theorem. Cost: O(N D^2 + D^3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.divergence.measure_estimate import Estimate
from workbench.diagnostics.linear_gaussian.measure_costs import PARTS, LinearTeacher
from workbench.records.interval import Interval

SMALLEST = 1e-6


def linear_exact(
    features: ArrayLike,
    student_outputs: ArrayLike,
    teacher_outputs: ArrayLike,
    probes: ArrayLike,
    *,
    ridge: float = 1.0,
) -> Estimate:
    """The exact divergence of two Bayesian linear heads, and its parts.

    Args:
        features: (N, D) that both heads are fitted on.
        student_outputs: (N, k) that the student's head is fitted to.
        teacher_outputs: (N, k) likewise.
        probes: (n, D) on which they are compared.
        ridge: precision of both priors.

    Raises:
        ValueError: the shapes do not go together, a value is not finite, or the ridge is not positive.
    """
    arrays = [np.asarray(each, np.float64) for each in (features, student_outputs, teacher_outputs, probes)]
    fitted, student, teacher, asked = arrays
    if (
        fitted.ndim != 2
        or student.shape != teacher.shape
        or len(student) != len(fitted)
        or asked.shape[1:] != fitted.shape[1:]
    ):
        raise ValueError(
            f"features {fitted.shape}, student {student.shape}, teacher {teacher.shape} and probes {asked.shape} must be "
            "(N, D), twice (N, k), and (n, D)"
        )
    if not ridge > 0 or not all(np.isfinite(each).all() for each in arrays):
        raise ValueError(f"ridge = {ridge} must be positive and all values finite")
    mean, covariance, _ = _head(fitted, student, asked, ridge)
    wanted, allowed, noise = _head(fitted, teacher, asked, ridge)
    costs = LinearTeacher(wanted, asked.T, allowed).costs(mean, covariance)
    parts = dict(zip(PARTS, costs, strict=True)) | {"noise": noise**0.5, "probes": float(len(asked))}
    return Estimate(Interval(costs.total, np.nan, np.nan, 1, "none"), parts=parts)


def _head(
    features: np.ndarray, outputs: np.ndarray, probes: np.ndarray, ridge: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Weights (k, D), covariance (n, n) of the prediction on the probes, and the variance of the noise."""
    noise = max(_left_over(features, outputs, ridge), SMALLEST)
    scatter = np.linalg.inv(features.T @ features / noise + ridge * np.eye(features.shape[1]))
    return outputs.T @ features / noise @ scatter, noise * np.eye(len(probes)) + probes @ scatter @ probes.T, noise


def _left_over(features: np.ndarray, outputs: np.ndarray, ridge: float) -> float:
    """Mean squared residual of a ridge fit."""
    gram = features.T @ features + ridge * np.eye(features.shape[1])
    return float(np.square(outputs - features @ np.linalg.solve(gram, features.T @ outputs)).mean())
