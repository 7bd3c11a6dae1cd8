"""Plotly's own JavaScript, sent to a page once and shared by every plot on it."""

from __future__ import annotations

import gzip
from importlib.resources import files
from threading import Lock
from typing import ClassVar

from ipywidgets import Widget
from traitlets import Bytes


class PlotlyLibrary(Widget):
    """The bundle as a model without a view; each ``PlotView`` refers to it and never carries it.

    Attributes:
        bundle: plotly.min.js, gzipped: 1.5 MB on the wire instead of 4.8.
    """

    bundle = Bytes(read_only=True).tag(sync=True)

    _shared: ClassVar[PlotlyLibrary | None] = None
    _guard: ClassVar[Lock] = Lock()

    @classmethod
    def shared(cls) -> PlotlyLibrary:
        """The one of this kernel, made at first use and again after ``Widget.close_all()``."""
        with cls._guard:
            if cls._shared is None or cls._shared.comm is None:
                cls._shared = cls()
            return cls._shared

    def __init__(self) -> None:
        """Read and pack the bundle that the installed Plotly brings."""
        source = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
        self.set_trait("bundle", gzip.compress(source, mtime=0))
        super().__init__()
