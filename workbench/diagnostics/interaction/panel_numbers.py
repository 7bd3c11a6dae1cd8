"""The numbers of an interaction tensor as a table: a row per quantity, a column per group."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from workbench.diagnostics.interaction.measure import Interaction


def interaction_numbers(result: Interaction) -> str:
    """HTML of the rows of its groups."""
    groups, found = result.group_names, dict[str, dict[str, str]]()
    for row in result.rows():
        if row["group"]:
            found.setdefault(row["quantity"], {})[row["group"]] = _number(row)
    head = "".join(f"<th>{escape(name)}</th>" for name in groups)
    lines = (
        f"<tr><td>{escape(what)}</td>{''.join(f'<td>{by_group.get(name, str())}</td>' for name in groups)}</tr>"
        for what, by_group in found.items()
    )
    return f"<table><tr><th></th>{head}</tr>{''.join(lines)}</table>"


def _number(row: Mapping[str, Any]) -> str:
    """With its bounds below where it has some; a dash where it is not known."""
    value, low, high = (_short(row.get(key, math.nan)) for key in ("value", "low", "high"))
    return value if low == "-" else f"{value} <br/>({low} to {high})"


def _short(value: float) -> str:
    """As many digits as say something."""
    if math.isnan(value):
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:,.0f}"
