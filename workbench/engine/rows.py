"""Where samples stand in a transfer set, found by their ids."""

from __future__ import annotations

import torch
from torch import Tensor


class Rows:
    """From ids to rows.

    Args:
        ids: (N,) of the transfer set, distinct.
    """

    def __init__(self, ids: Tensor) -> None:
        """Sorts them once; the last one stands twice, for ids that would come behind it."""
        self.sorted, self.order = ids.sort()
        self.padded, self.in_order = torch.cat([self.sorted, self.sorted[-1:]]), torch.equal(self.sorted, ids)

    def __call__(self, ids: Tensor) -> Tensor:
        """(B,) ids -> (B,) rows.

        Raises:
            KeyError: an id is not in the transfer set.
        """
        at = torch.searchsorted(self.sorted, ids)
        found = self.padded.take(at)
        if not torch.equal(found, ids):
            unknown = ids[found != ids].tolist()
            raise KeyError(
                f"a batch holds samples that are not in the data, ids {unknown[:5]}; its teacher is asked by id"
            )
        return at if self.in_order else self.order[at]
