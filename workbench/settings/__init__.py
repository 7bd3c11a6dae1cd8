"""Stages to play on: data, teacher recipe, student factory and score, one per file.

``workbench.settings.Digits`` and every other setting can be reached from here by class name.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """The setting class of a name."""
    if name.startswith("_"):
        raise AttributeError(name)
    from workbench.settings.catalog import find

    try:
        return find(name)
    except KeyError as error:
        raise AttributeError(error.args[0]) from None


def __dir__() -> list[str]:
    """The class names of all settings."""
    from workbench.settings.catalog import catalog

    return sorted(cls.__name__ for cls in catalog().values())
