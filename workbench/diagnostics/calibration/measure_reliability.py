"""Sums behind calibration errors: confidences in bins, how often they were met, and what chance alone would show.

Formula (bin b holds n_b of N samples; conf_b and acc_b mean confidence and share of hits; d_i = hit_i - confidence_i):
    error      ECE = sum_b n_b / N |acc_b - conf_b| = sum_b |sum_{i in b} d_i| / N.
    debiased   sum_b n_b / N [(acc_b - conf_b)^2 - acc_b (1 - acc_b) / (n_b - 1)], bins of one sample left out: the
               square of the error without what n_b draws add to it on average; it may be negative.
    null       ECE of hits (of labels, for the classwise error) drawn with the very probabilities: what a perfectly
               calibrated model would show (consistency resampling, Broecker and Smith 2007).

No interval is given for an ECE: it is never below what chance adds, and nominal 95 % intervals of bootstraps covered a
true ECE of 0.02 or more in 84 to 95 % of simulations at 360 and 2,000 samples, one of 0 in 55 % or never, and a t interval
the classwise error in 27 % at 300 samples. The middle 95 % of the null holds that much of calibrated models.
"""

from __future__ import annotations

import numpy as np

from workbench.maths.resampling import CHUNK

RESAMPLES = 1000


def equal_width(confidence: np.ndarray, bins: int) -> np.ndarray:
    """(N,) bin of each confidence in (0, 1]; bin b is ``(b / B, (b + 1) / B]``."""
    return np.clip(np.searchsorted(np.linspace(0, 1, bins + 1), confidence, side="left") - 1, 0, bins - 1)


def equal_mass(confidence: np.ndarray, bins: int) -> np.ndarray:
    """(N,) bin of each confidence; bins hold equally many samples, and equal confidences share the first of theirs."""
    order = np.argsort(confidence, kind="stable")
    found = np.empty(len(confidence), np.int64)
    found[order] = np.arange(len(confidence)) * bins // len(confidence)
    values, where = np.unique(confidence, return_inverse=True)
    first = np.full(len(values), bins)
    np.minimum.at(first, where, found)
    return first[where]


def error(deviations: np.ndarray, bin_of: np.ndarray, bins: int) -> float:
    """ECE from deviations ``hit - confidence`` (N,)."""
    return float(np.abs(np.bincount(bin_of, deviations, bins)).sum() / len(deviations))


def null_errors(confidence: np.ndarray, bin_of: np.ndarray, bins: int, seed: int) -> np.ndarray:
    """(R,) ECE of models that are perfectly calibrated and exactly as confident."""
    generator, sums = np.random.default_rng(seed), _membership(bin_of, bins)
    found, rows = np.empty(RESAMPLES), max(1, CHUNK // len(confidence))
    for start in range(0, RESAMPLES, rows):
        r = min(rows, RESAMPLES - start)
        hits = generator.random((r, len(confidence)), dtype=np.float32) < confidence
        found[start : start + r] = np.abs(sums @ (hits - confidence).T).sum(axis=0) / len(confidence)
    return found


def debiased(hits: np.ndarray, confidence: np.ndarray, bin_of: np.ndarray, bins: int) -> float:
    """The squared error without its expected bias; NaN where no bin holds two samples."""
    counts, share, mean = diagram(hits, confidence, bin_of, bins)
    several = counts > 1
    if not several.any():
        return np.nan
    counts, share, mean = counts[several], share[several], mean[several]
    return float((counts * ((share - mean) ** 2 - share * (1 - share) / (counts - 1))).sum() / counts.sum())


def diagram(
    hits: np.ndarray, confidence: np.ndarray, bin_of: np.ndarray, bins: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples, share of hits and mean confidence per bin: three of (B,), NaN in empty bins."""
    counts = np.bincount(bin_of, minlength=bins)
    with np.errstate(invalid="ignore"):
        share, mean = (np.bincount(bin_of, values, bins) / counts for values in (hits, confidence))
    return counts, share, mean


def classwise(probabilities: np.ndarray, labels: np.ndarray, bins: int, seed: int) -> tuple[float, np.ndarray]:
    """The mean over classes of the ECE of "it is this class", and (R,) the same of labels drawn from the probabilities.

    Args:
        probabilities: (N, C).
        labels: (N,) classes.
        bins: of equal width.
        seed: of the drawn labels.
    """
    n, classes = probabilities.shape
    place = np.empty((n, classes), np.int32)  # of a sample that is of a class, among the bins of all classes
    expected = np.empty(classes * bins)
    for k in range(classes):
        bin_of = equal_width(probabilities[:, k], bins)
        place[:, k] = bin_of + k * bins
        expected[k * bins : (k + 1) * bins] = np.bincount(bin_of, probabilities[:, k], bins)

    def error_of(said: np.ndarray) -> float:
        found = np.bincount(place[np.arange(n), said], minlength=classes * bins)
        return float(np.abs(found - expected).sum() / (n * classes))

    generator, upto = np.random.default_rng(seed), np.cumsum(probabilities, axis=1)
    null = np.empty(RESAMPLES)
    for k in range(RESAMPLES):
        drawn = (upto < generator.random((n, 1)) * upto[:, -1:]).sum(axis=1)
        null[k] = error_of(np.minimum(drawn, classes - 1))
    return error_of(labels), null


def decomposition(hits: np.ndarray, confidence: np.ndarray, bin_of: np.ndarray, bins: int) -> dict[str, float]:
    """Brier score of the top class: ``reliability - resolution + uncertainty + within`` (Murphy 1973, Stephenson 2008).

    ``within`` is what bins hide: variance of the confidences in a bin minus twice their covariance with the hits.
    """
    counts, share, mean = diagram(hits, confidence, bin_of, bins)
    weight, base, used = counts / len(hits), hits.mean(), counts > 0
    spread = confidence - mean[bin_of]
    return {
        "reliability": float((weight * (mean - share) ** 2)[used].sum()),
        "resolution": float((weight * (share - base) ** 2)[used].sum()),
        "uncertainty": float(base * (1 - base)),
        "within": float((spread**2).mean() - 2 * (spread * (hits - share[bin_of])).mean()),
    }


def _membership(bin_of: np.ndarray, bins: int) -> np.ndarray:
    """(B, N) sparse zeros and ones: which bin a sample is in."""
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(bin_of)), (bin_of, np.arange(len(bin_of)))), shape=(bins, len(bin_of)))
