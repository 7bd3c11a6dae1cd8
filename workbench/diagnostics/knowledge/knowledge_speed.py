"""When and how steadily a net finds what it keeps: knowledge points over the checkpoints of a training.

How it is measured: knowledge points are counted at K checkpoints of one net; time is the path its weights have gone.
Formula: see ``knowledge_points``.   Reading it: small D_mean and D_spread mean that all images are learnt early and together;
a stability near 1 that nothing is found and given up again.
When it misleads: few checkpoints; the variance, not the standard deviation, is called D_spread, as in the released code.
After: Cheng et al. 2020, section 3.   Cost: none beyond the points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.records.result import Result

PROVENANCE = {"paper": "Cheng et al., CVPR 2020, arXiv:2003.03622", "fidelity": "paper", "ours": "nothing"}


@dataclass(frozen=True)
class KnowledgeSpeed(Result):
    """Learning of I images over K checkpoints.

    Attributes:
        path: (K,) length of the weights' way so far, relative to where they began.
        on_object: (K, I) points on the object.
        peak: (I,) path at which each image had most of them, the first time.
        d_mean: mean over images of ``peak``.
        d_spread: its variance over images.
        stability: points on the object at the end over those at any time, mean over images; ``beside`` and ``all`` likewise.
        stability_beside: of points beside the object.
        stability_all: of all points.
        n: images.
        warnings: what weakens the numbers.
        provenance: the paper.
    """

    path: np.ndarray
    on_object: np.ndarray
    peak: np.ndarray
    d_mean: float
    d_spread: float
    stability: float
    stability_beside: float
    stability_all: float
    n: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        return (
            f"Over {len(self.path)} checkpoints the {self.n} images have most knowledge points on the object at a path of "
            f"{self.d_mean:.3g} on average, with a variance of {self.d_spread:.3g}. Of all the points ever found there, "
            f"{self.stability:.0%} are still there at the end."
        )


def knowledge_speed(points: ArrayLike, foreground: ArrayLike, path: ArrayLike) -> KnowledgeSpeed:
    """Speed and stability from the points of every checkpoint.

    Args:
        points: (K, I, G, G) True where a cell was a knowledge point.
        foreground: (I, G, G) or (G, G) True on the object.
        path: (K,) from ``weight_path``.

    Raises:
        ValueError: shapes do not fit, or no checkpoint.
    """
    points, path = np.asarray(points, bool), np.asarray(path, float)
    if points.ndim != 4 or len(points) != len(path) or not len(path):
        raise ValueError(f"points {points.shape} and path {path.shape}: (K, I, G, G) and (K,) are needed")
    inside = np.broadcast_to(np.asarray(foreground, bool), points.shape[1:])
    on = (points & inside).sum((-2, -1))
    peak = path[on.argmax(0)]
    lost = [_stability(points & side) for side in (inside, ~inside, np.ones_like(inside))]
    few = ("fewer than 5 checkpoints: peaks are rough",) if len(path) < 5 else ()
    return KnowledgeSpeed(
        path=path,
        on_object=on,
        peak=peak,
        d_mean=float(peak.mean()),
        d_spread=float(peak.var()),
        stability=lost[0],
        stability_beside=lost[1],
        stability_all=lost[2],
        n=points.shape[1],
        warnings=few,
        provenance=dict(PROVENANCE),
    )


def weight_path(steps: ArrayLike, begun: float) -> np.ndarray:
    """(S,) way gone after each optimiser step: lengths of the steps added up, over the length at the start.

    Raises:
        ValueError: the weights began at 0.
    """
    if begun <= 0:
        raise ValueError(f"the weights began with a length of {begun}; there is nothing to measure their way by")
    return np.cumsum(np.asarray(steps, float)) / begun


def _stability(points: np.ndarray) -> float:
    """Mean over images of points at the end over points at any time; NaN where there never was one."""
    ever = points.any(0).sum((-2, -1)).astype(float)
    kept: Any = points[-1].sum((-2, -1))[ever > 0] / ever[ever > 0]
    return float(kept.mean()) if len(kept) else float("nan")
