"""Files that come with the project: reference tables and outcomes."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
PLACES = (PACKAGE.parent / "data", PACKAGE / "shipped")  # a clone, and an installed wheel


def shipped(name: str) -> Path:
    """Where a file or folder of the project's ``data/`` is.

    Args:
        name: relative to it, such as ``reference/cifar100.json``.

    Raises:
        KeyError: there is none; the message lists what is in that folder.
    """
    for place in PLACES:
        if (path := place / name).exists():
            return path
    near = [found.name for place in PLACES for found in sorted((place / name).parent.glob("*"))]
    raise KeyError(f"no file {name!r} comes with the project; beside it there are: {', '.join(near) or 'none'}")
