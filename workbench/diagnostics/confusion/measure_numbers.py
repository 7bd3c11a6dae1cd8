"""The numbers of a ``Confusion``, worked out from its samples and tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.diagnostics.confusion.measure_similarity import NAMES, cosines, off_diagonal, similarity, soft_ious
from workbench.diagnostics.confusion.measure_tables import (
    Mode,
    Samples,
    Tables,
    null,
    of_equal_structure,
    off_diagonals,
    repeated,
    resampled,
    tables,
)
from workbench.diagnostics.outputs import paired_logits
from workbench.maths.resampling import percentile_interval
from workbench.records.interval import Interval

RESAMPLES, LEAST = 500, 20
WIDER = {"pearson": 1.15, "spearman": 1.5, "cosine": 1.15, "soft_iou": 1.15, "top_overlap": 1.3}
"""What the intervals of resamples are widened by, so that 95 % intervals cover as often as they say in simulations."""


def compared(of: Samples, mode: Mode) -> np.ndarray:
    """(5,) similarities of the two tables."""
    return similarity(*off_diagonals(tables(of), mode))


def named(values: np.ndarray) -> dict[str, float]:
    """The five by their names."""
    return dict(zip(NAMES, map(float, values), strict=True))


def intervals(of: Samples, mode: Mode, values: np.ndarray, seed: int) -> dict[str, Interval]:
    """The five with intervals over samples."""
    drawn = resampled(of, mode, RESAMPLES, seed)
    return {what: around(values[k], drawn[:, k], len(of.labels), WIDER[what]) for k, what in enumerate(NAMES)}


def against_chance(found: Tables, mode: Mode, values: np.ndarray, seed: int) -> dict[str, Any]:
    """What the five are when the errors are shuffled within each row, and how often that is as much."""
    shuffled = null(found, mode, RESAMPLES, seed)
    reached = {what: shuffled[np.isfinite(shuffled[:, k]), k] >= values[k] for k, what in enumerate(NAMES)}
    p = {what: (1 + int(r.sum())) / (1 + len(r)) if len(r) else np.nan for what, r in reached.items()}
    return {
        "null": {what: spread(shuffled[:, k]) for k, what in enumerate(NAMES)},
        "p": {what: share if np.isfinite(values[k]) else np.nan for k, (what, share) in enumerate(p.items())},
    }


def repeatability(of: Samples, found: Tables, mode: Mode, seed: int) -> dict[str, Any]:
    """How well the student's table repeats, and what a student of the teacher's very structure would show."""
    _, hard, crossed = (named(values) for values in repeated(of, mode, seed))
    equal = of_equal_structure(found, mode, RESAMPLES, seed)
    most = {what: spread(equal[:, k]).mean for k, what in enumerate(NAMES)}
    return {"repeatability": hard, "ceiling": most, "disjoint": crossed}


def by_class(found: Tables, mode: Mode) -> dict[str, Any]:
    """Cosine and soft IoU of each class, and their standard deviations; NaN for classes left out."""
    soft, hard, used = off_diagonals(found, mode)
    numbers: dict[str, Any] = {}
    for name, measure in (("cosine", cosines), ("soft_iou", soft_ious)):
        every = np.where(used, measure(soft, hard), np.nan)
        known = every[np.isfinite(every)]
        numbers |= {f"{name}_by_class": every, f"{name}_sd": float(known.std()) if len(known) else np.nan}
    return numbers


def between_teachers(teacher: np.ndarray, second: np.ndarray, labels: np.ndarray, mode: Mode) -> dict[str, float]:
    """How alike the soft labels of two teachers are."""
    rows = []
    for logits in paired_logits(teacher, second):
        soft = np.nan_to_num(off_diagonal(tables(Samples.of(logits, logits, labels)).soft))
        rows.append(
            soft / np.where(soft.sum(axis=1) > 0, soft.sum(axis=1), 1)[:, None] if mode == "corrected" else soft
        )
    return named(similarity(*rows, rows[0].sum(axis=1) > 0))


def around(estimate: float, values: np.ndarray, samples: int, wider: float = 1.0) -> Interval:
    """Percentile interval of resampled values, moved so that their median is the estimate, widened, cut at -1 and 1."""
    known = values[np.isfinite(values)]
    if not np.isfinite(estimate) or len(known) < LEAST:
        return Interval(float(estimate), np.nan, np.nan, samples, "none")
    moved = estimate + wider * (known - np.median(known))
    return percentile_interval(np.clip(moved, -1.0, 1.0), estimate, samples)


def spread(values: np.ndarray) -> Interval:
    """Mean and middle 95 % of what chance gives; NaN where it is not defined."""
    known = values[np.isfinite(values)]
    if len(known) < LEAST:
        return Interval(np.nan, np.nan, np.nan, len(known), "none")
    return percentile_interval(known, float(known.mean()), len(known))
