"""Agreement over accuracy, arm by arm, inside the wedge that the accuracies allow; and what of it is beyond the labels."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.agreement.measure_chance import bounds
from workbench.diagnostics.study_agreement.measure import StudyAgreement
from workbench.drawing import theme
from workbench.drawing.dots import interval_bars, lying
from workbench.drawing.text import label
from workbench.records.interval import Interval
from workbench.records.wording import percent

ROW, REST = 30, 470
WORDS = {"top1": "agreement with the teacher", "phi": "phi", "forward_kl": "KL from the teacher (nats)"}


def figure(result: StudyAgreement, measure: str = "top1") -> go.Figure:
    """A dot per arm with its intervals, a small one per seed; below, phi of every arm.

    Args:
        result: what was measured.
        measure: over the accuracy: ``top1``, inside what the accuracies allow, ``phi`` or ``forward_kl``.

    Raises:
        KeyError: another measure; the message lists them.
    """
    if measure not in WORDS:
        raise KeyError(f"no measure {measure!r}; there are {', '.join(WORDS)}")
    made = theme.canvas(height=REST + ROW * len(result.arms), margin_t=16)
    low = 110 + ROW * len(result.arms)
    make_subplots(2, 1, row_heights=[REST - 110, low], vertical_spacing=64 / made.layout.height, figure=made)
    across, up = _span(result, "accuracy"), _span(result, measure)
    if measure == "top1":
        made.add_trace(_wedge(result, across), 1, 1)
    for place, arm in enumerate(result.arms):
        made.add_trace(_seeds(result, arm, place, measure), 1, 1)
        made.add_trace(_arm(result, arm, place, measure), 1, 1)
        made.add_trace(
            lying([result.phi[arm]], [place], label(arm), _party(place), names=[{"arm": place}], showlegend=False), 2, 1
        )
    plain = {"nticks": 7, "zeroline": False, "row": 1, "col": 1}
    made.update_xaxes(title_text="student's accuracy (test)", range=across, tickformat=".3~p", **plain)
    made.update_yaxes(title_text=WORDS[measure], range=up, tickformat=_form(measure), **plain)
    made.update_xaxes(title_text="phi: 0 the labels alone, 1 all that is possible", zeroline=False, row=2, col=1)
    names = [label(arm.replace("_", " "), 22) for arm in result.arms]
    rows = {"tickvals": list(range(len(names))), "ticktext": names, "range": [len(names) - 0.5, -0.5]}
    return made.update_yaxes(showgrid=False, zeroline=False, row=2, col=1, **rows)


def _form(measure: str) -> str:
    return ".3~p" if measure == "top1" else ".3~g"


def _arm(result: StudyAgreement, arm: str, place: int, measure: str) -> go.Scatter:
    x, y = result.accuracy[arm], getattr(result, measure)[arm]
    name = label(arm.replace("_", " "), 24)
    return go.Scatter(
        x=[x.mean],
        y=[y.mean],
        mode="markers",
        name=name,
        marker=theme.marker(_party(place), 10),
        error_x=interval_bars([x]),
        error_y=interval_bars([y]),
        customdata=[{"arm": place}],
        hovertemplate=f"accuracy {x}<br>{WORDS[measure]} {y}<extra>{name}</extra>",
    )


def _seeds(result: StudyAgreement, arm: str, place: int, measure: str) -> go.Scatter:
    style = theme.style(_party(place))
    return go.Scatter(
        x=result.per_seed["accuracy"][arm],
        y=result.per_seed[measure][arm],
        mode="markers",
        name="one seed",
        showlegend=False,
        marker={"color": style.color, "symbol": f"{style.symbol}-open", "size": 6},
        customdata=[{"arm": place, "seed": seed} for seed in result.seeds[arm]],
        hovertemplate=f"seed %{{customdata.seed}}: accuracy %{{x:.1%}}, {WORDS[measure]} %{{y:{_form(measure)}}}"
        f"<extra>{label(arm)}</extra>",
    )


def _wedge(result: StudyAgreement, span: list[float]) -> go.Scatter:
    """Where a student of each accuracy can lie, for the teacher's accuracy."""
    teacher = float(np.mean(list(result.teacher_accuracy.values())))
    inside = [span[0], *([teacher] if span[0] < teacher < span[1] else []), span[1]]
    inside = np.clip(np.unique([*inside, *([1 - teacher] if span[0] < 1 - teacher < span[1] else [])]), 0, 1)
    ends = np.array([bounds(accuracy, teacher, result.classes) for accuracy in inside])
    return go.Scatter(
        x=np.concatenate([inside, inside[::-1]]),
        y=np.concatenate([ends[:, 1], ends[::-1, 0]]),
        fill="toself",
        fillcolor=theme.GRID,
        mode="lines",
        line={"color": theme.LINE, "width": 1, "dash": "dot"},
        name=f"allowed by a teacher of {percent(teacher)}",
        hoverinfo="skip",
    )


def _span(result: StudyAgreement, name: str) -> list[float]:
    """Of an axis: all seeds and intervals with some room."""
    each: dict[str, Interval] = getattr(result, name)
    ends = [v for row in result.per_seed[name].values() for v in row]
    ends = [v for v in (*ends, *(end for i in each.values() for end in (i.low, i.high))) if np.isfinite(v)]
    if not ends:
        return [0.0, 1.0]
    room = 0.15 * (max(ends) - min(ends)) or 0.05
    most = np.inf if name == "forward_kl" else 1.03
    return [min(ends) - room, min(most, max(ends) + room)]


def _party(place: int) -> str:
    return ("control", "student", "agreement", "teacher", "other")[place % 5]
