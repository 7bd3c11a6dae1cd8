"""Reads the CIFAR archives as published, without letting their pickles run code."""

from __future__ import annotations

import codecs
import io
import pickle
import tarfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.data.locate import locate, present
from workbench.data.sources import Source

RECONSTRUCT = np.empty(0).__reduce__()[0]
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): codecs.encode,  # how bytes are written at protocol 2
}


@dataclass(frozen=True)
class Images:
    """A data set of colour images in memory.

    Attributes:
        train: (N, 3, 32, 32) uint8.
        train_labels: (N,) int64.
        test: like ``train``.
        test_labels: like ``train_labels``.
        names: of the classes.
    """

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor
    names: tuple[str, ...]


def load_cifar(source: Source) -> Images:
    """CIFAR-10 or CIFAR-100, from the archive or from its unpacked folder.

    Raises:
        DataUnavailable: it is not here and cannot be downloaded.
        ValueError: it is not the published one.
    """
    parts = {name.rpartition("/")[2]: unpickle(data) for name, data in _members(source).items()}
    fine = b"fine_labels" if "train" in parts else b"labels"
    names = parts["meta"][b"fine_label_names"] if "train" in parts else parts["batches.meta"][b"label_names"]
    test = [part for name, part in parts.items() if name.startswith("test")]
    train = [part for name, part in parts.items() if name.startswith(("train", "data_batch"))]
    return Images(*_stack(train, fine), *_stack(test, fine), tuple(name.decode() for name in names))


def unpickle(data: bytes) -> Any:
    """A pickle that holds arrays, lists, dicts, numbers and text only.

    Raises:
        ValueError: it asks for anything else, or is no pickle.
    """
    try:
        return _ArraysOnly(io.BytesIO(data), encoding="bytes").load()
    except (pickle.UnpicklingError, EOFError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a pickle of arrays: {error}") from error


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may call; anything else is refused."""
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is refused")
        return ALLOWED[module, name]


def _members(source: Source) -> dict[str, bytes]:
    paths = {file.name: present(source, file) for file in source.members}
    if all(paths.values()):
        return {name: path.read_bytes() for name, path in paths.items() if path}
    wanted = list(paths)
    with tarfile.open(locate(source, source.files[0])) as archive:
        found = {member.name: archive.extractfile(member).read() for member in archive if member.name in wanted}
    if missing := sorted(set(wanted) - set(found)):
        raise ValueError(f"{source.files[0].name} lacks {missing}")
    return {name: found[name] for name in wanted}


def _stack(parts: list[dict[bytes, Any]], key: bytes) -> tuple[Tensor, Tensor]:
    """Rows of 3,072 bytes, all red before all green before all blue, become images."""
    rows = np.concatenate([part[b"data"] for part in parts])
    labels = [label for part in parts for label in part[key]]
    return torch.from_numpy(rows.reshape(-1, 3, 32, 32).copy()), torch.tensor(labels, dtype=torch.int64)
