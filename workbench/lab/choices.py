"""What a live panel plays: setting, method, seeds and their parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import Any

import ipywidgets as widgets

from workbench.engine.live.session import Session
from workbench.methods import catalog as methods
from workbench.methods.method import Method
from workbench.settings import catalog as settings
from workbench.settings.setting import Setting
from workbench.widgets.controls import Controls
from workbench.widgets.unblocked import unblock

MOST_SEEDS = 30


class Choices(widgets.VBox):
    """Menus over the catalogues, and the sliders of what is chosen.

    Args:
        setting: a name of the catalogue, or a setting of one's own.
        method: likewise.
        seeds: of the study.
        on_choice: called when the next run will be another one.
        on_move: called with name and value when a parameter of the method was moved.
        state: where the parameters stand, as ``state`` gives it; the defaults for what it lacks.

    Raises:
        KeyError: no setting or method of that name; the message names the nearest.
    """

    def __init__(
        self,
        setting: Setting | str,
        method: Method | str,
        seeds: int,
        on_choice: Callable[[], object],
        on_move: Callable[[str, Any], object],
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Nothing is loaded yet: a named setting is made when its session starts."""
        self._on_choice = on_choice
        names = {name: cls for name, cls in methods.catalog().items() if name != "labels_only"}
        if isinstance(setting, str) and setting not in settings.catalog():
            setting = settings.find(setting).__module__.rpartition(".")[2]
        if isinstance(method, str) and method not in names:
            method = methods.make(method)
        state = state or {}
        moved = state.get("setting_parameters", {})
        self.setting = Menu("setting", settings.catalog(), setting, self._setting_moved, moved)
        self.method = Menu("method", names, method, on_move, state.get("parameters", {}))
        self.seeds = widgets.BoundedIntText(
            seeds, min=1, max=MOST_SEEDS, description="seeds", style={"description_width": "3.5em"}
        )
        self.seeds.layout.width = "8em"
        self.seeds.tooltip = "The live run is the first seed; the verdict rests on all of them."
        super().__init__()
        for each in (self.setting, self.method):
            each.menu.observe(lambda change, each=each: self._chosen(each, change["new"]), "value")
        self.seeds.observe(lambda _: self._on_choice(), "value")
        self._arrange()

    def session(self) -> Session:
        """A session that plays what is chosen."""
        make = partial(settings.make, self.setting.name, dict(self.setting.values))
        method = self.method.own or methods.make(self.method.name)
        session = Session(self.setting.own or make, method, seeds=self.seeds.value)
        for name, value in self.method.values.items():
            session.change(name, value)
        return session

    def lock(self, *, running: bool) -> None:
        """While a run goes on, only its numbers can be moved."""
        for field in (self.setting.menu, self.method.menu, self.seeds):
            field.disabled = running
        self.setting.controls.lock_all(locked=running)
        self.method.controls.lock(running=running)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it; a setting or method of one's own is given again."""
        return {
            "setting": self.setting.name,
            "setting_parameters": dict(self.setting.values),
            "method": self.method.name,
            "parameters": dict(self.method.values),
            "seeds": self.seeds.value,
        }

    def _setting_moved(self, name: str, value: Any) -> None:
        self.setting.own = None
        self._on_choice()

    def _chosen(self, menu: Menu, name: str) -> None:
        menu.choose(name)
        self._arrange()
        self._on_choice()

    def _arrange(self) -> None:
        top = widgets.HBox([self.setting.menu, self.method.menu, self.seeds], layout={"flex_flow": "row wrap"})
        parts = [top]
        for title, chosen in (("Method", self.method), ("Setting", self.setting)):
            if chosen.controls.fields:
                about = f'<div class="wb-head">{title}: {escape(chosen.about)}</div>'
                parts += [widgets.HTML(about), chosen.controls]
        self.children = parts
        unblock(self)


class Menu:
    """A menu over a catalogue, and the controls of what is chosen.

    Args:
        kind: what is chosen.
        catalog: classes by name.
        chosen: a name, or an object of one's own.
        on_move: called with name and value when a parameter was moved.
        values: of the parameters at first.

    Attributes:
        own: the user's own object while that is chosen, None for one of the catalogue.
        controls: of the class that is chosen; without fields for a class that is not in the catalogue.
    """

    def __init__(
        self,
        kind: str,
        catalog: Mapping[str, type],
        chosen: Any,
        on_move: Callable[[str, Any], object],
        values: Mapping[str, Any],
    ) -> None:
        """Shows the controls of what is chosen."""
        self._catalog, self._on_move = catalog, on_move
        self._given = None if isinstance(chosen, str) else chosen
        name = chosen if self._given is None else self._given.name
        self.menu = widgets.Dropdown(
            value=name,
            options=[(each.replace("_", " "), each) for each in dict.fromkeys([*catalog, name])],
            description=kind,
            style={"description_width": "4em"},
            layout={"width": "18em"},
        )
        self.choose(name, values)

    @property
    def name(self) -> str:
        """What is chosen."""
        return self.menu.value

    @property
    def values(self) -> dict[str, Any]:
        """Its parameters as they stand."""
        return self.controls.values

    @property
    def about(self) -> str:
        """What it is, in a line."""
        cls = self._catalog.get(self.name)
        return "your own" if cls is None else getattr(cls, "about", "") or (cls.__doc__ or "").partition("\n")[0]

    def choose(self, name: str, values: Mapping[str, Any] | None = None) -> None:
        """Show the controls of another one."""
        self.own = self._given if self._given is not None and self._given.name == name else None
        cls = self._catalog.get(name) if self.own is None else type(self.own)
        if cls not in self._catalog.values():
            self.controls = Controls(object)
            return
        at = self.own.config() if self.own is not None else {}
        self.controls = Controls(cls, {**at, **(values or {})}, self._on_move)
