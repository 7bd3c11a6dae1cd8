"""Copies of models that can be trained apart from the original."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn


def copied(model: Any) -> Any:
    """A copy of a net, an estimator, or anything that holds some, which shares nothing with the original.

    A copy of a scripted or traced net has weights that were computed from the original's; here they are its own.

    Raises:
        ValueError: it holds a tensor that was computed from its weights and is kept with its gradient, which PyTorch cannot
            copy.
    """
    try:
        made = copy.deepcopy(model)
    except RuntimeError as error:
        if "leaves" not in str(error):
            raise
        raise ValueError(
            f"a {type(model).__name__} cannot be copied: it keeps a tensor computed from its weights together with its "
            "gradient, as torch.nn.utils.weight_norm does (torch.nn.utils.parametrizations.weight_norm does not); give a "
            "student as a factory and a teacher as a function of its inputs, or detach that tensor"
        ) from error
    if isinstance(made, nn.Module):
        for own, given in zip(made.parameters(), model.parameters(), strict=True):
            if not own.is_leaf:
                own.detach_().requires_grad_(given.requires_grad)
    return made
