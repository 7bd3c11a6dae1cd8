"""Where teacher, student and control look: maps sample by sample, likeness, what is left of the divergence, class pairs."""

from __future__ import annotations

from collections.abc import Callable

import plotly.graph_objects as go

from workbench.diagnostics.attribution.figure_numbers import divergence, likeness, pairs
from workbench.diagnostics.attribution.figure_places import columns, points, series
from workbench.diagnostics.attribution.figure_sheet import parts, sheet
from workbench.diagnostics.attribution.measure import Attribution

VIEWS: dict[str, Callable[..., go.Figure]] = {
    "likeness": likeness,
    "divergence": divergence,
    "pairs": pairs,
}
ROWS = 4


def figure(result: Attribution, *, view: str = "maps", ids: list[int] | None = None) -> go.Figure:
    """One of the views of an attribution.

    Args:
        result: of ``attribution_of``.
        view: ``maps`` (one row per sample), ``parts`` (the student's map of ``kd_match``, split), ``likeness``,
            ``divergence`` or ``pairs``.
        ids: samples whose maps are drawn; the first few if None.

    Raises:
        ValueError: there is no such view, or no split.
        KeyError: a sample was not explained.
    """
    rows = list(range(min(ROWS, result.n))) if ids is None else [result.row_of(id) for id in ids]
    if view == "maps":
        return _maps(result, rows, every=ids is None)
    if view == "parts":
        if not result.part_maps.size or result.maps.ndim != 4:
            raise ValueError("there are maps of both parts for images and the score kd_match only")
        return parts(result, rows)
    if view not in VIEWS:
        raise ValueError(f"no view {view!r}; there are maps, parts, {', '.join(VIEWS)}")
    return VIEWS[view](result)


def _maps(result: Attribution, rows: list[int], *, every: bool) -> go.Figure:
    if result.maps.ndim == 4:
        return sheet(result, rows)
    if result.look == "series":
        return series(result, rows)
    if result.look == "points" and result.maps.shape[2] == 2:
        return points(result, list(range(result.n)) if every else rows)
    return columns(result, rows)
