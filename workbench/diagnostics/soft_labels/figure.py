"""What student and teacher say about one sample: their probabilities side by side, the most probable classes first."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.soft_labels.measure import SoftLabels
from workbench.drawing import theme
from workbench.drawing.text import label
from workbench.records.wording import number, percent

MOST = 10
ROW = 36


def figure(result: SoftLabels) -> go.Figure:
    """A pair of bars per class; of many classes the ten on which either model puts most."""
    order = np.argsort(-np.maximum(result.student, result.teacher), kind="stable")[:MOST]
    names = [label(result.class_names[k], 18) for k in order]
    marked = [f"<b>{n}</b> (label)" if k == result.label else n for k, n in zip(order, names, strict=True)]
    shown = f", {len(order)} of {len(result.class_names)} classes" if len(result.class_names) > len(order) else ""
    made = theme.canvas(f"Soft labels at temperature {number(result.temperature)}{shown}", 110 + ROW * len(order))
    for party, values in (("teacher", result.teacher), ("student", result.student)):
        made.add_trace(
            go.Bar(
                x=values[order],
                y=np.arange(len(order)),
                orientation="h",
                name=party,
                marker=_fill(party),
                text=[percent(value) for value in values[order]],
                textposition="outside",
                textangle=0,
                constraintext="none",
                textfont={"size": theme.SMALL},
                cliponaxis=False,
                customdata=names,
                hovertemplate=f"%{{customdata}}: %{{x:.2%}}<extra>{party}</extra>",
            )
        )
    longest = float(max(result.student.max(), result.teacher.max()))
    made.update_xaxes(title_text="probability", tickformat=".2~p", range=[0, 1.16 * longest], nticks=6)
    made.update_yaxes(tickvals=np.arange(len(order)), ticktext=marked, autorange="reversed", title_text="class")
    return made.update_layout(bargap=0.25, bargroupgap=0)


def _fill(party: str) -> dict[str, object]:
    """Full for the student, hatched for the teacher, so that they differ without colour too."""
    pattern = {
        "fillmode": "overlay",
        "shape": "/" if party == "teacher" else "",
        "fgcolor": theme.HOVER_TEXT,
        "size": 6,
        "solidity": 0.25,
    }
    return {"color": theme.style(party).color, "pattern": pattern}
