"""Where runs, checkpoints and teachers are kept."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.records.files import WriteFailed


def home() -> Path:
    """``$WORKBENCH_HOME``, else the user's data folder; made if it is not there.

    Raises:
        WriteFailed: it is not there and cannot be made.
        ValueError: it begins with the home of a user who is not known.
    """
    given = os.environ.get("WORKBENCH_HOME")
    if given:
        try:
            path = Path(given).expanduser()
        except RuntimeError as error:
            raise ValueError(f"WORKBENCH_HOME={given}: {error}") from error
    else:
        from platformdirs import user_data_path

        path = user_data_path("kd-workbench")
    return make_folder(path)


def make_folder(path: Path) -> Path:
    """The folder, made if it is not there.

    Raises:
        WriteFailed: it is not there and cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteFailed(f"could not make the folder {path}: {error.strerror}") from error
    return path
