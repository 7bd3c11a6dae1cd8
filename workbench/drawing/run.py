"""How one run went: loss terms, validation score and agreement over its steps, and where a control was moved."""

from __future__ import annotations

import plotly.graph_objects as go

from workbench.drawing import curves, theme
from workbench.drawing.curves import agreement_trace, score_trace, term_trace
from workbench.drawing.text import label
from workbench.records.run import Curve, Run

TERMS, VALIDATION, AGREEMENT = "terms/", "validation/", "probe/agreement"


def figure(run: Run, control: Run | None = None, *, log_loss: bool = False) -> go.Figure:
    """The curves of a run, beside those of its control if that is given.

    Args:
        run: the distillation.
        control: the same student without its teacher.
        log_loss: draw the loss terms on a logarithmic axis.
    """
    made = curves.score_panels(str(run.facts.get("score", "score")), 560, "weighted loss terms")
    lanes = {"student": run} if control is None else {"student": run, "control": control}
    terms = list(dict.fromkeys(term for each in lanes.values() for term in _terms(each)))
    for party, each in lanes.items():
        for term, curve in _terms(each).items():
            columns = curves.term_points(curve, log_loss=log_loss)
            made.add_trace(term_trace(party, term, terms.index(term), columns), row=1, col=1)
    for party, curve in _scores(run, control).items():
        made.add_trace(score_trace(party, curve), row=2, col=1)
    if AGREEMENT in run.curves:
        made.add_trace(agreement_trace(curve=run.curves[AGREEMENT]), row=3, col=1)
    last = _last_step(run)
    made.update_yaxes(theme.LOG_AXIS if log_loss else {"type": "linear"}, row=1, col=1)
    made.update_layout(title_text=f"Run {label(run.id, 44)}", margin_t=theme.MARGIN["t"])
    return curves.mark(made, curves.marks_of(run.changes), last)


def _terms(run: Run) -> dict[str, Curve]:
    return {name.removeprefix(TERMS): curve for name, curve in run.curves.items() if name.startswith(TERMS)}


def _scores(run: Run, control: Run | None) -> dict[str, Curve]:
    """Validation scores by party; the teacher's, which does not change, as a level line."""
    found = {n.removeprefix(VALIDATION): curve for n, curve in run.curves.items() if n.startswith(VALIDATION)}
    if control is not None and f"{VALIDATION}student" in control.curves:
        found["control"] = control.curves[f"{VALIDATION}student"]
    if "teacher" in run.scores and "teacher" not in found:
        found["teacher"] = curves.level(run.scores["teacher"].validation, _last_step(run))
    return found


def _last_step(run: Run) -> int:
    return max((int(curve.steps[-1]) for curve in run.curves.values() if len(curve.steps)), default=1)
