"""From entropies of noise to counted knowledge points; see ``knowledge_points``."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from workbench.maths.intervals import mean_interval
from workbench.records.interval import Interval

Mode = Literal["corrected", "paper"]


def points_of(entropy: np.ndarray, foreground: np.ndarray, threshold: float, mode: Mode = "corrected") -> np.ndarray:
    """(M, I, G, G) True where a cell bears clearly less noise than the background does on average.

    The background is that of its own image; as in the released code, the mean over the backgrounds of all images.
    """
    outside = np.where(foreground, np.nan, entropy)
    with np.errstate(invalid="ignore"):
        background = np.nansum(outside, axis=(-2, -1)) / np.isfinite(outside).sum((-2, -1))
        if mode == "paper":
            known = np.isfinite(background)
            background = np.where(known, background, 0).sum(1, keepdims=True) / known.sum(1, keepdims=True)
        return background[..., None, None] - entropy > threshold


def counts_of(
    nets: tuple[str, ...], entropy: np.ndarray, foreground: np.ndarray, threshold: float, mode: Mode = "corrected"
) -> dict[str, Any]:
    """Means over images with their intervals: ``on_object``, ``beside``, ``ratio`` per net, and ``gained``.

    An image without any point has no ratio, as in the released code one of 0.
    """
    points, alive = points_of(entropy, foreground, threshold, mode), np.isfinite(entropy).all((-2, -1))
    on, off = (
        np.where(alive, (points & side).sum((-2, -1)), np.nan).astype(float) for side in (foreground, ~foreground)
    )
    total = np.where(on + off > 0, on + off, np.nan if mode == "corrected" else np.where(alive, 1.0, np.nan))
    gained = np.full(1, np.nan)
    if {"student", "control"} <= set(nets):
        gained = on[nets.index("student")] - on[nets.index("control")]
    return {
        "on_object": tuple(map(over_images, on)),
        "beside": tuple(map(over_images, off)),
        "ratio": tuple(map(over_images, on / total)),
        "gained": over_images(gained),
    }


def warnings_of(entropy: np.ndarray, *, masked: bool) -> tuple[str, ...]:
    """What weakens the numbers."""
    found = [] if masked else ["no masks: the middle of each picture stands for the object"]
    dead = int((~np.isfinite(entropy).all((-2, -1))).any(0).sum())
    if dead:
        found.append(f"noise changes nothing on {dead} of the images in some net; that net leaves them out")
    return tuple(found)


def over_images(values: np.ndarray) -> Interval:
    """Mean of what is known of (I,) values."""
    known = values[np.isfinite(values)]
    return mean_interval(known) if len(known) else Interval(np.nan, np.nan, np.nan, 0, "none")
