"""What one forward pass left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Trace:
    """Outputs and named features of one forward pass.

    Attributes:
        outputs: whatever the task's layout says; (B, C) logits for classification.
        features: by the name they were asked for: ``layer``, ``layer:input`` or ``layer:attention``.
    """

    outputs: Tensor
    features: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def logits(self) -> Tensor:
        """The outputs of a classifier, (B, C), in single precision at least: differences of logarithms need it."""
        return _precise(self.outputs)

    def __getitem__(self, layer: str) -> Tensor:
        """The feature recorded under a name, in single precision at least; ``features`` hold it as it was.

        Raises:
            KeyError: nothing was recorded under it; the message lists what was.
        """
        try:
            return _precise(self.features[layer])
        except KeyError:
            raise KeyError(f"no feature {layer!r} in this trace; recorded: {sorted(self.features)}") from None


def _precise(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() and tensor.itemsize < 4 else tensor
