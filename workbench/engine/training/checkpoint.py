"""Nested state on disk without pickle: one sealed file, tensors as safetensors and the rest as JSON inside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from workbench.records.files import SEAL, check, replacing, seal


class CorruptCheckpoint(ValueError):
    """A file that is not what was saved."""


def save(state: Any, path: Path) -> None:
    """Write nested dicts, lists, tuples, arrays, tensors and plain values; the file appears whole or not at all.

    Raises:
        WriteFailed: no space or no permission; the earlier file stays.
    """
    tensors: dict[str, Tensor] = {}
    tree = json.dumps(_encode(state, tensors))
    with replacing(path, SafetensorError) as part:
        save_file(tensors, part, metadata={"tree": tree, "seal": SEAL})
        seal(part)


def load(path: Path) -> Any:
    """The inverse of ``save``.

    Raises:
        CorruptCheckpoint: the file is cut off, changed in any bit, or not a checkpoint.
    """
    try:
        check(path)
        with safe_open(path, framework="pt") as file:
            return _decode(json.loads(file.metadata()["tree"]), file)
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise CorruptCheckpoint(f"{path} is damaged ({error}); delete it to start over") from error


def _encode(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, np.ndarray):
        return {"array": _encode(torch.from_numpy(np.array(value)), tensors)}
    if isinstance(value, Tensor):
        key = str(len(tensors))
        tensors[key] = value.detach().cpu().clone().contiguous()
        return {"tensor": key}
    if isinstance(value, dict):
        return {"dict": [[_encode(k, tensors), _encode(v, tensors)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_encode(v, tensors) for v in value]}
    if isinstance(value, list):
        return [_encode(v, tensors) for v in value]
    return value


def _decode(tree: Any, file: Any) -> Any:
    if isinstance(tree, list):
        return [_decode(v, file) for v in tree]
    if not isinstance(tree, dict):
        return tree
    ((kind, inner),) = tree.items()
    if kind == "tensor":
        return file.get_tensor(inner)
    if kind == "array":
        return _decode(inner, file).numpy()
    if kind == "dict":
        return {_decode(k, file): _decode(v, file) for k, v in inner}
    return tuple(_decode(v, file) for v in inner)
