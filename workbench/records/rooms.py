"""Folders that are named after what they do: called as a function, and searched for a figure or a panel."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = Path(__file__).parents[1]


class Room(ModuleType):
    """A folder that holds a function of its own name, and can be called as that function.

    ``import`` binds a folder in its parent, where the name would hide the function.
    """

    def __call__(self, *args: Any, **named: Any) -> Any:
        """What the function gives."""
        return self._asked(*args, **named)

    @property
    def __signature__(self) -> inspect.Signature:
        """The parameters of the function, for help and completion."""
        return inspect.signature(self._asked)

    @property
    def _asked(self) -> Any:
        return vars(self)[self.__name__.rpartition(".")[2]]

    def __reduce__(self) -> Any:
        """By its name, so that it can be handed to another process as a function can."""
        return import_module, (self.__name__,)


def beside(thing: Any, part: str, elsewhere: str) -> ModuleType | None:
    """The module that shows a thing.

    Args:
        thing: an object of the workbench; a subclass is shown as its parent.
        part: ``figure`` or ``panel``: for the results of ``diagnostics``, this module of the question's folder.
        elsewhere: for all other things, the folder with a module named as the module of the thing's class.
    """
    for kind in type(thing).__mro__:
        package, _, module = kind.__module__.rpartition(".")
        home = (
            f"{package}.{part}" if package.startswith("workbench.diagnostics.") else f"workbench.{elsewhere}.{module}"
        )
        if (
            package.startswith("workbench.")
            and find_spec(home)
            and callable(vars(found := import_module(home)).get(part))
        ):
            return found
    return None


def shown(part: str, elsewhere: str) -> list[str]:
    """What ``beside`` finds a module for: names of questions, and of modules elsewhere."""
    asked = [path.parent.name for path in (PACKAGE / "diagnostics").glob(f"*/{part}.py")]
    others = [path.stem for path in (PACKAGE / elsewhere).glob("[a-z]*.py")]
    return sorted(asked + [n for n in others if callable(vars(import_module(f"workbench.{elsewhere}.{n}")).get(part))])
