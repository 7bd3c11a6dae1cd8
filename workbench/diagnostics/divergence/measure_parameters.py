"""How far apart are students and teachers as Gaussians over weights, where they share one space of weights?

How it is measured: each net is the centre of a Gaussian: of one width for all weights, of the spread of the last training
steps (SWAG), of a Langevin chain (SGLD), or of the curvature of its last layer (Laplace). The order of hidden units is
made the same first.

Formula:
    isotropic   |w_s - w_t|^2 / (2 rho^2)
    SWAG        1/2 sum_p (v_s/v_t + (m_s - m_t)^2 / v_t - 1 - log v_s/v_t), m and v over the last steps
    SGLD        the same, m and v over the places of a chain; floor: the two halves of the teacher's chain
    Laplace     KL of N(w, H^-1) over last layers on common features, H = sum_x (diag p - p p') x f f' + precision * I
Reading it: by parameter and by layer; the totals grow with the number of weights.
When it misleads: the width is our choice, and the divergence is as large as one likes. Nets of different architectures
have no such divergence at all, and none is made up for them.
After: ours; SWAG: Maddox et al. 2019; SGLD: Welling and Teh 2011; Laplace: Daxberger et al. 2021; alignment: Ainsworth et al. 2023.
Cost: O(P) per pair, O((C D)^3) for the last layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.divergence.measure_alignment import Weights, check_same_space
from workbench.diagnostics.divergence.measure_estimate import Estimate, jackknife
from workbench.records.interval import Interval

LEAST_STEPS, MIXED = 10, 50
SMALLEST = 1e-12


def param_isotropic(students: Sequence[Weights], teachers: Sequence[Weights], rho: float) -> Estimate:
    """Mean divergence of Gaussians of one width around each student and each teacher.

    Args:
        students: weights by parameter, one mapping per seed, in the teacher's order of hidden units.
        teachers: likewise.
        rho: standard deviation around every weight.

    Raises:
        ValueError: they share no space of weights, or the width is not positive.
    """
    if not rho > 0:
        raise ValueError(f"rho = {rho} must be positive: it is the width of the Gaussians")
    for student in students:
        check_same_space(student, teachers[0])
    layers = {name: _squares(students, teachers, name) / (2 * rho**2) for name in teachers[0]}
    pairs = np.sum([*layers.values()], axis=0)
    count = sum(w.size for w in teachers[0].values())
    value = jackknife(lambda s, t: float(pairs[np.ix_(s, t)].mean()), *pairs.shape)
    parts = {"rho": rho, "per_parameter": value.mean / count}
    floor = float("nan")
    if len(teachers) > 1:
        within = np.sum([_squares(teachers, teachers, name) for name in teachers[0]], axis=0) / (2 * rho**2)
        floor = float(within.sum() / (within.size - len(within)))
    return Estimate(value, floor, parts | {f"layer {name}": float(each.mean()) for name, each in layers.items()})


def param_swag(student_steps: ArrayLike, teacher_steps: ArrayLike, layers: Mapping[str, int] | None = None) -> Estimate:
    """Divergence of diagonal Gaussians fitted to the weights after each of the last steps, (steps, P) each.

    Args:
        student_steps: (steps, P) weights.
        teacher_steps: likewise.
        layers: how many of the P weights each parameter has, in their order; for the parts by layer.

    Raises:
        ValueError: they differ in the number of weights, or there are too few steps.
    """
    return _diagonal(*_chains(student_steps, teacher_steps), layers or {})


def param_sgld(student_chain: ArrayLike, teacher_chain: ArrayLike, layers: Mapping[str, int] | None = None) -> Estimate:
    """Divergence of diagonal Gaussians fitted to two Langevin chains, (draws, P) each, with their effective samples.

    Args:
        student_chain: (draws, P) weights.
        teacher_chain: likewise.
        layers: as for ``param_swag``.

    Raises:
        ValueError: as ``param_swag``.
    """
    student, teacher = _chains(student_chain, teacher_chain)
    found, half = _diagonal(student, teacher, layers or {}), len(teacher) // 2
    effective = {party: effective_samples(each) for party, each in (("student", student), ("teacher", teacher))}
    medians = {f"effective {party}": float(np.nanmedian(each)) for party, each in effective.items()}
    few = {party: int(medians[f"effective {party}"]) for party in effective if medians[f"effective {party}"] < MIXED}
    warnings = [
        f"the {party}'s chain is worth {count} independent draws (median over weights), {MIXED} are wanted: it has not "
        "forgotten where it started"
        for party, count in few.items()
    ]
    slowest = {f"slowest {party}": float(np.nanmin(each)) for party, each in effective.items()}
    floor = float("nan") if half < LEAST_STEPS else _diagonal(teacher[:half], teacher[half:], {}).value.mean
    return Estimate(found.value, floor, found.parts | medians | slowest, (*found.warnings, *warnings))


def param_laplace(
    features: ArrayLike, student_weights: ArrayLike, teacher_weights: ArrayLike, precision: float = 1.0
) -> Estimate:
    """Divergence of the Laplace approximations of two last layers on the same features.

    Args:
        features: (N, D) that both layers read; add a column of ones for biases.
        student_weights: (C, D).
        teacher_weights: (C, D).
        precision: of the prior.

    Raises:
        ValueError: the shapes do not go together, or the precision is not positive.
    """
    features, student, teacher = (np.asarray(each, np.float64) for each in (features, student_weights, teacher_weights))
    if student.shape != teacher.shape or features.shape[1:] != student.shape[1:] or not precision > 0:
        raise ValueError(
            f"features {features.shape}, student {student.shape}, teacher {teacher.shape}, precision {precision}: needed "
            "are (N, D), twice (C, D) on the same features, and a positive precision"
        )
    first, second = (_curvature(features, each, precision) for each in (student, teacher))
    apart = (student - teacher).ravel()
    moved = float(apart @ second @ apart / 2)
    logdets = np.linalg.slogdet(first)[1] - np.linalg.slogdet(second)[1]
    widened = float((np.trace(np.linalg.solve(first, second)) - len(apart) + logdets) / 2)
    parts = {"mean": moved, "covariance": widened, "per_parameter": (moved + widened) / len(apart)}
    return Estimate(Interval(moved + widened, np.nan, np.nan, 1, "none"), parts=parts)


def _chains(student_steps: ArrayLike, teacher_steps: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    student, teacher = (np.asarray(each, np.float64) for each in (student_steps, teacher_steps))
    if student.ndim != 2 or teacher.ndim != 2 or student.shape[1] != teacher.shape[1]:
        raise ValueError(
            f"steps of shapes {student.shape} and {teacher.shape}: both must be (steps, P) in one space of weights; "
            "what applies to any two nets: pred_seed, func_gauss and linear_exact"
        )
    if min(len(student), len(teacher)) < LEAST_STEPS:
        raise ValueError(f"{len(student)} and {len(teacher)} steps; {LEAST_STEPS} of each are needed for a variance")
    return student, teacher


def _diagonal(student: np.ndarray, teacher: np.ndarray, layers: Mapping[str, int]) -> Estimate:
    """Of two diagonal Gaussians fitted to (steps, P) weights."""
    (mean, spread), (wanted, allowed) = ((each.mean(0), each.var(0, ddof=1) + SMALLEST) for each in (student, teacher))
    still = int(((np.ptp(student, axis=0) == 0) | (np.ptp(teacher, axis=0) == 0)).sum())
    warnings = (f"{still} of {len(mean)} weights did not move: with no variance of theirs it has no upper end",)
    ratio = spread / allowed
    moved, widened = np.square(mean - wanted) / (2 * allowed), (ratio - 1 - np.log(ratio)) / 2
    each, total = moved + widened, float((moved + widened).sum())
    parts = {"mean": float(moved.sum()), "covariance": float(widened.sum()), "per_parameter": total / len(mean)}
    ends = np.cumsum([*layers.values()], dtype=int)
    by_layer = {
        f"layer {name}": float(each[end - layers[name] : end].sum()) for name, end in zip(layers, ends, strict=True)
    }
    return Estimate(
        Interval(total, np.nan, np.nan, 1, "none"), parts=parts | by_layer, warnings=warnings if still else ()
    )


def _squares(students: Sequence[Mapping[str, np.ndarray]], teachers: Sequence[Weights], name: str) -> np.ndarray:
    """Squared distances of one parameter between all pairs, (m_s, m_t)."""
    return np.array([[np.square(s[name] - t[name]).sum() for t in teachers] for s in students])


def _curvature(features: np.ndarray, weights: np.ndarray, precision: float) -> np.ndarray:
    """The Gauss-Newton matrix of the cross-entropy in (C D,) weights, summed over samples, plus the prior's."""
    from scipy.special import softmax

    p = softmax(features @ weights.T, axis=1)
    middle = p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]
    size = weights.size
    full = np.einsum("nab,ni,nj->aibj", middle, features, features, optimize=True).reshape(size, size)
    return full + precision * np.eye(size)


def effective_samples(chain: ArrayLike) -> np.ndarray:
    """How many independent draws each quantity of an (n, P) chain is worth: (P,), at most n; NaN if it does not move.

    n_eff = n / (1 + 2 sum_k r_k) with r_k the autocorrelation at lag k, summed as long as sums of neighbouring pairs of
    lags are positive (Geyer 1992, initial positive sequence). A chain that has not seen most of the distribution yet does
    not know what it misses. Cost: O(n log n) for each quantity.

    Raises:
        ValueError: the chain is no (n, P) of four draws or more.
    """
    values = np.asarray(chain, np.float64)
    if values.ndim != 2 or len(values) < 4:
        raise ValueError(f"a chain of shape {values.shape}; needed is (n, P) with n of 4 or more")
    n = len(values)
    spectrum = np.fft.rfft(values - values.mean(0), 2 * n, axis=0)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[:n]
    pairs = covariance[: n - n % 2].reshape(n // 2, 2, -1).sum(1)
    kept = np.where(np.logical_and.accumulate(pairs > 0, axis=0), pairs, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        times = 2 * kept.sum(0) / covariance[0] - 1
        return np.where(np.ptp(values, axis=0) > 0, n / np.maximum(times, 1), np.nan)
