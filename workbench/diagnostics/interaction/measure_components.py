"""Which directions of a layer carry most of what varies over the samples?

How it is measured: principal components of one layer, found in passes over the samples a chunk at a time, so that a
wide layer need not fit in memory. Formula: ``scores = (features - mean) @ directions``, the directions being the
eigenvectors of the covariance (of the second moments where nothing is subtracted).
Reading it: ``shares`` add up to at most 1; a small ``gap`` to the next eigenvalue means that the two directions can
turn into each other at no cost, so that another model's may be mixtures of both.
When it misleads: components are directions of variance, not of meaning; layers wider than ``EXACT`` are summarised by
a running basis, which is exact only where what is dropped is small.
After: Kang and Kim, ICPR 2026, step 2 (they centre in one study and not in the other).
Cost: two passes over (N, D) and O(N D^2), three passes and O(N D K) where D is above ``EXACT``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from torch import nn

    from workbench.data.transfer import TransferSet

Chunks = Callable[[], Iterable[np.ndarray]]
"""A fresh pass over the samples: (n, D) pieces, together (N, D), the same each time it is called."""

MOST, SHARE = 50, 0.8
"""At most so many components, and at most so large a share of the narrowest layer."""

EXACT = 2048
"""The widest layer whose whole covariance is kept."""

ROWS = 256
NOTHING = 1e-10
"""A component with less than this share of the variance is rounding noise."""


@dataclass(frozen=True)
class Components:
    """The components of one layer, largest first; K of them.

    Attributes:
        scores: (N, K) float32.
        shares: (K,) of the variance, or of the second moment where uncentred.
        gaps: (K,) distance to the next eigenvalue, as a share of one's own; NaN where there are none.
        directions: (D, K) float32, orthonormal columns for principal components.
        centre: (D,) what was subtracted; zeros where uncentred.
    """

    scores: np.ndarray
    shares: np.ndarray
    gaps: np.ndarray
    directions: np.ndarray
    centre: np.ndarray

    def first(self, count: int) -> Components:
        """The first so many of them."""
        parts = {"scores": self.scores[:, :count], "directions": self.directions[:, :count]}
        return replace(self, shares=self.shares[:count], gaps=self.gaps[:count], **parts)


def count_for(widths: Sequence[int]) -> int:
    """How many components to take from layers of these widths: 50, or four fifths of the narrowest."""
    return max(1, min(MOST, int(SHARE * min(widths))))


def components(features: ArrayLike | Chunks, count: int, *, centred: bool = True) -> Components:
    """The first components of a layer.

    Args:
        features: (N, D), or what gives them in pieces.
        count: how many; fewer come back where the rest does not vary.
        centred: subtract the mean first.

    Raises:
        ValueError: fewer than two samples, values that are not finite, or a layer that does not vary at all.
    """
    chunks = features if callable(features) else partial(_pieces, np.asarray(features))
    samples, mean = _mean(chunks)
    centre = mean if centred else np.zeros_like(mean)
    found = (_exact if len(centre) <= EXACT else _running)(chunks, centre, count)
    values, directions, total = found
    kept = min(count, int((values > NOTHING * total).sum())) if total > 0 else 0
    if not kept:
        raise ValueError(f"a layer of width {len(centre)} is the same for all {samples} samples; it has no components")
    directions = directions[:, :kept].astype(np.float32)
    scores = np.concatenate([(piece - centre).astype(np.float32) @ directions for piece in chunks()])
    gaps = (values - np.append(values[1:], 0.0))[:kept] / values[:kept]
    return Components(scores, values[:kept] / total, gaps, directions, centre)


def chunks_of(model: nn.Module, data: TransferSet, layer: str) -> Chunks:
    """Passes of a model over samples that yield one of its layers, a row per sample.

    Args:
        model: in evaluation mode.
        data: the samples.
        layer: ``layer`` or ``layer:input``.

    Raises:
        ValueError: the model has no such layer; the message lists what it has.
    """
    from workbench.models.tracing import Tracer

    def run() -> Iterator[np.ndarray]:
        import torch

        with Tracer(model, [layer]) as tracer:
            for batch in data.batches(ROWS):
                with torch.no_grad():
                    yield tracer(batch.student_inputs)[layer].float().flatten(1).cpu().numpy()

    return run


def _pieces(features: np.ndarray) -> Iterator[np.ndarray]:
    if features.ndim < 2:
        raise ValueError(f"features must be (N, D), got {features.shape}")
    flat = features.reshape(len(features), -1)
    return (flat[start : start + ROWS] for start in range(0, len(flat), ROWS))


def _mean(chunks: Chunks) -> tuple[int, np.ndarray]:
    """Number of samples and (D,) mean."""
    samples, total = 0, np.zeros(1)
    for piece in chunks():
        if not np.isfinite(piece).all():
            raise ValueError("features hold NaN or infinite values; the model's training has diverged")
        samples, total = samples + len(piece), total + piece.sum(axis=0, dtype=np.float64)
    if samples < 2:
        raise ValueError(f"{samples} samples have no components; two or more are needed")
    return samples, total / samples


def _exact(chunks: Chunks, centre: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Eigenvalues (one more than asked for, if there are so many), eigenvectors, and their total."""
    from scipy.linalg import eigh

    moments = np.zeros((len(centre), len(centre)))
    for piece in chunks():
        moved = piece - centre
        moments += moved.T @ moved
    lowest = max(0, len(centre) - count - 1)
    values, vectors = eigh(moments, subset_by_index=(lowest, len(centre) - 1))
    return np.maximum(values[::-1], 0), vectors[:, ::-1], float(np.trace(moments))


def _running(chunks: Chunks, centre: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The same from a basis of twice as many directions that takes in one chunk after another."""
    basis, total = np.zeros((0, len(centre)), np.float32), 0.0
    values = np.zeros(0)
    for piece in chunks():
        moved = (piece - centre).astype(np.float32)
        total += float((moved.astype(np.float64) ** 2).sum())
        rows = np.concatenate([basis, moved])
        values, left = np.linalg.eigh((rows @ rows.T).astype(np.float64))
        values, left = np.maximum(values[::-1], 0), left[:, ::-1]
        kept = min(2 * count, int((values > NOTHING * values[0]).sum()))
        basis = left[:, :kept].T.astype(np.float32) @ rows
    lengths = np.linalg.norm(basis, axis=1)
    return np.square(lengths, dtype=np.float64), (basis / lengths[:, None]).T, total
