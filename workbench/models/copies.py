"""Copies of models that can be trained apart from the original."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from torch import Tensor, nn

_OF_TORCH = frozenset(vars(nn.Module()))
"""Attributes that every net has; what is registered is among them."""


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


def own_state(model: Any) -> None:
    """Give a new net copies of the tensors, arrays and nets in its plain attributes, which others may hold as well.

    Training trains what is registered; a plain attribute that is shared would be changed for all that hold it, by a net
    that writes on it in place or leaves gradients there. References to parts of the net itself stay what they are.
    """
    if not isinstance(model, nn.Module):
        return
    parts = [*model.modules(), *model.parameters(), *model.buffers()]
    known = {id(part): part for part in parts}
    for module in model.modules():
        for name, value in vars(module).items():
            if name not in _OF_TORCH and _holds_numbers(value, {*known}):
                vars(module)[name] = copy.deepcopy(value, known)


def _holds_numbers(value: Any, known: set[int]) -> bool:
    """Whether a value, or an entry of a plain container, is a tensor, array or net that is not part of the net itself."""
    if id(value) in known:
        return False
    if isinstance(value, Tensor):
        return value.is_leaf  # PyTorch copies no others, and training changes none
    if type(value) in (list, tuple, set, dict):
        known = known | {id(value)}
        return any(_holds_numbers(each, known) for each in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, np.ndarray | nn.Module)
