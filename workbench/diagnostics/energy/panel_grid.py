"""Boxes for the electricity: empty at first, because no number of ours stands for anybody's grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from workbench.energy.carbon import Grid

BOXES = {
    "g_per_kwh": ("g CO2e per kWh", "unset"),
    "source": ("source", "who says so"),
    "year": ("year", "of the number"),
    "region": ("region", "it holds for"),
    "pue": ("PUE", "1.0"),
}


class GridFields(widgets.Accordion):
    """Five boxes; carbon is shown once intensity, source, year and region are all there.

    Args:
        on_change: called after every change.
        values: texts by name of the box, as ``values`` gives them.
    """

    def __init__(self, on_change: Callable[[], object], values: Mapping[str, str] | None = None) -> None:
        """Folded away."""
        given = values or {}
        self.boxes = {
            name: widgets.Text(
                given.get(name, ""),
                description=words,
                placeholder=hint,
                continuous_update=False,
                style={"description_width": "8.5em"},
                layout={"width": "20em"},
            )
            for name, (words, hint) in BOXES.items()
        }
        row = widgets.Box([*self.boxes.values()], layout={"flex_flow": "row wrap"})
        super().__init__([row], titles=("Carbon: tell the grid's intensity and where it is from",), selected_index=None)
        for box in self.boxes.values():
            box.observe(lambda _: on_change(), "value")

    @property
    def values(self) -> dict[str, str]:
        """What is written in the boxes."""
        return {name: box.value for name, box in self.boxes.items()}

    def grid(self) -> Grid | None:
        """The electricity; None while the intensity is unset.

        Raises:
            ValueError: a box holds no number, or source, year or region are missing.
        """
        written: dict[str, Any] = {name: box.value.strip() for name, box in self.boxes.items()}
        if not written["g_per_kwh"]:
            return None
        for name, kind in (("g_per_kwh", float), ("year", int), ("pue", float)):
            written[name] = self._number(name, written[name], kind)
        return Grid(**written)

    @staticmethod
    def _number(name: str, text: str, kind: type) -> Any:
        try:
            return kind(text) if text else {"year": 0, "pue": 1.0}[name]
        except ValueError:
            raise ValueError(f"{BOXES[name][0]} is {text!r}, which is not a number") from None
