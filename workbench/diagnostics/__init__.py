"""Questions about a distillation, one subject per file: arrays, models, a run or a study in, a Result out.

``workbench.diagnostics.flips_of`` and every other question of a run or a study can be reached from here by its name.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent


def __getattr__(name: str) -> Any:
    """A question, in the file that is named as its subject; loaded at first use."""
    if name.startswith("_") or name not in _homes():
        raise AttributeError(f"no diagnostic is called {name!r}; dir(workbench.diagnostics) lists them")
    return getattr(import_module(_homes()[name]), name)


def __dir__() -> list[str]:
    """What can be asked."""
    return sorted(_homes())


@cache
def _homes() -> dict[str, str]:
    """The module of every question: functions that are named after their file, with or without ``_of``, and answer.

    Read from the text, so that nothing is imported before it is asked; a file or folder of this floor goes first.
    """
    taken = {path.name.removesuffix(".py") for path in ROOT.iterdir()}
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("[a-z]*.py"))}
    results = {name for text in texts.values() for name in re.findall(r"^class (\w+)\(Result\):", text, re.MULTILINE)}
    found = {}
    for path, text in texts.items():
        home = ".".join((__name__, *path.relative_to(ROOT).with_suffix("").parts))
        for name, answer in re.findall(r"^def (\w+)\((?:.|\n)*?\) -> (\w+):", text, re.MULTILINE):
            named = name.removesuffix("_of") == path.stem and name not in taken
            if named and answer in results:
                found[name] = home
    return found
