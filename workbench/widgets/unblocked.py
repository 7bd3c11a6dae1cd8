"""Buttons that act while a cell is running."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets


def unblock(widget: widgets.Widget) -> None:
    """Let the browser's events reach a widget, and all inside it, on the loop that JupyterLab asks for.

    JupyterLab gives widgets a loop (a subshell) of their own, which a running cell does not keep busy. ipykernel 7.4
    overrides that: it answers on the loop that last wrote to the widget, which is the cell's for a widget made in a
    cell. Kernels that do not route so are left alone.
    """
    comm = widget.comm
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = _as_asked
    for child in getattr(widget, "children", ()):
        unblock(child)


def _as_asked(data: Any, asked: str | None) -> str | None:
    return asked
