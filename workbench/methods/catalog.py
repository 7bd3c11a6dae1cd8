"""Finds the methods by walking the package; nothing is registered by hand."""

from __future__ import annotations

import copy
import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import Any

from workbench.methods.method import Method
from workbench.records.names import key_of
from workbench.records.parameters import check, parameters, spoken
from workbench.records.plugins import is_file, outside


@cache
def catalog() -> dict[str, type[Method]]:
    """Every method by its key, the name of its file; families in alphabetical order; ``parts`` holds none.

    Raises:
        RuntimeError: two files share a name, or a file does not define exactly one method.
    """
    found: dict[str, type[Method]] = {}
    folders = {m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.ispkg}
    for family in sorted(folders - {"parts"}):
        package = importlib.import_module(f"workbench.methods.{family}")
        for module_info in pkgutil.iter_modules(package.__path__):
            key = module_info.name
            if key in found:
                raise RuntimeError(
                    f"two methods are called {key!r}: {found[key].__module__} and {package.__name__}.{key}"
                )
            found[key] = _the_method(importlib.import_module(f"{package.__name__}.{key}"))
    return found


def find(name: str) -> type[Method]:
    """The method of a key, alias or class name, ignoring case, hyphens and underscores.

    Raises:
        KeyError: no method has that name; the message names the nearest.
    """
    return catalog()[key_of("method", name, spellings())]


def spellings() -> dict[str, str]:
    """The key of every name a method has: key, class name and aliases."""
    return {n: key for key, cls in catalog().items() for n in (key, cls.__name__, *cls.aliases)}


def parts_of(name: str) -> list[str]:
    """The names in that of a composition, or the one of a method; ``kd++`` is ``kd+norm_direction``, as in the tables."""
    if is_file(name) and Path(name.rpartition(":")[0]).is_file():
        return [name]
    return name.replace("++", "+norm_direction").split("+")


def as_method(given: Any) -> Method:
    """A method: as it is, of a class with its defaults, or by a name that ``make`` knows.

    Raises:
        TypeError: It is none of these.
        KeyError: Unknown name; the message names the nearest.
        ValueError: A file or a package that cannot be used.
    """
    if isinstance(given, str):
        return make(given)
    if isinstance(given, type) and issubclass(given, Method):
        return given()
    if not isinstance(given, Method):
        raise TypeError(
            f"{spoken(given)} is not a method; give objects such as methods.KD(temperature=4.0), or names: 'kd'"
        )
    return given


def make(name: str, settings: dict[str, Any] | None = None) -> Method:
    """A method by name, with checked parameters.

    Args:
        name: ``kd``, a composition such as ``kd+crd``, or ``kd++`` for ``kd+norm_direction``, as the tables have it. The
            labels of a composition weigh what they weigh in its first method; ``kd+crd`` and ``kd++`` have the weights
            that they were published with. ``file.py:Name`` is a class or an object in a file; names that installed
            packages announce as entry points are known, too.
        settings: values by parameter; of a sum by method and parameter, such as ``crd.weight``.

    Raises:
        KeyError: unknown method or parameter.
        ValueError: a value that is not allowed, or a file or package that cannot be used.
    """
    settings = settings or {}
    first, *rest = [class_or_method(part) for part in parts_of(name)]
    if isinstance(first, type) and not rest:
        known = {key: check(first, key, value) for key, value in settings.items() if key in parameters(first)}
        made = first(**known)
        settings = {key: value for key, value in settings.items() if key not in known}
    else:
        made = _instance(first)
    for part in rest:
        made = made + _instance(part)
    for key, value in settings.items():
        made.change(key.removeprefix(f"{made.name}."), value)  # a composition may be one method
    return made


def class_or_method(name: str) -> type[Method] | Method:
    """What one name stands for, before it is configured.

    Raises:
        KeyError: unknown method.
        ValueError: a file or package that cannot be used.
    """
    found = outside("method", name, spellings())
    if found is None:
        return find(name)
    if isinstance(found, Method) or (isinstance(found, type) and issubclass(found, Method)):
        return found
    raise ValueError(
        f"{name} is a {type(found).__name__}; a subclass of workbench.methods.Method is needed, or one object"
    )


def _instance(found: type[Method] | Method) -> Method:
    return copy.deepcopy(found) if isinstance(found, Method) else found()


def check_task(task: str, method: Method) -> None:
    """Refuse a method that does not know what a task's outputs are.

    Raises:
        ValueError: the method does not support the task; the message lists those that do.
    """
    if task in method.tasks:
        return
    fitting = [key for key, cls in catalog().items() if task in cls.tasks]
    texts = "; the settings tiny_lm and tiny_encoder have texts for it" if "tokens" in method.tasks else ""
    raise ValueError(
        f"{method.name} works on {', '.join(method.tasks)}; this setting's task is {task}, "
        f"for which there {'are: ' + ', '.join(fitting) if fitting else 'is no method yet'}{texts}"
    )


def family_of(method: type[Method]) -> str:
    """The family: the folder its file is in; ``your own`` for a method that is not in the package."""
    module = method.__module__
    return module.rsplit(".", 2)[-2] if module.startswith("workbench.methods.") else "your own"


def _the_method(module: Any) -> type[Method]:
    own = [
        c
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, Method) and c.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise RuntimeError(f"{module.__name__} must define exactly one method, found {len(own)}")
    return own[0]
