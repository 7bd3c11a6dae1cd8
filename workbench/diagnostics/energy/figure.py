"""Where the energy of a student went: stages of each arm, joules over the run, and what they bought."""

from __future__ import annotations

import math
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import plotly.graph_objects as go

from workbench.diagnostics.energy.figure_flow import flow
from workbench.diagnostics.energy.figure_flow import height as height_of_flow
from workbench.diagnostics.energy.figure_trace import Axes, axes, trace
from workbench.diagnostics.energy.figure_units import Unit, unit_for
from workbench.diagnostics.energy.measure import Energy
from workbench.drawing import theme
from workbench.drawing.dots import error_bars
from workbench.drawing.text import escaped, label, sentence
from workbench.records.wording import between, number, percent, plural

PATTERNS = {"measured": "", "estimated": "/", "assumed": "/", "": "x"}
FADED = 0.45
ROW, TRACE, PARETO, LINE = 58, 150, 190, 15
GAP, TOP, BELOW = 80, 20, 140
LETTERS = 70
BARE = {"showgrid": False, "zeroline": False}
Row = Mapping[str, Any]


def figure(result: Energy) -> go.Figure:
    """Stacked stages (solid: measured, hatched: estimated, faded: assumed), power over time, where it went, quality, and the checklist."""
    checklist = [line for each in result.missing for line in _wrapped(each)]
    unit = unit_for(max((row["high_j"] for row in result.totals), default=math.nan))
    panels = [
        (ROW * len(result.arms), [*_stages(result, unit), _totals(result, unit)], _stage_axes(result, unit)),
        (TRACE, trace(result), axes(result)),
    ]
    if streams := flow(result, unit):
        panels.append((height_of_flow(result), streams, _flow_axes()))
    if len(result.arms) > 1 and any(math.isfinite(row["score"]) for row in result.totals):
        panels.append((PARETO, _pareto(result, unit), _pareto_axes(result, unit)))
    panels.append((LINE * len(checklist), [_checklist(checklist)], _checklist_axes(len(checklist))))
    height = sum(pixels for pixels, _, _ in panels) + GAP * (len(panels) - 1) + TOP + BELOW
    made = theme.canvas(
        height=height, barmode="stack", margin_t=TOP, margin_b=BELOW, legend_traceorder="normal", bargap=0.45
    )
    inside, top = height - TOP - BELOW, 1.0
    for place, (pixels, traces, (x, y)) in enumerate(panels, 1):
        bottom = max(0.0, top - pixels / inside)
        made.update_layout(
            {
                f"xaxis{place}": {"anchor": f"y{place}", **x},
                f"yaxis{place}": {"anchor": f"x{place}", "domain": [bottom, top], **y},
            }
        )
        for each in traces:
            at = (
                {"domain": {"y": [bottom, top]}}
                if each.type == "sankey"
                else {"xaxis": f"x{place}", "yaxis": f"y{place}"}
            )
            made.add_trace(each.update(at))
        top = max(0.0, bottom - GAP / inside)
    return made


def _stages(result: Energy, unit: Unit) -> list[go.Bar]:
    """One trace per stage, so that the legend names each once; what is not charged is in the legend only."""
    found = []
    for stage in sorted({row["stage"] for row in result.stages}, key=_order):
        rows = {row["arm"]: row for row in result.stages if row["stage"] == stage}
        shown = [rows.get(arm) for arm in result.arms]
        left_out = all(row["charged"] == 0 for row in rows.values())
        found.append(
            go.Bar(
                y=list(range(len(result.arms))),
                x=[_drawn(row) / unit.joules for row in shown],
                orientation="h",
                name=f"{sentence(stage)} (not charged)" if left_out else sentence(stage),
                marker=_fill(stage, [row["status"] if row else "" for row in shown]),
                customdata=[_told(row) for row in shown],
                hovertemplate="%{customdata}<extra>" + sentence(stage) + "</extra>",
            )
        )
    return found


def _order(stage: str) -> tuple[int, str]:
    return (list(theme.STAGES).index(stage) if stage in theme.STAGES else len(theme.STAGES)), stage


def _drawn(row: Row | None) -> float:
    """Joules that enter the total; nothing where they are unknown, which the hover and the warnings say."""
    return 0.0 if row is None or math.isnan(row["energy_j"]) else row["charged"] * row["energy_j"]


def _fill(stage: str, statuses: list[str]) -> dict[str, Any]:
    pattern = {"shape": [PATTERNS[s] for s in statuses], "fillmode": "overlay", "fgcolor": theme.HOVER_TEXT}
    look = {"color": theme.STAGES.get(stage, theme.OTHER.color), "line": {"color": theme.LINE, "width": 1}}
    faded = [FADED if status == "assumed" else 1.0 for status in statuses]
    return {**look, "opacity": faded, "pattern": {**pattern, "size": 7, "solidity": 0.2}}


def _told(row: Row | None) -> str:
    if row is None:
        return ""
    if math.isnan(row["energy_j"]):
        return f"{label(row['arm'])}: not known (paid {escaped(row['paid'])})"
    how = f"{row['status']} by {row['method']}, {row['scope']}; net of idle {number(row['net_j'])} J"
    exact = f"{number(row['cpu_s'])} s of the processor, {number(row['wall_s'])} s on the clock, {number(row['flops'])} operations"
    kept = f"left on disk: {number(row['bytes'] / 1e6)} MB; held at most: {number(row['peak_memory_bytes'] / 1e6)} MB"
    return f"{label(row['arm'])}: {_range(row)}<br>{escaped(how)}<br>{exact}<br>{kept}<br>paid {escaped(row['paid'])}"


def _totals(result: Energy, unit: Unit) -> go.Scatter:
    """The sum within each scope with its interval; several scopes of one arm lie one below the other."""
    places = _places(result)
    values = [[row[name] / unit.joules for row in result.totals] for name in ("energy_j", "low_j", "high_j")]
    return go.Scatter(
        x=values[0],
        y=places,
        mode="markers",
        name="total with 95 % interval",
        marker={"color": theme.TEXT, "size": 6, "symbol": "diamond"},
        error_x=error_bars(*values) | {"color": theme.TEXT, "thickness": 1.5},
        customdata=[_total(row) for row in result.totals],
        hovertemplate="%{customdata}<extra>total</extra>",
    )


def _total(row: Row) -> str:
    carbon = "" if row["carbon_g"] is None else f"<br>{number(row['carbon_g'])} g CO2e"
    net = "" if math.isnan(row["net_j"]) else f"<br>net of idle {number(row['net_j'])} J"
    return f"{label(row['arm'])}, {row['scope']}: {_range(row)}<br>{plural(row['runs'], 'run')}{net}{carbon}"


def _range(row: Row) -> str:
    return f"{number(row['energy_j'])} J ({between(row['low_j'], row['high_j'])})"


def _places(result: Energy) -> list[float]:
    counted = dict.fromkeys(result.arms, 0)
    places = []
    for row in result.totals:
        places.append(result.arms.index(row["arm"]) + 0.42 + 0.12 * counted[row["arm"]])
        counted[row["arm"]] += 1
    return places


def _pareto(result: Energy, unit: Unit) -> list[go.Scatter]:
    """Arms by energy and score; grey are those that another arm beats in both."""
    rows = [row for row in result.totals if row["scope"] == result.totals[0]["scope"] and math.isfinite(row["score"])]
    beaten = [any(o["energy_j"] < r["energy_j"] and o["score"] >= r["score"] for o in rows) for r in rows]
    values = [[row[name] / unit.joules for row in rows] for name in ("energy_j", "low_j", "high_j")]
    colors = [theme.OTHER.color if lost else theme.STUDENT.color for lost in beaten]
    return [
        go.Scatter(
            x=values[0],
            y=[row["score"] for row in rows],
            error_x=error_bars(*values),
            mode="markers+text",
            marker={"color": colors, "size": 10, "symbol": ["x" if lost else "circle" for lost in beaten]},
            text=[label(row["arm"], 20) for row in rows],
            textposition="top center",
            cliponaxis=False,
            textfont={"size": theme.SMALL, "color": theme.TEXT},
            showlegend=False,
            hovertemplate=f"%{{text}}: %{{x:.3g}} {unit.name}, score %{{y:.2f}}<extra></extra>",
        )
    ]


def _checklist(lines: list[str]) -> go.Scatter:
    return go.Scatter(
        x=[0.0] * len(lines),
        y=list(range(len(lines))),
        mode="text",
        text=lines,
        textposition="middle right",
        textfont={"size": theme.SMALL, "color": theme.TEXT},
        hoverinfo="skip",
        showlegend=False,
    )


def _wrapped(text: str) -> list[str]:
    first, *rest = wrap(text, LETTERS, break_on_hyphens=False) or [""]
    return [f"\u25cb {escaped(first)}", *(f"\u2007\u2007{escaped(line)}" for line in rest)]


def _stage_axes(result: Energy, unit: Unit) -> Axes:
    share, arms = result.measured_share, result.arms
    told = (
        "nothing is known"
        if math.isnan(share)
        else f"{percent(share)} measured"
        if share
        else "estimated, not measured"
    )
    ticks = {"tickvals": list(range(len(arms))), "ticktext": [label(arm, 18) for arm in arms]}
    title = {"text": f"{unit.name} for one student: {told}"}
    return {"title": title, "rangemode": "tozero"}, {**ticks, "range": [len(arms) - 0.25, -0.5], **BARE}


def _pareto_axes(result: Energy, unit: Unit) -> Axes:
    """Equal scores differ by rounding alone, which must not fill the picture."""
    scores = [row["score"] for row in result.totals if math.isfinite(row["score"])]
    room = max(0.25 * (max(scores) - min(scores)), 0.005 * max(map(abs, scores)), 1e-6)
    title = {"text": f"{unit.name} for one student; grey: another arm takes less and scores no worse"}
    score = {"title": {"text": "score"}, "range": [min(scores) - room, max(scores) + room]}
    return {"title": title, "rangemode": "tozero"}, score


def _flow_axes() -> Axes:
    hidden = {"showticklabels": False, "ticks": "", "range": [0, 1], **BARE}
    title = {"text": "where the joules went: stage, device and whose it is, how they are known", "standoff": 12}
    return {"title": title, **hidden}, hidden


def _checklist_axes(lines: int) -> Axes:
    hidden = {"showticklabels": False, "ticks": "", **BARE}
    title = {"text": "What no number here contains", "standoff": 2}
    return {"title": title, "side": "top", "range": [0, 1], **hidden}, {"range": [lines - 0.4, -0.6], **hidden}
