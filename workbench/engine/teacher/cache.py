"""Trained teachers and their outputs on disk, found by what they were made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from workbench.data.transfer import TransferSet
from workbench.energy.cost import Cost
from workbench.engine.identity import address
from workbench.engine.training import checkpoint
from workbench.records.code import identity_of


class CacheMismatch(ValueError):
    """A stored entry belongs to other data or weights than its name says."""


class Entry(NamedTuple):
    """Something that was made before.

    Attributes:
        found: a state dict, or outputs.
        cost: of making it; None if that was not written down.
        said: what the teacher of a state dict answered to a few samples, (n, ...); None if that was not written down.
    """

    found: Any
    cost: Cost | None
    said: Tensor | None = None


class TeacherCache:
    """Entries are files; each carries what it was made from and is refused if that differs.

    Args:
        folder: made when the first entry is stored.
        trusts: whether a file is there and may be used.
    """

    def __init__(self, folder: Path, trusts: Callable[[Path], bool] = Path.exists) -> None:
        """Remembers the folder."""
        self.folder, self.trusts = folder, trusts

    def weights(self, key: str) -> Entry | None:
        """The state of a trained teacher, None if it was never trained.

        Raises:
            CacheMismatch: the entry says it is another one's.
            CorruptCheckpoint: the file is damaged.
        """
        path = self.folder / f"{key}.safetensors"
        if not self.trusts(path):
            return None
        entry = checkpoint.load(path)
        self._same(path, {"key": (entry["key"], key)})
        return Entry(entry["state"], _cost(entry), entry.get("said"))

    def keep_weights(
        self, key: str, state: dict[str, Tensor], cost: Cost | None = None, said: Tensor | None = None
    ) -> None:
        """Store a trained teacher, what its training cost, and what it answers to a few samples."""
        entry = {"key": key, "state": dict(state), "cost": None if cost is None else cost.to_dict(), "said": said}
        checkpoint.save(entry, self.folder / f"{key}.safetensors")

    def outputs(self, weights: str, data: TransferSet) -> Entry | None:
        """The teacher's outputs on all samples in order, None if they were never computed.

        Args:
            weights: digest of the teacher.
            data: the samples; hash and ids are compared.

        Raises:
            CacheMismatch: the entry is about other weights, data or sample ids.
        """
        path = self._outputs_path(weights, data)
        if not self.trusts(path):
            return None
        entry = checkpoint.load(path)
        self._same(path, {"weights": (entry["weights"], weights), "data": (entry["data"], _digest(data))})
        if not torch.equal(entry["ids"], data.ids.cpu()) or len(entry["outputs"]) != len(data):
            raise CacheMismatch(f"{path} holds other samples than these {len(data)}; delete it to compute them again")
        return Entry(entry["outputs"], _cost(entry))

    def keep_outputs(self, weights: str, data: TransferSet, outputs: Tensor, cost: Cost | None = None) -> None:
        """Store a teacher's outputs, and what asking for them cost."""
        entry = {"weights": weights, "data": _digest(data), "ids": data.ids, "outputs": outputs}
        entry["cost"] = None if cost is None else cost.to_dict()
        checkpoint.save(entry, self._outputs_path(weights, data))

    def _outputs_path(self, weights: str, data: TransferSet) -> Path:
        return self.folder / f"outputs-{weights}-{_digest(data)}.safetensors"

    @staticmethod
    def _same(path: Path, pairs: dict[str, tuple[str, str]]) -> None:
        for what, (found, wanted) in pairs.items():
            if found != wanted:
                raise CacheMismatch(f"{path} was made from {what} {found}, not {wanted}; delete it to make it again")


def _cost(entry: Mapping[str, Any]) -> Cost | None:
    return None if entry.get("cost") is None else Cost.from_dict(entry["cost"])


def _digest(data: TransferSet) -> str:
    """The samples as a model sees them, the transform included."""
    return address({"samples": data.digest(), "code": identity_of((type(data), data.transform)).digest})
