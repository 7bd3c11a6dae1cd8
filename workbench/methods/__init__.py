"""One distillation method per file, grouped by what is matched.

``workbench.methods.KD`` and every other class of the catalogue can be reached from here by class name.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """The method class of a name; the catalogue is walked at first use."""
    if name.startswith("_"):
        raise AttributeError(name)
    from workbench.methods.catalog import find

    try:
        return find(name)
    except KeyError as error:
        raise AttributeError(error.args[0]) from None


def __dir__() -> list[str]:
    """The class names of the catalogue."""
    from workbench.methods.catalog import catalog

    return sorted(cls.__name__ for cls in catalog().values())
