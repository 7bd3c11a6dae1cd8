"""Questions about a distillation, one subject per file: arrays, models, a run or a study in, a Result out.

``workbench.diagnostics.flips_of`` and every other question of a run or a study can be reached from here by its name.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any


def __getattr__(name: str) -> Any:
    """The question ``<subject>_of``, in the file that is named as its subject."""
    if not name.endswith("_of") or name not in _homes():
        raise AttributeError(f"no diagnostic is called {name!r}; dir(workbench.diagnostics) lists them")
    return getattr(import_module(_homes()[name]), name)


def __dir__() -> list[str]:
    """What can be asked of a run or a study."""
    return sorted(_homes())


@cache
def _homes() -> dict[str, str]:
    """The module of every question: the files that define a function named after them."""
    found = {}
    for path in sorted(Path(__file__).parent.rglob("[a-z]*.py")):
        if f"\ndef {path.stem}_of(" in path.read_text(encoding="utf-8"):
            found[f"{path.stem}_of"] = ".".join(
                (__name__, *path.relative_to(Path(__file__).parent).with_suffix("").parts)
            )
    return found
