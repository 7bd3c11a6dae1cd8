"""Of what does the divergence of two linear-Gaussian predictors consist?

How it is measured: teacher and student predict k outputs on the same n probes as Gaussians, with means ``M_t X`` and
``M_s X`` and the same (n, n) covariance for every output. Their Kullback-Leibler divergence then falls into four parts
that are never negative (the variance part is zero where the covariances are equal).

Formula:
    K = KL(student || teacher), N(M_s X, I_k x S_s) against N(M_t X, I_k x S_t); R = S_t^(-1/2); G = M_t X R with singular
    values s_j; P projects on the columns of M_s, of which there are at most r independent ones.
    bias          1/2 |(P M_t - M_s) X R|^2
    bottleneck    1/2 sum_{j > r} s_j^2                  (no student of rank r pays less: Eckart-Young)
    misalignment  1/2 |(I - P) G|^2 - bottleneck         (its r directions are not the best ones)
    variance      k/2 (tr(S_t^-1 S_s) - n + logdet S_t - logdet S_s)

Reading it: bias falls with more distillation samples, the bottleneck only with a higher rank, and misalignment is zero
for a student whose directions are those of the teacher's whitened predictions.
When it misleads: for predictors that are not linear or not Gaussian these are the costs of their linear readouts.
After: the linear Gaussian case of Li & He 2026, whose own formula was not readable: a reconstruction.
Cost: O(n^3 + k n^2), a millisecond for n = 40.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

PARTS = ("bias", "bottleneck", "misalignment", "variance")
TOLERANCE = 1e-10


@dataclass(frozen=True)
class Costs:
    """The four parts in nats.

    Attributes:
        bias: of a mean that is off inside the student's own directions.
        bottleneck: of too low a rank.
        misalignment: of other directions than the best ones.
        variance: of being more or less certain than the teacher.
    """

    bias: float
    bottleneck: float
    misalignment: float
    variance: float

    @property
    def total(self) -> float:
        """Their sum, the divergence of student from teacher."""
        return self.bias + self.bottleneck + self.misalignment + self.variance

    def __iter__(self) -> Iterator[float]:
        """In the order of ``PARTS``."""
        return iter((self.bias, self.bottleneck, self.misalignment, self.variance))


class LinearTeacher:
    """A teacher's Gaussian prediction on fixed probes, prepared for being compared with many students.

    Args:
        mean: (k, d) weights.
        inputs: (d, n) probes.
        covariance: (n, n) of the prediction, the same for each output.

    Attributes:
        spectrum: singular values of the whitened predictions, largest first, (min(k, n),).

    Raises:
        ValueError: the shapes do not go together, or the covariance is not positive definite.
    """

    def __init__(self, mean: np.ndarray, inputs: np.ndarray, covariance: np.ndarray) -> None:
        """Whitens the probes once."""
        self.mean, self.inputs = np.asarray(mean, float), np.asarray(inputs, float)
        if self.mean.ndim != 2 or self.inputs.shape[:1] != self.mean.shape[1:]:
            raise ValueError(f"mean {self.mean.shape} and inputs {self.inputs.shape} must be (k, d) and (d, n)")
        self._factor = _cholesky(covariance, self.inputs.shape[1], "teacher")
        self.whitened = _solve(self._factor, self.inputs.T).T
        self.spectrum = np.linalg.svd(self.mean @ self.whitened, compute_uv=False)

    def costs(self, mean: np.ndarray, covariance: np.ndarray, rank: int | None = None) -> Costs:
        """What a student pays.

        Args:
            mean: (k, d) weights of the student.
            covariance: (n, n) of its prediction.
            rank: it is allowed; that of its weights if None.

        Raises:
            ValueError: other shapes than the teacher's, weights of a higher rank than allowed, or a covariance that is
                not positive definite.
        """
        if mean.shape != self.mean.shape:
            raise ValueError(f"student weights {mean.shape} and teacher weights {self.mean.shape} differ in shape")
        vectors = _columns(mean)
        rank = vectors.shape[1] if rank is None else rank
        if vectors.shape[1] > rank:
            raise ValueError(f"the student's weights have rank {vectors.shape[1]}, more than the {rank} it is allowed")
        inside = vectors @ (vectors.T @ self.mean)
        bottleneck = _half_square(self.spectrum[rank:])
        lost = _half_square((self.mean - inside) @ self.whitened)
        bias = _half_square((inside - mean) @ self.whitened)
        return Costs(bias, bottleneck, max(0.0, lost - bottleneck), self.variance(covariance))

    def variance(self, covariance: np.ndarray) -> float:
        """What a student with this (n, n) covariance pays for it, whatever its mean."""
        n = self.inputs.shape[1]
        factor = _cholesky(covariance, n, "student")
        logdet = 2 * np.log(factor.diagonal() / self._factor.diagonal()).sum()
        trace = np.square(_solve(self._factor, factor)).sum()
        return float(len(self.mean) / 2 * (trace - n - logdet))


def effective_rank(spectrum: np.ndarray) -> float:
    """How many directions carry the energy: the exponential of the entropy of ``s^2 / sum s^2``; NaN if all are zero.

    Example:
        >>> effective_rank(np.array([2.0, 2.0, 0.0]))
        2.0
    """
    energy = np.square(spectrum)
    if not energy.sum() > 0:
        return float("nan")
    share = energy[energy > 0] / energy.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def _columns(mean: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span those of the weights."""
    left, values, _ = np.linalg.svd(mean, full_matrices=False)
    return left[:, values > TOLERANCE * max(1.0, values.max(initial=0.0))]


def _half_square(values: np.ndarray) -> float:
    return float(np.square(values).sum() / 2)


def _cholesky(covariance: np.ndarray, n: int, party: str) -> np.ndarray:
    if np.shape(covariance) != (n, n):
        raise ValueError(f"the {party}'s covariance {np.shape(covariance)} does not go with {n} probes: ({n}, {n})")
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        raise ValueError(f"the {party}'s covariance is not positive definite") from None


def _solve(factor: np.ndarray, values: np.ndarray) -> np.ndarray:
    from scipy.linalg import solve_triangular

    return solve_triangular(factor, values, lower=True)
