"""Tensors and nets as bytes and plain values, without importing PyTorch: where it is not loaded, there are none."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

LEFT_OUT = ("training", "_compiled_call_impl", "_graph")
"""Attributes of a net that the engine sets itself, or that PyTorch makes from others."""


def is_tensor(thing: Any) -> bool:
    """Whether it is a tensor of PyTorch."""
    return isinstance(thing, getattr(sys.modules.get("torch"), "Tensor", ()))


def is_net(thing: Any) -> bool:
    """Whether it is a module of PyTorch."""
    return isinstance(thing, getattr(sys.modules.get("torch.nn"), "Module", ()))


def tensor_words(tensor: Any) -> str:
    """Shape, type and whether it is trained."""
    return f"{tuple(tensor.shape)} {tensor.dtype} {tensor.layout} {tensor.requires_grad}"


def tensor_parts(tensor: Any) -> tuple[list[np.ndarray], int]:
    """Its bytes, and where it is stored; 0 unless it is trained."""
    plain, strided = tensor.detach(), tensor.layout is sys.modules["torch"].strided
    if plain.is_meta:
        return [], 0
    if plain.is_quantized:
        return [_bytes(plain.int_repr()), _bytes(plain.dequantize())], 0
    stored = plain.untyped_storage().data_ptr() if tensor.requires_grad and strided else 0
    return [_bytes(plain if strided else plain.to_dense())], stored


def net_state(net: Any) -> Mapping[str, Any]:
    """The attributes of a net; of hooks what is called, since their keys are counted through the whole process."""
    torch = sys.modules["torch"]
    if isinstance(net, torch.jit.ScriptModule):
        return {"code": [getattr(part, "code", "") for part in net.modules()], "state": dict(net.state_dict())}
    if type(net).__name__ == "OptimizedModule":  # of torch.compile, which computes what the net inside does
        return {"_orig_mod": net._orig_mod}
    found = {}
    for name, value in vars(net).items():
        bookkeeping = name.startswith("_") and (not value if isinstance(value, dict | set) else value is None)
        if name in LEFT_OUT or bookkeeping or "state_dict" in name:
            continue
        found[name] = list(value.values()) if "_hooks" in name and isinstance(value, dict) else value
    return found


def _bytes(tensor: Any) -> np.ndarray:
    plain = tensor.resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
    return plain.view(sys.modules["torch"].uint8).numpy()
