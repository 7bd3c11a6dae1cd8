"""Where runs, checkpoints and teachers are kept."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """``$WORKBENCH_HOME``, else the user's data folder; made if it is not there."""
    given = os.environ.get("WORKBENCH_HOME")
    if given:
        path = Path(given).expanduser()
    else:
        from platformdirs import user_data_path

        path = user_data_path("kd-workbench")
    path.mkdir(parents=True, exist_ok=True)
    return path
