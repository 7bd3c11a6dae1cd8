"""Trained teachers and their outputs on disk, found by what they were made from."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from workbench.data.transfer import TransferSet
from workbench.engine import checkpoint
from workbench.engine.identity import address
from workbench.settings.signature import signature


class CacheMismatch(ValueError):
    """A stored entry belongs to other data or weights than its name says."""


class TeacherCache:
    """Entries are files; each carries what it was made from and is refused if that differs.

    Args:
        folder: made when the first entry is stored.
    """

    def __init__(self, folder: Path) -> None:
        """Remembers the folder."""
        self.folder = folder

    def weights(self, key: str) -> dict[str, Tensor] | None:
        """The state of a trained teacher, None if it was never trained.

        Raises:
            CacheMismatch: the entry says it is another one's.
            CorruptCheckpoint: the file is damaged.
        """
        path = self.folder / f"{key}.safetensors"
        if not path.exists():
            return None
        entry = checkpoint.load(path)
        self._same(path, {"key": (entry["key"], key)})
        return entry["state"]

    def keep_weights(self, key: str, state: dict[str, Tensor]) -> None:
        """Store a trained teacher."""
        checkpoint.save({"key": key, "state": dict(state)}, self.folder / f"{key}.safetensors")

    def outputs(self, weights: str, data: TransferSet) -> Tensor | None:
        """The teacher's outputs on all samples in order, None if they were never computed.

        Args:
            weights: digest of the teacher.
            data: the samples; hash and ids are compared.

        Raises:
            CacheMismatch: the entry is about other weights, data or sample ids.
        """
        path = self._outputs_path(weights, data)
        if not path.exists():
            return None
        entry = checkpoint.load(path)
        self._same(path, {"weights": (entry["weights"], weights), "data": (entry["data"], _digest(data))})
        if not torch.equal(entry["ids"], data.ids.cpu()) or len(entry["outputs"]) != len(data):
            raise CacheMismatch(f"{path} holds other samples than these {len(data)}; delete it to compute them again")
        return entry["outputs"]

    def keep_outputs(self, weights: str, data: TransferSet, outputs: Tensor) -> None:
        """Store a teacher's outputs."""
        entry = {"weights": weights, "data": _digest(data), "ids": data.ids, "outputs": outputs}
        checkpoint.save(entry, self._outputs_path(weights, data))

    def _outputs_path(self, weights: str, data: TransferSet) -> Path:
        return self.folder / f"outputs-{weights}-{_digest(data)}.safetensors"

    @staticmethod
    def _same(path: Path, pairs: dict[str, tuple[str, str]]) -> None:
        for what, (found, wanted) in pairs.items():
            if found != wanted:
                raise CacheMismatch(f"{path} was made from {what} {found}, not {wanted}; delete it to make it again")


def _digest(data: TransferSet) -> str:
    """The samples as a model sees them, the transform included."""
    return address({"samples": data.digest(), "transform": signature(data.transform)})
