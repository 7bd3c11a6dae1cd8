"""Linear cka of layers over any number of samples, from batches that are forgotten one after another.

How it is measured: within each batch the unbiased HSIC of every pair of layers is estimated, and the estimates are averaged;
cka is their ratio (Nguyen et al. 2021). Memory is that of one batch's Gram matrices.
Formula: cka = sum_b hsic_b(K, L) / sqrt(sum_b hsic_b(K, K) sum_b hsic_b(L, L))
Reading it: as ``cka`` of ``representation``; the average does not depend on the size of the batches, its noise does.
When it misleads: batches that are sorted by class compare only what differs within a class; shuffle first.
After: Nguyen, Raghu, Kornblith: Do Wide and Deep Networks Learn the Same Things? ICLR 2021.   Cost: O(B^2 D) per batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.arrays import plain, same_samples

if TYPE_CHECKING:
    from torch import Tensor


class RepresentationStream:
    """Adds up batches.

    Args:
        student_layers: S names.
        teacher_layers: T names.

    Attributes:
        n: samples so far.
    """

    def __init__(self, student_layers: tuple[str, ...], teacher_layers: tuple[str, ...]) -> None:
        """Nothing is added yet."""
        self.student_layers, self.teacher_layers, self.n = student_layers, teacher_layers, 0
        size = len(student_layers) + len(teacher_layers)
        self._sums = np.zeros((size, size))

    def add(
        self, student: Mapping[str, ArrayLike], teacher: Mapping[str, ArrayLike], ids: tuple[ArrayLike, ArrayLike]
    ) -> None:
        """One batch of 4 or more samples.

        Args:
            student: by layer, (B, ...).
            teacher: by layer, (B, ...).
            ids: of the samples as the student's and the teacher's features have them.

        Raises:
            KeyError: a layer is missing.
            ValueError: the ids differ, or fewer than 4 samples.
        """
        count = len(plain(ids[0], "ids"))
        same_samples({"student": ids[0], "teacher": ids[1]}, count)
        if count < 4:
            raise ValueError(f"a batch of {count} samples is too small; 4 is the least")
        kernels = [_kernel(student[layer]) for layer in self.student_layers]
        kernels += [_kernel(teacher[layer]) for layer in self.teacher_layers]
        flat = np.stack([kernel.numpy().ravel() for kernel in kernels])
        self._sums += flat @ flat.T / (count * (count - 3))
        self.n += count

    def cka(self) -> np.ndarray:
        """(S, T) of everything added so far; NaN before the first batch, or where a layer never varied."""
        own = np.sqrt(np.clip(np.diag(self._sums), 0, None))
        first = len(self.student_layers)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (self._sums / (own[:, None] * own))[:first, first:]


def _kernel(features: ArrayLike) -> Tensor:
    import torch

    from workbench.maths.representations import u_centred

    table = torch.from_numpy(np.array(features, np.float64)).flatten(1)
    table = table - table.mean(0)
    return u_centred(table @ table.T)
