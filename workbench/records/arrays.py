"""Named arrays in one sealed ``.npz`` file, without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from workbench.records.files import SEAL, Damaged, check, replacing, seal


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the file whole; its checksum is the comment of the archive.

    Raises:
        WriteFailed: no space, no permission, or no such folder.
    """
    with replacing(path) as part:
        with part.open("wb") as file:
            named: dict[str, Any] = dict(arrays)  # none of them is an option of the function
            np.savez_compressed(file, **named)
        with ZipFile(part, "a") as archive:
            archive.comment = SEAL.encode()
        seal(part)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """The inverse of ``save_arrays``.

    Raises:
        Damaged: the file is cut off, changed in any bit, or another kind of file.
        OSError: it cannot be read.
    """
    try:
        check(path)
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:
        raise Damaged(f"{error}; delete it and save it again") from error
