"""How far apart are students and teachers as Gaussians over functions: their means, their spread over seeds?

How it is measured: the logits on some probes, centred over classes, are one long vector per seed. A principal component
analysis of all seeds together keeps a third as many directions as there are seeds in the smaller group, and each group
becomes a Gaussian there, its covariance shrunk after Ledoit and Wolf.

Formula:
    K = 1/2 d' C_t^-1 d                                              mean: the students are somewhere else (bias)
      + 1/2 (tr C_t^-1 C_s - q - logdet C_s + logdet C_t)            covariance: they vary more or less (variance)
    outside = mean_j |M_t (I - P_j)|^2 / |M_t|^2, M_t the mean teacher's (N, C) logits and P_j the projection on those
    that student j can say: the share of the teacher no weights of its last layer reach (rank)
Reading it: judge it against its floor, the same for two halves of the teachers.
When it misleads: the Gaussian is an assumption, and a covariance from few seeds is mostly shrinkage.
After: ours, in the form of the linear-Gaussian split; Ledoit and Wolf 2004. Cost: a second for 12 + 12 seeds.
"""

from __future__ import annotations

import numpy as np

from workbench.diagnostics.divergence.estimate import Estimate, halves, jackknife

LEAST, PROBES, SPLITS = 10, 200, 5
TOLERANCE = 1e-6


def func_gauss(student_logits: np.ndarray, teacher_logits: np.ndarray, seed: int = 0) -> Estimate:
    """The divergence of two Gaussians over functions, from (seeds, N, C) logits each.

    Args:
        student_logits: of the students.
        teacher_logits: of the teachers.
        seed: of the choice of probes and halves.

    Raises:
        ValueError: a group has too few seeds, or does not vary over them.
    """
    fewest = min(len(student_logits), len(teacher_logits))
    if fewest < LEAST:
        raise ValueError(f"{LEAST} seeds of students and of teachers are needed, the smaller group has {fewest}")
    samples = student_logits.shape[1]
    probes = np.random.default_rng(seed).permutation(samples)[:PROBES]
    student, teacher = (_centred(z[:, probes]) for z in (student_logits, teacher_logits))
    outside = float(np.mean([_outside(one, teacher.mean(0)) for one in student]))
    width = fewest // 3
    flat = [each.reshape(len(each), -1) for each in (student, teacher)]
    parts = gaussian_parts(*_compressed(*flat, width))
    value = jackknife(
        lambda s, t: sum(gaussian_parts(*_compressed(flat[0][s], flat[1][t], width)).values()),
        len(student),
        len(teacher),
    )
    splits = halves(len(teacher), SPLITS, seed)
    floor = np.mean([sum(gaussian_parts(*_compressed(flat[1][a], flat[1][b], width)).values()) for a, b in splits])
    more = {"outside": outside, "directions": float(width), "above_floor": value.mean - float(floor)}
    return Estimate(value, float(floor), {**parts, **more})


def gaussian_parts(student: np.ndarray, teacher: np.ndarray) -> dict[str, float]:
    """KL(student || teacher) of two Gaussians fitted to (m, q) vectors, in two parts.

    Raises:
        ValueError: a group does not vary.
    """
    from sklearn.covariance import ledoit_wolf

    widest = np.ptp(np.concatenate([student, teacher]), axis=0).max()
    if not all(np.ptp(each, axis=0).max() > TOLERANCE * widest for each in (student, teacher)):
        raise ValueError("the seeds of a group give the same logits: there is nothing to fit a covariance to")
    first, second = (ledoit_wolf(each)[0] for each in (student, teacher))
    apart, inverse = student.mean(0) - teacher.mean(0), np.linalg.inv(second)
    spread = np.trace(inverse @ first) - len(apart) - np.linalg.slogdet(first)[1] + np.linalg.slogdet(second)[1]
    return {"mean": float(apart @ inverse @ apart / 2), "covariance": float(spread / 2)}


def _centred(logits: np.ndarray) -> np.ndarray:
    return logits - logits.mean(-1, keepdims=True)


def _compressed(student: np.ndarray, teacher: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Both groups in the leading directions of all seeds together."""
    together = np.concatenate([student, teacher])
    together = together - together.mean(0)
    left, values, _ = np.linalg.svd(together, full_matrices=False)
    scores = left[:, :width] * values[:width]
    return scores[: len(student)], scores[len(student) :]


def _outside(student: np.ndarray, teacher: np.ndarray) -> float:
    """Share of the (N, C) teacher that lies outside the rows a student can say."""
    _, values, rows = np.linalg.svd(student, full_matrices=False)
    reached = rows[values > TOLERANCE * values.max()]
    missed = teacher - teacher @ reached.T @ reached
    return float(np.square(missed).sum() / np.square(teacher).sum())
