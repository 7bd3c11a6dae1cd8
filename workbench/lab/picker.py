"""Picks the methods of a study: what is chosen, over how many seeds, and how many runs that makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from threading import RLock
from typing import Any, Self

import ipywidgets as widgets

from workbench.engine.study.plan import plan_study
from workbench.lab.method_finder import ROWS, MethodFinder
from workbench.methods.catalog import make
from workbench.methods.method import Method
from workbench.records.arguments import checked_arguments
from workbench.settings.setting import Setting
from workbench.widgets.panel_style import panel_style
from workbench.widgets.unblocked import unblock

MOST_SEEDS = 30


@checked_arguments
def pick(setting: Setting, methods: Sequence[str] = ("kd",), seeds: int = 3) -> Picker:
    """Choose methods for a study on a setting, as in ``wb.study(setting, picker.methods, picker.seeds)``.

    Args:
        setting: of the study; methods that do not go with its task or its nets are refused as far as that can be told
            before they are run.
        methods: names to begin with, or compositions such as ``wttm+crd``.
        seeds: to begin with.

    Raises:
        KeyError: no method of that name; the message names the nearest.
        ValueError: a method does not fit the setting.
    """
    return Picker(setting, methods, seeds)


class Picker(widgets.VBox):
    """The catalogue on one side, what is chosen of it on the other.

    Args:
        setting: of the study.
        methods: names to begin with.
        seeds: to begin with.

    Attributes:
        names: what is chosen, in order.
        seeds: how many.
        finder: of the catalogue's methods that have this setting's task.
        chosen: the list of what is chosen.
        problem: why the last one was refused.
    """

    def __init__(self, setting: Setting, methods: Sequence[str] = ("kd",), seeds: int = 3) -> None:
        """Checks every method on the setting, without training anything."""
        self._setting, self._turn = setting, RLock()
        self.names: list[str] = []
        self.finder = MethodFinder(lambda key: self._say(""), task=setting.task, without=("labels_only",))
        self.chosen = widgets.Select(options=[], rows=ROWS, layout={"width": "auto", "min_width": "0"})
        self.add = widgets.Button(description="Add", layout={"width": "6em"})
        self.remove = widgets.Button(description="Remove", layout={"width": "6em"})
        self.count = widgets.BoundedIntText(seeds, min=1, max=MOST_SEEDS, description="seeds")
        self.count.layout, self.count.style = {"width": "10em"}, {"description_width": "3.5em"}
        self.problem, self.summary = widgets.HTML(), widgets.HTML()
        super().__init__(self._arranged(), layout={"width": "100%"})
        self.add_class("wb-panel")
        self.add.on_click(lambda _: self.take(self.finder.value))
        self.remove.on_click(lambda _: self.drop(self.chosen.value))
        self.count.observe(lambda _: self._tell(), "value")
        plan_study(setting, [make(name) for name in methods], 1, quick=True)
        self.names = list(dict.fromkeys(methods))
        self._tell()
        unblock(self)

    @property
    def methods(self) -> list[Method]:
        """New methods with their defaults, in order."""
        return [make(name) for name in self.names]

    @property
    def seeds(self) -> int:
        """How many seeds."""
        return self.count.value

    def take(self, name: str) -> None:
        """Add a method; one that does not fit is refused in words."""
        with self._turn:
            if not name or name in self.names:
                self._say(f"{name} is chosen already" if name else "choose a method in the list first")
                return
            try:
                plan_study(self._setting, [make(name)], 1, quick=True)
            except (KeyError, ValueError) as error:
                self._say(f"{name} does not fit here: {error.args[0]}")
                return
            self.names = [*self.names, name]
            self._tell()

    def drop(self, name: str | None) -> None:
        """Take a method away again."""
        with self._turn:
            self.names = [each for each in self.names if each != name]
            self._tell()

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same setting."""
        return {"methods": list(self.names), "seeds": self.seeds}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], setting: Setting) -> Self:
        """The inverse of ``state``."""
        return cls(setting, state["methods"], state["seeds"])

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"Picker({', '.join(self.names) or 'none'}; {self.seeds} seeds)"

    def _arranged(self) -> list[widgets.Widget]:
        head = widgets.HTML('<div class="wb-head">Methods to be run side by side</div>')
        buttons = widgets.HBox([self.add, self.remove, self.count], layout={"flex_flow": "row wrap"})
        place = {"flex": "1 1 18em", "min_width": "0", "max_width": "36em"}
        right = widgets.VBox([widgets.Label("chosen"), self.chosen, buttons, self.summary, self.problem], layout=place)
        both = widgets.Box([self.finder, right], layout={"flex_flow": "row wrap", "width": "100%"})
        return [panel_style(), head, both]

    def _tell(self) -> None:
        """The list, and what a study of it comes to."""
        self.chosen.options = list(self.names)
        self.chosen.value = self.names[-1] if self.names else None
        text = "choose at least one method"
        if self.names:
            plan = plan_study(self._setting, self.methods, self.seeds)
            controls = len(plan.arms) - len(self.names)
            text = f"{len(self.names)} methods and {controls} controls over {self.seeds} seeds: {len(plan.cells)} runs"
        self.summary.value = f'<div class="wb-hint">{text}</div>'
        self._say("")

    def _say(self, problem: str) -> None:
        self.problem.value = f'<div class="wb-problem">{escape(problem)}</div>'
