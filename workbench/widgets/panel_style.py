"""How panels look: the rules of ``panel.css``, brought along by each panel, whichever of them a page shows."""

from __future__ import annotations

from pathlib import Path

import ipywidgets as widgets

CSS = (Path(__file__).parent / "static" / "panel.css").read_text()


def panel_style() -> widgets.HTML:
    """An element without a size that holds the rules for everything in ``wb-panel``."""
    return widgets.HTML(f"<style>{CSS}</style>", layout={"display": "none"})
