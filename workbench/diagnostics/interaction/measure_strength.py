"""How strong is a feature on a sample: the mean of its components, turned the same way and scaled to deviation 1."""

from __future__ import annotations

import numpy as np

from workbench.diagnostics.interaction.measure import Interaction


def strength(found: Interaction, feature: int) -> np.ndarray:
    """(N,) of one feature."""
    rows = np.flatnonzero(found.feature == feature)
    scores = found.scores[rows].astype(np.float64)
    scores = (scores - scores.mean(axis=1, keepdims=True)) / scores.std(axis=1, keepdims=True)
    toward = np.where(scores @ scores[0] < 0, -1.0, 1.0)
    turn = found.sign[rows] if found.construction["sign"] == "aligned" else toward
    return (turn[:, None] * scores).mean(axis=0)


def strengths(found: Interaction) -> np.ndarray:
    """(F, N) float32 of every feature."""
    return np.stack([strength(found, t).astype(np.float32) for t in range(found.features)])
