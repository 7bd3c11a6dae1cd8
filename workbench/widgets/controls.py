"""Sliders, menus and boxes for the parameters in a class's signature; the same for methods and settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import ipywidgets as widgets
from traitlets import Any as Anything
from traitlets import Bool

from workbench.records.parameters import Parameter, parameters

OnChange = Callable[[str, Any], object]
NAME = {"description_width": "8.5em"}
PLACE = {"flex": "1 1 24em", "max_width": "36em", "width": "auto", "min_width": "0"}
WIDE = 100  # a range that spans more than this ratio gets a logarithmic slider


class Controls(widgets.Box):
    """One control per plain parameter, in the order of the signature; a value that is not allowed is refused in words.

    Args:
        cls: whose signature; numbers with a ``Range`` become sliders, a ``Literal`` a menu, a bool a check box.
        values: where they stand; the signature's defaults for those not given.
        on_change: called with name and checked value when the user moves one, on the thread that serves the browser.

    Attributes:
        values: as they stand now.
        fields: the controls by name.
    """

    def __init__(self, cls: type, values: Mapping[str, Any] | None = None, on_change: OnChange | None = None) -> None:
        """Made once per class; ``lock`` greys them out."""
        self._known = {name: p for name, p in parameters(cls).items() if p.kind is not object}
        self.values = {name: (values or {}).get(name, p.default) for name, p in self._known.items()}
        self._on_change = on_change or (lambda name, value: None)
        self.fields = {name: _field(p, self.values[name]) for name, p in self._known.items()}
        self.problem = widgets.HTML(layout={"display": "none", "width": "100%"})
        super().__init__([*self.fields.values(), self.problem], layout={"flex_flow": "row wrap", "width": "100%"})
        for name, field in self.fields.items():
            field.observe(lambda _, name=name: self._moved(name), "value")

    def lock(self, *, running: bool) -> None:
        """While a run goes on, only the numbers that a step reads afresh can be moved."""
        for name, field in self.fields.items():
            field.disabled = running and self._known[name].kind is not float

    def lock_all(self, *, locked: bool) -> None:
        """Grey all of them out, or none."""
        for field in self.fields.values():
            field.disabled = locked

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"Controls({', '.join(f'{name}={value!r}' for name, value in self.values.items())})"

    def _moved(self, name: str) -> None:
        try:
            value = self._known[name].read(self.fields[name].value)
        except ValueError as error:
            self._say(str(error))
            return
        self._say("")
        if value != self.values[name]:
            self.values[name] = value
            self._on_change(name, value)

    def _say(self, problem: str) -> None:
        self.problem.value = f'<span class="wb-problem">{escape(problem)}</span>'
        self.problem.layout.display = "" if problem else "none"


class Slider(widgets.HBox):
    """A slider over a ``Range``, logarithmic where that is wide, with a box to leave it unset where None is allowed.

    Attributes:
        value: a number of the parameter's kind without rounding noise, or None.
        disabled: greyed out.
    """

    value = Anything()
    disabled = Bool()

    def __init__(self, parameter: Parameter, value: Any) -> None:
        """Unset if the value is None."""
        self._kind, bounds = parameter.kind, parameter.range
        start = bounds.low if value is None else value
        shared = {
            "description": _words(parameter.name),
            "tooltip": parameter.about,
            "style": NAME,
            "continuous_update": False,
            "layout": {"width": "100%"},
        }
        self._wide = bounds.low > 0 and bounds.high / bounds.low > WIDE
        if self._wide:
            low, high = math.log10(bounds.low), math.log10(bounds.high)
            text = ".0f" if self._kind is int else ".3g"
            self.slider = widgets.FloatLogSlider(
                start, min=low, max=high, step=(high - low) / 100, readout_format=text, **shared
            )
        elif self._kind is int:
            ends = (int(each) for each in (bounds.low, bounds.high, bounds.step))
            self.slider = widgets.IntSlider(start, *ends, **shared)
        else:
            text = f".{max(_decimals(bounds.step), _decimals(start))}f"
            self.slider = widgets.FloatSlider(
                start, min=bounds.low, max=bounds.high, step=bounds.step, readout_format=text, **shared
            )
        self.box = widgets.Checkbox(value is not None, description="set", indent=False, layout={"width": "4em"})
        self.box.tooltip = f"{parameter.about} Not ticked: the default."
        children = [self.slider, self.box] if parameter.optional else [self.slider]
        super().__init__(children, layout=PLACE)
        self.value = value
        for each in (self.slider, self.box):
            each.observe(self._read, "value")
        self.observe(self._refresh, "disabled")
        self.observe(self._place, "value")
        self._refresh()

    def _read(self, _: object) -> None:
        self.value = self._clean(self.slider.value) if self.box.value else None
        self._refresh()

    def _place(self, change: Mapping[str, Any]) -> None:
        """Put the handle where the value was set to."""
        self.box.value = change["new"] is not None
        if change["new"] is not None:
            self.slider.value = change["new"]

    def _refresh(self, _: object = None) -> None:
        self.box.disabled = self.disabled
        self.slider.disabled = self.disabled or not self.box.value

    def _clean(self, moved: float) -> Any:
        if self._kind is int:
            return round(moved)
        return float(f"{moved:.3g}") if self._wide else round(moved, 10)


def _field(parameter: Parameter, value: Any) -> Any:
    if parameter.range is not None:
        return Slider(parameter, value)
    shared = {
        "description": _words(parameter.name),
        "tooltip": parameter.about,
        "style": NAME,
        "layout": PLACE,
    }
    if parameter.choices:
        return widgets.Dropdown(value=value, options=list(parameter.choices), **shared)
    if parameter.kind is bool:
        return widgets.Checkbox(value, **shared)
    return Text(parameter, value, shared)


class Text(widgets.HBox):
    """A box for a word or a number without bounds; empty is None where that is allowed.

    Attributes:
        value: the text, None where it is empty and may be.
        disabled: greyed out.
    """

    value = Anything()
    disabled = Bool()

    def __init__(self, parameter: Parameter, value: Any, shared: Mapping[str, Any]) -> None:
        """Empty if the value is None."""
        self._optional = parameter.optional
        hint = "chosen by the method" if parameter.optional else parameter.kind.__name__
        given = {**shared, "layout": {"width": "100%"}, "placeholder": hint, "continuous_update": False}
        self.box = widgets.Text("" if value is None else str(value), **given)
        super().__init__([self.box], layout=PLACE)
        self.value = value
        self.box.observe(self._read, "value")
        self.observe(self._refresh, "disabled")

    def _read(self, change: Mapping[str, Any]) -> None:
        self.value = None if self._optional and not change["new"].strip() else change["new"]

    def _refresh(self, _: object) -> None:
        self.box.disabled = self.disabled


def _decimals(value: float) -> int:
    return len(f"{value:.3g}".partition(".")[2])


def _words(name: str) -> str:
    return name.replace("_", " ")
