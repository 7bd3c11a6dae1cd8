"""Weights that rise at the beginning of a run."""

from __future__ import annotations

import math


def linear_ramp(progress: float, share: float) -> float:
    """From 0 to 1 while the first share of a run lasts, and 1 afterwards.

    Args:
        progress: share of the run that is done.
        share: how long the ramp is; 0 is none.
    """
    return min(progress / share, 1.0) if share > 0 else 1.0


def gaussian_ramp(progress: float, share: float) -> float:
    """``exp(-5 (1 - x)^2)`` while the first share of a run lasts, x from 0 to 1, and 1 afterwards; Laine and Aila 2017.

    Args:
        progress: share of the run that is done.
        share: how long the ramp is; 0 is none.
    """
    return math.exp(-5 * (1 - linear_ramp(progress, share)) ** 2)
