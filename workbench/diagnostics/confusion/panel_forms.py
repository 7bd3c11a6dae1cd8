"""The two forms of a confusion side by side, number by number."""

from __future__ import annotations

from workbench.diagnostics.confusion.figure import WORDS
from workbench.diagnostics.confusion.measure import Confusion
from workbench.diagnostics.confusion.measure_similarity import NAMES
from workbench.records.interval import Interval

DIFFERENCE = (
    "Paper takes the shares as they are, so that classes with many errors weigh most and a class without errors counts as "
    "flat; corrected divides each row by its sum, adds one error spread over the wrong classes, and leaves classes without "
    "errors out."
)
HEAD = ("corrected", "paper", "paper - corrected")


def forms_table(corrected: Confusion, paper: Confusion) -> str:
    """HTML: each number in both forms with its interval, and the difference."""
    lines = []
    for name in NAMES:
        here, there = getattr(corrected, name), getattr(paper, name)
        cells = [_bounded(here), _bounded(there), f"{there.mean - here.mean:+.2f}"]
        lines.append(f"<tr><td>{WORDS[name]}</td>{''.join(f'<td>{_known(cell)}</td>' for cell in cells)}</tr>")
    return f"<table><tr><th></th>{''.join(f'<th>{each}</th>' for each in HEAD)}</tr>{''.join(lines)}</table>"


def _bounded(found: Interval) -> str:
    return f"{found.mean:.2f} ({found.low:.2f} to {found.high:.2f})"


def _known(cell: str) -> str:
    return "-" if cell.startswith(("nan", "+nan")) else cell
