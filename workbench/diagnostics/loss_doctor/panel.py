"""The loss doctor: its picture, and in words what it found and what would help."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.loss_doctor.measure import LossDoctor, loss_doctor_of
from workbench.drawing.draw import draw
from workbench.drawing.theme import STATUS
from workbench.records.run import Run
from workbench.widgets.panel_style import panel_style
from workbench.widgets.plot_view import PlotView
from workbench.widgets.unblocked import unblock

ALL, FOUND = "all checks", "findings"


def panel(thing: LossDoctor | Run, **options: Any) -> LossDoctorPanel:
    """The loss doctor of a result, or of a run."""
    return LossDoctorPanel(thing, **options)


def findings(result: LossDoctor | None) -> str:
    """One escaped line of HTML: what was found, or that nothing was."""
    if result is None:
        return ""
    asked = [check for check in result.checks if check["status"] != "not applicable"]
    if not result.findings:
        text = f"nothing unusual in {len(asked)} checks on {result.n} probed steps."
    else:
        text = " ".join(f"{_status(check)} {_said(check, 'seen', 'means')}" for check in result.findings)
    return f'<div class="wb-hint"><b>Loss doctor:</b> {text}</div>'


class LossDoctorPanel(widgets.VBox):
    """The picture of one party's loss, and the checks in words.

    Args:
        thing: a result, or a run whose parties can be chosen.
        party: of a run with several students.
        show: ``findings`` or ``all checks``.

    Attributes:
        result: what is shown now.
    """

    def __init__(self, thing: LossDoctor | Run, *, party: str = "student", show: str = FOUND) -> None:
        """Examines the party and shows it."""
        self._run = thing if isinstance(thing, Run) else None
        self.result = loss_doctor_of(thing, party) if isinstance(thing, Run) else thing
        parties = [party] if self._run is None else _parties(self._run)
        self.party = widgets.Dropdown(options=parties, value=party, description="party")
        self.party.layout.display = "" if len(parties) > 1 else "none"
        self.shown = widgets.ToggleButtons(options=[FOUND, ALL], value=show, style={"button_width": "8em"})
        self.words = widgets.HTML(layout={"width": "100%"})
        made = draw(self.result)
        self.picture = PlotView(made, height=int(made.layout.height), label="Loss doctor")
        row = widgets.Box([self.shown, self.party], layout={"flex_flow": "row wrap"})
        super().__init__([panel_style(), self.picture, row, self.words], layout={"width": "100%"})
        self.add_class("wb-panel")
        self.party.observe(lambda _: self._choose(), "value")
        self.shown.observe(lambda _: self._write(), "value")
        self._write()
        unblock(self)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same thing."""
        return {"party": self.party.value, "show": self.shown.value}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], thing: LossDoctor | Run) -> Self:
        """The inverse of ``state``."""
        return cls(thing, **state)

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"LossDoctorPanel({self.party.value}: {len(self.result.findings)} findings)"

    def _choose(self) -> None:
        self.result = loss_doctor_of(self._run, self.party.value)
        self.picture.show(draw(self.result))
        self._write()

    def _write(self) -> None:
        chosen = self.result.checks if self.shown.value == ALL else self.result.findings
        lines = [f"<li>{_status(check)} {_said(check, 'seen', 'means', 'helps')}</li>" for check in chosen]
        notes = [f"<li>{escape(warning)}</li>" for warning in self.result.warnings]
        none = "" if chosen else "<p>Nothing unusual was found.</p>"
        self.words.value = f'<div class="wb-hint">{none}<ul>{"".join(lines + notes)}</ul></div>'


def _parties(run: Run) -> list[str]:
    """Those who learn from more than labels: the student first."""
    found = []
    for name in run.curves:
        party = "student" if name.startswith("terms/") else name.partition("/terms/")[0]
        if "terms/" in name and party not in found:
            found.append(party)
    return [party for party in found if _examinable(run, party)]


def _examinable(run: Run, party: str) -> bool:
    try:
        loss_doctor_of(run, party)
    except ValueError:
        return False
    return True


def _status(check: Mapping[str, Any]) -> str:
    name, status = escape(check["check"]), escape(check["status"])
    return f'<b>{name}</b> <span style="color:{STATUS[check["status"]]}">{status}</span>:'


def _said(check: Mapping[str, Any], *parts: str) -> str:
    return " ".join(escape(check[part]) for part in parts if check[part])
