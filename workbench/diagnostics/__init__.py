"""Questions about a distillation, one subject per file: arrays, models, a run or a study in, a Result out.

Every question can be reached from here by its name: ``workbench.diagnostics.flips`` takes arrays,
``workbench.diagnostics.flips_of`` a run or a study. ``workbench.diagnostics.agreement`` is both the folder of its subject
and the function: it can be called.
"""

from __future__ import annotations

import inspect
import re
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parent


class _Subject(ModuleType):
    """A subject's folder or file that can be called as the question of the same name."""

    def __call__(self, *args: Any, **named: Any) -> Any:
        """The answer of the question."""
        return self._question(*args, **named)

    @property
    def __signature__(self) -> inspect.Signature:
        """The parameters of the question, for help and completion."""
        return inspect.signature(self._question)

    @property
    def _question(self) -> Any:
        name = self.__name__.rpartition(".")[2]
        return getattr(import_module(_homes()[name]), name)

    def __reduce__(self) -> Any:
        """By its name, so that it can be handed to another process as a function can."""
        return import_module, (self.__name__,)


class _Floor(ModuleType):
    """This package; the import system binds the subjects' folders to it as they are loaded."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Make a subject that shares its name with a question callable."""
        if type(value) is ModuleType and ((ROOT / name / f"{name}.py").exists() or hasattr(value, name)):
            value.__class__ = _Subject
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Floor


def __getattr__(name: str) -> Any:
    """A question, in the file that is named as its subject; loaded at first use."""
    if name.startswith("_") or name not in _homes():
        raise AttributeError(f"no diagnostic is called {name!r}; dir(workbench.diagnostics) lists them")
    found = import_module(_homes()[name])
    return globals().get(name) or getattr(found, name)


def __dir__() -> list[str]:
    """What can be asked."""
    return sorted(_homes())


@cache
def _homes() -> dict[str, str]:
    """The module of every question: functions that are named after their file, with or without ``_of``, and answer.

    Read from the text, so that nothing is imported before it is asked.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("[a-z]*.py"))}
    results = {name for text in texts.values() for name in re.findall(r"^class (\w+)\(Result\):", text, re.MULTILINE)}
    found = {}
    for path, text in texts.items():
        home = ".".join((__name__, *path.relative_to(ROOT).with_suffix("").parts))
        for name, answer in re.findall(r"^def (\w+)\((?:.|\n(?!def ))*?\) -> (\w+):", text, re.MULTILINE):
            if name.removesuffix("_of") == path.stem and answer in results:
                found[name] = home
    return found
