"""How do samples lie to each other in a model's outputs, seen in two dimensions?

How it is measured: the outputs are centred and projected on the two directions in which they vary most.

Formula:
    points = (Z - mean Z) V_2 with Z = U S V' the singular value decomposition of the centred (N, D) outputs.

Reading it: neighbours get similar outputs; a class is an arm that leaves the crowd, and doubtful samples lie between.
When it misleads: two directions carry only part of the variance (``share``); far apart here is far apart, but close
here need not be close. The axes have no unit and their signs mean nothing.
After: principal component analysis (Pearson 1901). Cost: O(N D^2); 10 ms for N = 10,000 and D = 10.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import numbers
from workbench.records.arguments import checked_arguments
from workbench.records.result import Result
from workbench.records.wording import percent, plural


@dataclass(frozen=True)
class Projection(Result):
    """Samples in the plane.

    Attributes:
        points: (N, 2) positions.
        share: part of the variance that the two directions carry, in [0, 1].
    """

    points: np.ndarray
    share: float

    def explain(self) -> str:
        """What the plane holds, in one sentence."""
        return f"Two directions carry {percent(self.share)} of the variance of the outputs on {plural(len(self.points), 'sample')}."


@checked_arguments
def projection(outputs: ArrayLike) -> Projection:
    """Project (N, D) outputs on their two principal directions; the larger part of each direction points upwards.

    Raises:
        ValueError: not (N, D) with one sample or more, or a value is not finite.
    """
    values = numbers(outputs, "outputs", shape="(N, D) with at least one sample", ndim=2).astype(np.float64)
    centred = values - values.mean(0)
    _, scales, directions = np.linalg.svd(centred, full_matrices=False)
    directions = np.vstack([directions, np.zeros((2, values.shape[1]))])[:2]
    signs = np.sign(directions[np.arange(2), np.abs(directions).argmax(1)])
    total = float((scales**2).sum())
    return Projection(
        centred @ (directions * signs[:, None]).T, float((scales[:2] ** 2).sum()) / total if total else 1.0
    )
