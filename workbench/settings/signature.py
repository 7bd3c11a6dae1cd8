"""Short texts that tell two models, factories or transforms apart, the same in every process."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import is_dataclass
from types import CodeType
from typing import Any

import torch
from torch import nn

from workbench.functional.randomness import kept


def is_model(thing: Any) -> bool:
    """Whether it is a model already, a net or a scikit-learn estimator, and no factory of one."""
    return isinstance(thing, nn.Module) or (hasattr(thing, "get_params") and not isinstance(thing, type))


def signature(thing: Any) -> str:
    """What tells a thing apart: a net's structure and weights, a factory's name, arguments and net, or its text.

    A factory is told apart by the structure of what it makes, not by the weights, which the seed draws.
    """
    if thing is None:
        return ""
    if isinstance(thing, nn.Module):
        return f"{structure(thing)} {_weights(thing)}"
    if is_dataclass(thing) or is_model(thing):
        return repr(thing)
    return _name(thing)


def factory_signature(factory: Callable[[], Any]) -> str:
    """Name of a factory and structure of the net it makes; the random state stays as it was."""
    with kept():
        made = factory()
    return f"{_name(factory)} {structure(made) if isinstance(made, nn.Module) else repr(made)}"


def structure(module: nn.Module) -> str:
    """The classes, layers and parameter shapes of a net, 16 hexadecimal digits."""
    shapes = [(name, tuple(value.shape)) for name, value in module.state_dict().items()]
    return hashlib.sha256(f"{type(module).__module__}.{module!r}{shapes}".encode()).hexdigest()[:16]


def _weights(module: nn.Module) -> str:
    sha = hashlib.sha256()
    for value in module.state_dict().values():
        if isinstance(value, torch.Tensor):
            sha.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()[:16]


def _name(function: Callable[..., Any]) -> str:
    if isinstance(function, functools.partial):
        words = [*map(repr, function.args), *(f"{key}={value!r}" for key, value in function.keywords.items())]
        return f"{_name(function.func)}({', '.join(words)})"
    owner = function if hasattr(function, "__qualname__") else type(function)
    code = getattr(function, "__code__", None)
    text = f" {hashlib.sha256(_code(code)).hexdigest()[:16]}" if code else ""
    return f"{owner.__module__}.{owner.__qualname__}{text}"


def _code(code: CodeType) -> bytes:
    """What a function does, without the line it stands in: a cell that was edited is another function."""
    parts = [_code(part) if isinstance(part, CodeType) else repr(part).encode() for part in code.co_consts]
    return b"\0".join([code.co_code, repr(code.co_names).encode(), *parts])
