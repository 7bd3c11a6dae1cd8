"""CIFAR archives in the published format with few random images, for tests on machines without the real ones."""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np

from workbench.data.sources import File, Source


def md5(data: bytes) -> str:
    """As publishers state it."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def pack(members: dict[str, bytes], path: Path) -> Source:
    """Write an archive of members; the data set that it is."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    files = tuple(File(name, md5(data)) for name, data in members.items())
    return Source(path.parent.name, (File(path.name, md5(path.read_bytes())),), (), "", files)


def _part(classes: int, per_class: int, key: bytes) -> bytes:
    pixels = np.random.default_rng(per_class).integers(0, 256, (classes * per_class, 3072), dtype=np.uint8)
    return pickle.dumps({b"data": pixels, key: [k % classes for k in range(len(pixels))]}, 2)


def cifar100(classes: int = 100, per_class: int = 4) -> dict[str, bytes]:
    """Members of CIFAR-100: ``per_class`` training images of each class and one test image."""
    return {
        "cifar-100-python/train": _part(classes, per_class, b"fine_labels"),
        "cifar-100-python/test": _part(classes, 1, b"fine_labels"),
        "cifar-100-python/meta": pickle.dumps({b"fine_label_names": [b"fruit %d" % k for k in range(classes)]}, 2),
    }


def cifar10(per_class: int = 2) -> dict[str, bytes]:
    """Members of CIFAR-10: five batches with ``per_class`` images of each class, and one test image of each."""
    batches = {f"cifar-10-batches-py/data_batch_{k}": _part(10, per_class, b"labels") for k in range(1, 6)}
    return batches | {
        "cifar-10-batches-py/test_batch": _part(10, 1, b"labels"),
        "cifar-10-batches-py/batches.meta": pickle.dumps({b"label_names": [b"beast %d" % k for k in range(10)]}, 2),
    }


ARCHIVES = {"cifar10": ("cifar-10-python.tar.gz", cifar10), "cifar100": ("cifar-100-python.tar.gz", cifar100)}
