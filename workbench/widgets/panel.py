"""The one verb for live views: any record or result that has a panel."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from workbench.records.arguments import bound
from workbench.records.rooms import beside, shown


def panel(thing: Any, **options: Any) -> widgets.Widget:
    """The live view of a result, a run or a study: its picture, with the controls that change it.

    It stands in ``panel.py`` beside the figure of the thing.

    Args:
        thing: what to look at.
        options: of that panel.

    Raises:
        TypeError: nothing shows it live; the message lists what can be shown. Or the panel has no such option.
    """
    if home := beside(thing, "panel", "lab"):
        arguments = bound(home.panel, (thing,), options, "panel")
        return home.panel(*arguments.args, **arguments.kwargs)
    raise TypeError(f"no panel shows a {type(thing).__name__}; what has one: {', '.join(shown('panel', 'lab'))}")
