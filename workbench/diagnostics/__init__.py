"""Questions about a distillation, one folder each: arrays, models, a run or a study in, a Result out.

The folder holds the measure, its figure and its panel. Every question can be reached from here by its name:
``workbench.diagnostics.flips`` takes arrays, ``workbench.diagnostics.flips_of`` a run or a study. A folder can be called
as the function of the same name, which ``import`` would hide otherwise.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from workbench.records.rooms import Room

ROOT = Path(__file__).parent


class _Floor(ModuleType):
    """This package; the import system binds the folders of questions to it as they are loaded."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Make the folder of a question callable."""
        if type(value) is ModuleType and name in vars(value):
            value.__class__ = Room
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Floor


def __getattr__(name: str) -> Any:
    """A question; its folder is loaded at first use."""
    if (folder := name.removesuffix("_of")) in questions():
        found = vars(import_module(f"{__name__}.{folder}"))
        if name in found:
            return globals().get(name, found[name])
    raise AttributeError(f"no diagnostic is called {name!r}; dir(workbench.diagnostics) lists them")


def __dir__() -> list[str]:
    """What can be asked; read from what the folders export, so that nothing is imported before it is asked."""
    exported = {name: (ROOT / name / "__init__.py").read_text(encoding="utf-8") for name in questions()}
    return sorted(ask for name, text in exported.items() for ask in (name, f"{name}_of") if f" as {ask}\n" in text)


def questions() -> list[str]:
    """The folders that have a measure."""
    return sorted(path.parent.name for path in ROOT.glob("*/measure.py"))
