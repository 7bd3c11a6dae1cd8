"""The interaction tensor, live: sliders for threshold and components with the numbers of features, and a feature's card."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Self

import ipywidgets as widgets
import numpy as np

from workbench.data.transfer import TransferSet
from workbench.diagnostics.interaction.measure import MEASURED, Interaction, reach
from workbench.diagnostics.interaction.measure_again import Reconstruction
from workbench.diagnostics.interaction_feature.measure import interaction_feature
from workbench.drawing.draw import draw
from workbench.records.selection import Selection
from workbench.widgets.controls import NAME, PLACE
from workbench.widgets.panel_style import panel_style
from workbench.widgets.plot_view import PlotView
from workbench.widgets.unblocked import unblock

VIEWS = ("frequency", "common", "per_sample", "samples", "confidence", "network")

WIDE = {"flex": "1 1 26em", "min_width": "0", "width": "auto"}


def panel(result: Interaction, **options: Any) -> InteractionPanel:
    """The tensor with its sliders where the result stands."""
    return InteractionPanel(result, **options)


class InteractionPanel(widgets.VBox):
    """Move the threshold or the number of components, and the features are counted again; choose one, and see it.

    Args:
        result: where to start; ``result`` is what is shown now.
        samples: the test samples, so that a feature's card can show them as pictures.
        state: of an earlier one, as ``state`` gives it.
    """

    def __init__(
        self, result: Interaction, *, samples: TransferSet | None = None, state: Mapping[str, Any] | None = None
    ) -> None:
        """Shows the result as it is."""
        state = state or {}
        self._again, self._samples, self._told = Reconstruction(result), samples, list[Callable[[Selection], object]]()
        self.result = result
        self.threshold, self.components, self.view, self.feature = _controls(self._again, result)
        self.numbers, self.table, self.notes = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.picture = PlotView(draw(result), label="Features of groups of models")
        self.card = PlotView(height=520, label="One feature")
        super().__init__(self._arranged(), layout={"width": "100%"})
        self.add_class("wb-panel")
        for name, value in state.items():
            getattr(self, name).value = value
        for control in (self.threshold, self.components):
            control.observe(lambda _: self._move(), "value")
        self.view.observe(lambda _: self._show(), "value")
        self.feature.observe(lambda _: self._show_card(), "value")
        self.picture.on_click(self._clicked)
        self._move() if state else self._show()
        self._show_card()
        unblock(self)

    def on_selection(self, callback: Callable[[Selection], object]) -> None:
        """Call back with the strongest samples of each feature that is chosen."""
        self._told.append(callback)

    def choose(self, selection: Selection) -> None:
        """Show the feature whose use stands out most on these samples."""
        self.feature.value = self._again.chosen(self.result, selection.ids)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same result."""
        return {name: getattr(self, name).value for name in ("threshold", "components", "view", "feature")}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: Interaction, **options: Any) -> Self:
        """The inverse of ``state``."""
        return cls(result, state=state, **options)

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        counts = ", ".join(f"{n} {k}" for n, k in zip(self.result.group_names, self.result.unique, strict=True))
        return f"InteractionPanel({self.result.features} features: {counts})"

    # --- event wiring ------------------------------------------------------------------------------------------
    def _arranged(self) -> list[widgets.Widget]:
        head = widgets.HTML('<div class="wb-head">Features that models share</div>')
        sliders = widgets.Box([self.threshold, self.components], layout={"flex_flow": "row wrap", "width": "100%"})
        choice = widgets.HBox([widgets.Label("view"), self.view], layout={"flex_flow": "row wrap"})
        hint = widgets.HTML('<div class="wb-hint">Click a point of a curve to see that feature.</div>')
        for each in (self.picture, self.card):
            each.layout = widgets.Layout(width="100%")
        right = widgets.VBox([self.feature, self.card], layout=WIDE)
        left = widgets.VBox([choice, self.picture, hint], layout=WIDE)
        pair = widgets.Box([left, right], layout={"flex_flow": "row wrap", "width": "100%"})
        self.table.add_class("wb-table")
        return [panel_style(), head, sliders, self.numbers, pair, self.notes, self.table]

    def _move(self) -> None:
        self.result = self._again(self.threshold.value, self.components.value)
        self._show()
        last = self.result.features - 1
        if self.feature.value > last:
            self.feature.value = last  # tells
            self.feature.max = last
        else:
            self.feature.max = last
            self._show_card()

    def _show(self) -> None:
        result = self.result
        counts = ", ".join(
            f"<b>{escape(name)}</b> {used:,} ({models} model{'s' if models > 1 else ''})"
            for name, used, models in zip(result.group_names, result.unique, np.bincount(result.group), strict=True)
        )
        some = f" Frequencies are of {result.n:,} evenly spread samples." if self._again.every > 1 else ""
        text = f"{result.features:,} features{self._elsewhere()}; in use by {counts}.{some}"
        self.numbers.value = f'<div class="wb-hint">{text}</div>'
        notes = "".join(f"<br>{escape(warning)}" for warning in result.warnings)
        self.notes.value = f'<div class="wb-hint">{escape(MEASURED)}{notes}</div>'
        self.table.value = interaction_numbers(result)
        figure = draw(result, view=self.view.value)
        self.picture.height = int(figure.layout.height)
        self.picture.show(figure)

    def _elsewhere(self) -> str:
        """How many there are in random orders of the scan, where that is known, and in the other form."""
        orders, other = self.result.order_features, self.result.other
        moved = f"{reach(orders)} in random orders, " if len(orders) else ""
        return f" ({moved}{other['features']:,} in the {other['mode']} form, above {other['threshold']:.2f})"

    def _show_card(self) -> None:
        card = interaction_feature(self.result, self.feature.value, samples=self._samples)
        self.card.show(draw(card))
        for callback in self._told:
            callback(card.selection)

    def _clicked(self, point: Mapping[str, Any]) -> None:
        if "feature" in point:
            self.feature.value = point["feature"]


def _controls(again: Reconstruction, result: Interaction) -> tuple[widgets.Widget, ...]:
    shared = {"style": NAME, "layout": PLACE, "continuous_update": False}
    threshold = widgets.FloatSlider(
        result.threshold, min=0.02, max=0.99, step=0.01, description="threshold", readout_format=".2f", **shared
    )
    components = widgets.IntSlider(again.largest, min=1, max=again.largest, description="components", **shared)
    view = widgets.ToggleButtons(options=VIEWS, style={"button_width": "auto"})
    last = result.features - 1
    feature = widgets.BoundedIntText(0, min=0, max=last, description="feature", layout={"width": "12em"})
    return threshold, components, view, feature


def interaction_numbers(result: Interaction) -> str:
    """HTML of the rows of its groups."""
    groups, found = result.group_names, dict[str, dict[str, str]]()
    for row in result.rows():
        if row["group"]:
            found.setdefault(row["quantity"], {})[row["group"]] = _number(row)
    head = "".join(f"<th>{escape(name)}</th>" for name in groups)
    lines = (
        f"<tr><td>{escape(what)}</td>{''.join(f'<td>{by_group.get(name, str())}</td>' for name in groups)}</tr>"
        for what, by_group in found.items()
    )
    return f"<table><tr><th></th>{head}</tr>{''.join(lines)}</table>"


def _number(row: Mapping[str, Any]) -> str:
    """With its bounds below where it has some; a dash where it is not known."""
    value, low, high = (_short(row.get(key, math.nan)) for key in ("value", "low", "high"))
    return value if low == "-" else f"{value} <br/>({low} to {high})"


def _short(value: float) -> str:
    """As many digits as say something."""
    if math.isnan(value):
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:,.0f}"
