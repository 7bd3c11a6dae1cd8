"""The numbers of an interaction tensor as a table: a row per quantity, a column per group."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from workbench.diagnostics.interaction.interaction import Interaction


def interaction_numbers(result: Interaction) -> str:
    """HTML of all its rows; what belongs to no single group stands in a column of its own."""
    groups, found = ("", *result.group_names), dict[str, dict[str, str]]()
    for row in result.rows():
        found.setdefault(row["quantity"], {})[row["group"]] = _number(row)
    head = "".join(f"<th>{escape(name or 'all groups')}</th>" for name in groups)
    lines = (
        f"<tr><td>{escape(what)}</td>{''.join(f'<td>{by_group.get(name, str())}</td>' for name in groups)}</tr>"
        for what, by_group in found.items()
    )
    return f"<table><tr><th></th>{head}</tr>{''.join(lines)}</table>"


def _number(row: Mapping[str, Any]) -> str:
    """With its bounds where it has some; a dash where it is not known."""
    values = [row[key] for key in ("value", "low", "high") if key in row]
    shown = [
        "-" if math.isnan(value) else f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" for value in values
    ]
    return shown[0] if len(shown) == 1 or shown[1] == "-" else f"{shown[0]} ({shown[1]} to {shown[2]})"
