"""The plots of the live panel: skeletons whose traces never change, and what a snapshot puts into them.

The traces are named at the start, in a fixed order: ``student <term>`` and ``control <term>`` for the losses;
``teacher``, ``student``, ``control`` and ``agreement`` for the scores; ``gradient of <term>`` and ``cosine <term>, <term>``
for the loss doctor. A view is built once and then only grows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from workbench.diagnostics.loss_doctor.figure import (
    cosine_axis,
    cosine_name,
    cosine_trace,
    gradient_axis,
    gradient_name,
    gradient_trace,
)
from workbench.drawing import curves, theme
from workbench.drawing.curves import agreement_trace, points, score_trace, term_name, term_trace
from workbench.records.probes import COSINE, GRADIENT
from workbench.records.run import Curve
from workbench.records.snapshot import Snapshot

MOST_PAIRS = 6
SCORES = ("teacher", "student", "control", "agreement")
Traces = dict[str, curves.Columns]


def losses(terms: Mapping[str, Sequence[str]], *, log_loss: bool = False, height: int = 300) -> go.Figure:
    """Empty traces for the weighted loss terms.

    Args:
        terms: names by lane: ``{"student": ("soft", "labels"), "control": ("labels",)}``; the same term has the same
            colour in every lane.
        log_loss: on a logarithmic axis; tell ``loss_points`` so, too.
        height: in pixels.
    """
    made = curves.panels(["weighted loss terms"], [1.0], height)
    names = list(dict.fromkeys(term for lane in terms.values() for term in lane))
    made.add_traces([term_trace(lane, term, names.index(term)) for lane in terms for term in terms[lane]])
    return made.update_layout(margin_t=16, yaxis=theme.LOG_AXIS if log_loss else {"type": "linear"})


def scores(score: str = "accuracy", *, height: int = 340) -> go.Figure:
    """Empty traces for the validation scores, and below them the agreement of student and teacher.

    Args:
        score: name of the score.
        height: in pixels.
    """
    made = curves.score_panels(score, height)
    for party in SCORES[:-1]:
        made.add_trace(score_trace(party), row=1, col=1)
    made.add_trace(agreement_trace(), row=2, col=1)
    return made.update_layout(margin_t=16)


def doctor(terms: Sequence[str], pairs: Sequence[str], *, height: int = 340) -> go.Figure:
    """Empty traces for the lengths of the student's gradients, and below them the cosines between them.

    Args:
        terms: names; the same term has the same colour as in ``losses``.
        pairs: names of two terms, as the probes join them.
        height: in pixels.
    """
    made = curves.panels(["length of<br>the gradient", "cosine of<br>gradients"], [0.56, 0.44], height)
    for position, term in enumerate(terms):
        made.add_trace(gradient_trace(term, position, points(None)), row=1, col=1)
    for position, pair in enumerate(pairs):
        made.add_trace(cosine_trace(pair, position, points(None)), row=2, col=1)
    made.update_yaxes(row=1, col=1, **gradient_axis())
    made.update_yaxes(row=2, col=1, **cosine_axis())
    return made.update_layout(margin_t=16)


def doctor_names(snapshot: Snapshot) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The terms and the pairs of ``doctor`` for a snapshot; none as long as nothing was probed."""
    lane, gradients = _probed(snapshot, GRADIENT)
    _, cosines = _probed(snapshot, COSINE)
    return (tuple(dict.fromkeys((*lane, *gradients))) if gradients else ()), tuple(cosines)[:MOST_PAIRS]


def doctor_points(snapshot: Snapshot) -> Traces:
    """The whole columns of every trace of ``doctor``, by name."""
    _, gradients = _probed(snapshot, GRADIENT)
    _, cosines = _probed(snapshot, COSINE)
    found = {gradient_name(term): curves.term_points(curve, log_loss=True) for term, curve in gradients.items()}
    return found | {cosine_name(pair): points(cosines[pair]) for pair in doctor_names(snapshot)[1]}


def _probed(snapshot: Snapshot, prefix: str) -> tuple[Mapping[str, Curve], dict[str, Curve]]:
    """The student's terms, and its probes of one kind without the prefix."""
    for lane in snapshot.lanes:
        if lane.name == "student":
            return lane.terms, {k.removeprefix(prefix): c for k, c in lane.probes.items() if k.startswith(prefix)}
    return {}, {}


def loss_points(snapshot: Snapshot, *, log_loss: bool = False) -> Traces:
    """The whole columns of every trace of ``losses``, by name."""
    found = ((lane.name, term, curve) for lane in snapshot.lanes for term, curve in lane.terms.items())
    return {term_name(lane, term): curves.term_points(curve, log_loss=log_loss) for lane, term, curve in found}


def score_points(snapshot: Snapshot) -> Traces:
    """The whole columns of every trace of ``scores``, by name."""
    lanes = {lane.name: lane for lane in snapshot.lanes}
    last = max((lane.step for lane in snapshot.lanes), default=0)
    found = {name: points(lane.validation) for name, lane in lanes.items() if name in SCORES}
    found["teacher"] = points(curves.level(snapshot.teacher, last))
    if "student" in lanes:
        found["agreement"] = points(lanes["student"].agreement)
    return found


def filled(skeleton: go.Figure, columns: Traces, snapshot: Snapshot) -> go.Figure:
    """A copy of a skeleton with the columns in their traces and the marks of the snapshot.

    Raises:
        KeyError: a column for a trace the skeleton does not have.
    """
    made, traces = go.Figure(skeleton), {trace.name for trace in skeleton.data}
    if unknown := sorted(columns.keys() - traces):
        raise KeyError(f"no traces {unknown}; there are {sorted(traces)}")
    for name, column in columns.items():
        made.update_traces(column, selector={"name": name})
    return curves.mark(made, snapshot.marks, max((lane.step for lane in snapshot.lanes), default=0))
