"""What logits go through, student's and teacher's alike, before a response method matches them."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from workbench.maths.standardization import standardize, unit_deviation


class LogitTransform(nn.Module):
    """Maps logits (B, C) to logits (B, C); used as ``DKD().through(Standardize())``.

    Class attributes:
        key: its name in a method's configuration, as in ``--set transform=standardize``.
    """

    key: ClassVar[str]


class Standardize(LogitTransform):
    """Mean 0 and unbiased standard deviation 1 in each row, after Sun et al., CVPR 2024."""

    key = "standardize"

    def forward(self, logits: Tensor) -> Tensor:
        """(B, C) -> (B, C)."""
        return standardize(logits)


class UnitDeviation(LogitTransform):
    """A temperature for each row, its unbiased standard deviation, after Chi et al. 2023; the mean stays.

    After a softmax it is ``Standardize``, which also takes the mean away; rows of equal logits stay as they are.
    """

    key = "unit_deviation"

    def forward(self, logits: Tensor) -> Tensor:
        """(B, C) -> (B, C)."""
        return unit_deviation(logits)


TRANSFORMS = {kind.key: kind for kind in (Standardize, UnitDeviation)}


def transform(key: str) -> LogitTransform:
    """A new transform of that key.

    Raises:
        KeyError: there is none; the message lists those there are.
    """
    if key not in TRANSFORMS:
        raise KeyError(f"no logit transform {key!r}; there are: {', '.join(TRANSFORMS)}")
    return TRANSFORMS[key]()
