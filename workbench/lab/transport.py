"""Start, pause, step, stop, and how far it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

import ipywidgets as widgets

from workbench.records.snapshot import BUSY, Snapshot

COLOURS = {"finished": "success", "failed": "danger", "stopped": "warning", "paused": "warning"}


class Transport(widgets.VBox):
    """Four buttons, a bar, a line of text, and what the runs warn of.

    Args:
        acts: what each button does: ``start``, ``pause`` (and resume), ``step``, ``stop``.
    """

    def __init__(self, acts: dict[str, Callable[[], object]]) -> None:
        """As before the first start."""
        layout = {"width": "8em"}
        self.buttons = {
            "start": widgets.Button(description="Start", button_style="primary", layout=layout),
            "pause": widgets.Button(description="Pause", layout=layout),
            "step": widgets.Button(description="Step", tooltip="One optimiser step each, then pause", layout=layout),
            "stop": widgets.Button(description="Stop", layout=layout),
        }
        for name, button in self.buttons.items():
            button.on_click(lambda _, act=acts[name]: act())
        self.bar = widgets.FloatProgress(max=1.0, layout={"flex": "1 1 12em", "width": "auto", "min_width": "8em"})
        self.text = widgets.HTML()
        row = widgets.Box([*self.buttons.values(), self.bar], layout={"flex_flow": "row wrap", "align_items": "center"})
        self.warnings = widgets.HTML()
        super().__init__([row, self.text, self.warnings], layout={"width": "100%"})

    def show(self, snapshot: Snapshot) -> None:
        """What can be pressed now, and how far it is."""
        status, busy = snapshot.status, snapshot.status in BUSY
        self.buttons["start"].disabled = busy
        self.buttons["start"].description = "Start" if status in ("idle", *BUSY) else "Start again"
        for name in ("pause", "step", "stop"):
            self.buttons[name].disabled = not busy
        self.buttons["pause"].description = "Resume" if status == "paused" else "Pause"
        self.bar.value, self.bar.bar_style = snapshot.share, COLOURS.get(status, "info")
        kind = "wb-problem" if status == "failed" else "wb-status"
        self.text.value = f'<div class="{kind}" role="status">{escape(line(snapshot))}</div>'
        self.warnings.value = "".join(
            f'<div class="wb-hint">! {escape(warning)}</div>' for warning in snapshot.warnings
        )
        self.warnings.layout.display = "" if snapshot.warnings else "none"


def line(snapshot: Snapshot) -> str:
    """What a session is doing, as one line."""
    words = {"paused": "Paused. ", "failed": "Failed: "}.get(snapshot.status, "")
    steps = ", ".join(f"{lane.name} {lane.step}/{lane.steps}" for lane in snapshot.lanes if lane.steps)
    shown = f" Steps: {steps}." if steps and snapshot.status in ("running", "paused") else ""
    going = snapshot.status in BUSY and snapshot.status != "paused" and not math.isnan(snapshot.remaining_s)
    left = _left(snapshot.remaining_s) if going else ""
    return f"{words}{snapshot.message}{shown}{left}"


def _left(seconds: float) -> str:
    if seconds < 90:
        return f" About {max(1, round(seconds))} s left."
    return f" About {round(seconds / 60)} min left."
