"""The live panel: a distillation beside its control, while it runs and afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock
from typing import Any

import ipywidgets as widgets

from workbench.engine.live.session import Session
from workbench.lab.choices import Choices
from workbench.lab.explore import Explore
from workbench.lab.live_plots import LivePlots
from workbench.lab.transport import Transport, line
from workbench.lab.verdict_table import VerdictTable
from workbench.methods.method import Method
from workbench.records.run import Run
from workbench.records.snapshot import BUSY, Snapshot
from workbench.settings.setting import Setting
from workbench.widgets.panel_style import panel_style
from workbench.widgets.unblocked import unblock


class LivePanel(widgets.VBox):
    """A view over a ``Session``, never its owner: it may be shown twice, and closing it does not stop the run.

    Args:
        setting: a name of the catalogue, or a setting of one's own.
        method: likewise.
        seeds: of the study that the verdict will rest on.
        session: one to look at, instead of a new one; its setting, method and seeds are shown.
        state: where the controls stand, as ``state`` gives it.

    Attributes:
        session: the one that is looked at; another choice of setting or method is another session.
    """

    def __init__(
        self,
        setting: Setting | str = "digits",
        method: Method | str = "kd",
        *,
        seeds: int = 5,
        session: Session | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Nothing runs before Start is pressed."""
        self._lock, self._saved = RLock(), dict(state or {})
        self._explored: Run | None = None
        self.explore: Explore | None = None
        if session is not None:
            setting, method, seeds = session.setting or setting, session.method, session.seeds
        self.choices = Choices(setting, method, seeds, self._choose, self._move, self._saved)
        acts = {"start": self._start, "pause": self._pause, "step": self._step, "stop": self._stop}
        self.transport, self.plots = Transport(acts), LivePlots()
        self.verdict = VerdictTable(self._remaining)
        self._place = widgets.Box(layout={"width": "100%"})
        super().__init__([panel_style(), self.choices, self.transport, self.plots, self.verdict, self._place])
        self.add_class("wb-panel")
        unblock(self)
        self._follow(session or self.choices.session())

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds the panel."""
        seen = self.explore.state() if self.explore else self._saved
        return self.choices.state() | {name: seen.get(name) for name in ("temperature", "selection")}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], *, session: Session | None = None, **own: Any) -> LivePanel:
        """The inverse of ``state``; samples that were selected are selected again when the run is finished.

        Args:
            state: of another panel.
            session: the one that panel looked at, if it still exists.
            own: ``setting`` and ``method`` where these were the user's own.
        """
        chosen = {name: own.get(name, state[name]) for name in ("setting", "method")}
        return cls(**chosen, seeds=state["seeds"], session=session, state=state)

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        chosen = self.choices.state()
        return f"LivePanel({chosen['setting']}, {chosen['method']}): {line(self.session.snapshot)}"

    # --- acts: short, from any thread ----------------------------------------------------------------------------
    def _start(self) -> None:
        self.session.start()

    def _pause(self) -> None:
        (self.session.resume if self.session.snapshot.status == "paused" else self.session.pause)()

    def _step(self) -> None:
        self.session.step()

    def _stop(self) -> None:
        self.session.stop()

    def _remaining(self) -> None:
        self.session.run_remaining()

    def _move(self, name: str, value: Any) -> None:
        self.session.change(name, value)

    def _choose(self) -> None:
        if not self.session.busy:
            self._unsubscribe()
            self._follow(self.choices.session())

    # --- what the session tells, from its thread -----------------------------------------------------------------
    def _follow(self, session: Session) -> None:
        self.session, self._unsubscribe = session, session.subscribe(self._show)
        self._show(session.snapshot)

    def _show(self, snapshot: Snapshot) -> None:
        with self._lock:
            setting = self.session.setting
            self.transport.show(snapshot)
            self.choices.lock(running=snapshot.status in BUSY)
            self.plots.show(snapshot, setting.class_names if setting is not None else ("0", "1"))
            self.verdict.show(snapshot, self.session.seeds)
            self._look_closer(snapshot.runs.get("student"))

    def _look_closer(self, run: Run | None) -> None:
        """The linked views of a finished run; gone when another one begins."""
        if run is self._explored:
            return
        self._explored, old = run, self.explore
        if old is not None:
            self._saved = old.state() | {"selection": None}
        comparable = run is not None and "teacher" in run.scores and self.session.setting.task == "classification"
        self.explore = Explore(run, self.session.setting, self._saved) if comparable else None
        self._place.children = [self.explore] if self.explore is not None else []
        if old is not None:
            old.discard()
