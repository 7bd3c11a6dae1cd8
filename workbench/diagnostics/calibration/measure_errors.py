"""All measures of one model's calibration, from its logits and the labels; see ``calibration`` for what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.diagnostics.calibration import measure_reliability as reliability
from workbench.maths.intervals import proportion_interval
from workbench.maths.resampling import bootstrap_means, percentile_interval
from workbench.records.interval import Interval

COLDEST, HOTTEST = 0.05, 20.0


def measured(logits: np.ndarray, labels: np.ndarray, bins: int, seed: int) -> dict[str, Any]:
    """Everything that needs no other model and no validation split, by its name in ``Calibration``, and the diagram."""
    from scipy.special import softmax

    probabilities = softmax(logits.astype(np.float64), axis=1)
    picked = logits.argmax(axis=1)
    confidence, hits = probabilities.max(axis=1), (picked == labels).astype(np.float64)
    deviations, n = hits - confidence, len(labels)
    wide, even = reliability.equal_width(confidence, bins), reliability.equal_mass(confidence, bins)
    classwise, classwise_null = reliability.classwise(probabilities, labels, bins, seed)
    squares = (probabilities**2).sum(axis=1) + 1 - 2 * probabilities[np.arange(n), labels]
    table = np.column_stack([confidence, nll(logits, labels), squares])
    drawn = bootstrap_means(table, seed=seed)
    means = [percentile_interval(each, mean, n) for each, mean in zip(drawn.T, table.mean(axis=0), strict=True)]
    ece, adaptive = (reliability.error(deviations, bin_of, bins) for bin_of in (wide, even))
    null, adaptive_null = (reliability.null_errors(confidence, bin_of, bins, seed) for bin_of in (wide, even))
    return {
        "accuracy": proportion_interval(int(hits.sum()), n),
        **dict(zip(("confidence", "nll", "brier"), means, strict=True)),
        "ece": alone(ece, n),
        "adaptive": alone(adaptive, n),
        "classwise": alone(classwise, n),
        "debiased": reliability.debiased(hits, confidence, wide, bins),
        "null": percentile_interval(null, float(null.mean()), n),
        "adaptive_null": percentile_interval(adaptive_null, float(adaptive_null.mean()), n),
        "classwise_null": percentile_interval(classwise_null, float(classwise_null.mean()), n),
        "p_calibrated": float((1 + (null >= ece).sum()) / (1 + len(null))),
        "brier_parts": reliability.decomposition(hits, confidence, wide, bins),
        "diagram": reliability.diagram(hits, confidence, wide, bins),
    }


def scaled(logits: np.ndarray, labels: np.ndarray, temperature: float, bins: int, seed: int) -> list[Interval]:
    """Negative log-likelihood and ECE at a temperature."""
    from scipy.special import softmax

    losses = nll(logits, labels, temperature)
    confidence = softmax(logits.astype(np.float64) / temperature, axis=1).max(axis=1)
    deviations = (logits.argmax(axis=1) == labels) - confidence
    ece = reliability.error(deviations, reliability.equal_width(confidence, bins), bins)
    return [
        percentile_interval(bootstrap_means(losses, seed=seed), losses.mean(), len(labels)),
        alone(ece, len(labels)),
    ]


def relative(logits: Mapping[str, np.ndarray], bins: int) -> Interval:
    """ECE of the student against the teacher's probability of the class that the student picks."""
    from scipy.special import softmax

    if not {"student", "teacher"} <= set(logits):
        return Interval(np.nan, np.nan, np.nan, 0, "none")
    student, teacher = (softmax(logits[name].astype(np.float64), axis=1) for name in ("student", "teacher"))
    rows, picked = np.arange(len(student)), student.argmax(axis=1)
    confidence = student[rows, picked]
    bin_of = reliability.equal_width(confidence, bins)
    return alone(reliability.error(teacher[rows, picked] - confidence, bin_of, bins), len(rows))


def alone(error: float, n: int) -> Interval:
    """A calibration error of n samples, which has no interval; see ``reliability``."""
    return Interval(error, np.nan, np.nan, n, "none")


def nll(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """(N,) negative log-likelihood of each sample's own label."""
    from scipy.special import log_softmax

    found = log_softmax(logits.astype(np.float64) / temperature, axis=1)
    return -found[np.arange(len(labels)), labels]


def optimal_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature of the least negative log-likelihood, between 0.05 and 20; the likelihood has one optimum."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        return float(nll(logits, labels, float(np.exp(log_temperature))).mean())

    ends = (float(np.log(COLDEST)), float(np.log(HOTTEST)))
    return float(np.exp(minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-6}).x))
