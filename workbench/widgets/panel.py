"""The one verb for live views: any record or result that has a panel."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import ipywidgets as widgets

from workbench.records.arguments import bound


def panel(thing: Any, **options: Any) -> widgets.Widget:
    """The live view of a result, a run or a study: its picture, with the controls that change it.

    The panel lives in the module of this floor that is named as the module of the thing's class, as a figure does.

    Args:
        thing: what to look at.
        options: of that panel.

    Raises:
        TypeError: nothing here shows it live; the message lists what can be shown. Or the panel has no such option.
    """
    for kind in type(thing).__mro__:
        if kind.__module__.startswith("workbench.") and (module := _module(kind.__module__.rpartition(".")[2])):
            arguments = bound(module.panel, (thing,), options, "panel")
            return module.panel(*arguments.args, **arguments.kwargs)
    raise TypeError(f"no panel shows a {type(thing).__name__}; what has one: {', '.join(shown())}")


def shown() -> list[str]:
    """The subjects that have a panel."""
    return [path.stem for path in sorted(Path(__file__).parent.glob("*.py")) if _module(path.stem)]


def _module(name: str) -> ModuleType | None:
    if name == "panel" or not (Path(__file__).parent / f"{name}.py").exists():
        return None
    module = import_module(f"workbench.widgets.{name}")
    return module if callable(getattr(module, "panel", None)) else None
