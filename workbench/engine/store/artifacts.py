"""Tensors of runs as safetensors files, named by their own hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.engine.store.errors import CorruptArtifact, StoreError
from workbench.records.files import WriteFailed, is_old, settle, writing

if TYPE_CHECKING:
    from torch import Tensor

NAME = re.compile(r"[0-9a-f]{64}")


class Artifacts:
    """A folder of files; a file is there whole under the SHA-256 of its bytes, or not at all.

    Args:
        folder: made when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        """Remembers the folder."""
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where a file is, or would be.

        Raises:
            CorruptArtifact: not 64 hexadecimal digits, so that no name can leave the folder.
        """
        if not NAME.fullmatch(digest):
            raise CorruptArtifact(f"{digest!r} is not the name of an artifact: the database row is damaged")
        return self.folder / f"{digest}.safetensors"

    def write(self, tensors: Mapping[str, Tensor]) -> str:
        """Store tensors under any names and return the digest; a damaged file of the same digest is replaced.

        Raises:
            StoreError: it could not be written, for want of space or of permission; nothing is left behind.
        """
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        try:
            with writing(self.folder / "new", SafetensorError) as part:
                save_file({name: t.detach().cpu().clone().contiguous() for name, t in tensors.items()}, part)
                digest = _digest(part)
                settle(part, self.path(digest))
        except WriteFailed as error:
            raise StoreError(str(error)) from error
        return digest

    def read(self, digest: str, prefixes: tuple[str, ...] = ("",)) -> dict[str, Tensor]:
        """The tensors whose names begin with one of the prefixes, after the whole file was checked.

        Raises:
            CorruptArtifact: the file is missing, truncated or changed.
        """
        from safetensors import SafetensorError, safe_open

        path = self.path(digest)
        try:
            if _digest(path) != digest:
                raise CorruptArtifact(f"{path} is damaged: its content has changed since it was stored")
            with safe_open(path, framework="pt") as file:
                return {name: file.get_tensor(name) for name in file.keys() if name.startswith(prefixes)}  # noqa: SIM118
        except FileNotFoundError:
            raise CorruptArtifact(f"{path} is missing") from None
        except (OSError, SafetensorError) as error:
            raise CorruptArtifact(f"{path} cannot be read: {error}") from error

    def holds(self, digest: str) -> bool:
        """Whether the file is there; its content is checked when it is read."""
        return self.path(digest).exists()

    def remove(self, digest: str) -> None:
        """Forget a file, if it is there; a name that can be no file's is none."""
        if NAME.fullmatch(digest):
            self.path(digest).unlink(missing_ok=True)

    def orphans(self, needed: set[str]) -> None:
        """Remove the files that no run needs, left by processes that were killed before they stored theirs.

        A fresh file may belong to a run that is just about to be stored.
        """
        for path in self.folder.glob("*.safetensors"):
            if NAME.fullmatch(path.stem) and path.stem not in needed and is_old(path):
                path.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
