"""How far apart are two models on one sample? Measures per sample, in few rows at a time and in float64.

Formula (p teacher, q student, both softened by the same temperature; m their mean):
    forward_kl = sum p log(p / q);  reverse_kl = sum q log(q / p);  jeffreys = forward_kl + reverse_kl;
    jensen_shannon = KL(p || m) / 2 + KL(q || m) / 2, at most log 2;
    total_variation = sum |p - q| / 2, at most 1;  hellinger = sqrt(sum (sqrt p - sqrt q)^2 / 2), at most 1;
    activation_distance = sqrt(sum (p - q)^2), at most sqrt 2.
    top_k: share of the teacher's k classes of largest logit that are among the student's k;
    kendall: Kendall's tau-b over the classes, 1 for the same order, -1 for the reverse;
    non_target: 1 where both put the same class first among those that are not the label.

The first seven need logarithms of probabilities, which come from ``log_softmax``; none is ever ``log(p + epsilon)``.
The divergences carry no factor ``T^2``: multiply by it to compare with a distillation loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

ELEMENTS = 100_000
"""Logits looked at in one go: 0.8 MB of float64, which stays in the processor's cache."""

Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _forward_kl(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    return (np.exp(teacher) * (teacher - student)).sum(axis=1)


def _reverse_kl(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    return _forward_kl(teacher, student)


def _jeffreys(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    return ((np.exp(teacher) - np.exp(student)) * (teacher - student)).sum(axis=1)


def _jensen_shannon(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    middle = np.logaddexp(student, teacher) - np.log(2)
    both = np.exp(teacher) * (teacher - middle) + np.exp(student) * (student - middle)
    return np.maximum(both.sum(axis=1), 0) / 2


def _total_variation(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    return np.abs(np.exp(teacher) - np.exp(student)).sum(axis=1) / 2


def _hellinger(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(np.exp(teacher / 2) - np.exp(student / 2)).sum(axis=1) / 2)


def _activation_distance(student: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(np.exp(teacher) - np.exp(student)).sum(axis=1))


SOFT: dict[str, Distance] = {
    "forward_kl": _forward_kl,
    "reverse_kl": _reverse_kl,
    "jeffreys": _jeffreys,
    "jensen_shannon": _jensen_shannon,
    "total_variation": _total_variation,
    "hellinger": _hellinger,
    "activation_distance": _activation_distance,
}
"""From log-probabilities (n, C) of student and teacher to (n,)."""


def soft_distances(
    student_logits: np.ndarray, teacher_logits: np.ndarray, names: Sequence[str] = tuple(SOFT), temperature: float = 1.0
) -> np.ndarray:
    """(N, M) distances of the probabilities at a temperature, a column for each name of ``SOFT``.

    Raises:
        KeyError: no such distance.
        ValueError: the temperature is not positive.
    """
    from scipy.special import log_softmax

    if unknown := [name for name in names if name not in SOFT]:
        raise KeyError(f"no distance {unknown[0]!r}; there are {', '.join(SOFT)}")
    if not 0 < temperature < np.inf:
        raise ValueError(f"temperature = {temperature} must be positive")
    found = np.empty((len(student_logits), len(names)))
    for rows in row_blocks(student_logits):
        pair = [log_softmax(z[rows].astype(np.float64) / temperature, axis=1) for z in (student_logits, teacher_logits)]
        for column, name in enumerate(names):
            found[rows, column] = SOFT[name](*pair)
    return found


def forward_kl(student_logits: np.ndarray, teacher_logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """KL(teacher || student) per sample, in nats: (N, C) twice -> (N,)."""
    return soft_distances(student_logits, teacher_logits, ("forward_kl",), temperature)[:, 0]


def top_k_overlap(student_logits: np.ndarray, teacher_logits: np.ndarray, k: int) -> np.ndarray:
    """Share of the k first classes that both have, (N,); of equal logits the earlier class comes first."""
    found = np.empty(len(student_logits))
    for rows in row_blocks(student_logits):
        chosen = np.zeros((2, *student_logits[rows].shape), bool)
        for each, logits in zip(chosen, (student_logits[rows], teacher_logits[rows]), strict=True):
            np.put_along_axis(each, np.argsort(-logits, axis=1, kind="stable")[:, :k], values=True, axis=1)
        found[rows] = chosen.all(axis=0).sum(axis=1) / k
    return found


def kendall(student_logits: np.ndarray, teacher_logits: np.ndarray) -> np.ndarray:
    """Kendall's tau-b of the classes' order per sample, (N,): O(N C^2); NaN where one model has all logits equal."""
    found = np.empty(len(student_logits))
    for rows in row_blocks(student_logits):
        student, teacher = (np.ascontiguousarray(z[rows].T) for z in (student_logits, teacher_logits))  # (C, n)
        both, one, other = np.zeros((3, student.shape[1]))
        for apart in range(1, len(student)):
            up, taught = (np.sign(z[apart:] - z[:-apart]) for z in (student, teacher))
            both += np.einsum("cn,cn->n", up, taught)
            one += np.einsum("cn,cn->n", up, up)
            other += np.einsum("cn,cn->n", taught, taught)
        with np.errstate(invalid="ignore"):
            found[rows] = both / np.sqrt(one * other)
    return found


def non_target_match(student_logits: np.ndarray, teacher_logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N,) whether both put the same class first among those that are not the label."""
    found = np.empty(len(labels), bool)
    for rows in row_blocks(student_logits):
        others = np.arange(student_logits.shape[1]) != labels[rows][:, None]
        first = [np.where(others, z[rows], -np.inf).argmax(axis=1) for z in (student_logits, teacher_logits)]
        found[rows] = first[0] == first[1]
    return found


def row_blocks(logits: np.ndarray) -> Iterator[slice]:
    """Slices of rows that together cover (N, C), each of at most ``ELEMENTS`` numbers or one row."""
    size = max(1, ELEMENTS // logits.shape[1])
    return (slice(start, start + size) for start in range(0, len(logits), size))
