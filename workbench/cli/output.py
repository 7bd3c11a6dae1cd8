"""Standard output is for results, standard error for everything else."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def emit(document: Any) -> None:
    """Print one JSON document; numbers that JSON does not know become null."""
    print(json.dumps(_plain(document), indent=2, ensure_ascii=False))


@contextmanager
def only_the_document() -> Iterator[None]:
    """Whatever a library prints meanwhile goes to standard error."""
    with redirect_stdout(sys.stderr):
        yield


def console(*, stderr: bool = False) -> Console:
    """A rich console that leaves text from data alone: no markup, no emoji names, no highlighting."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, numbers: Sequence[str] = ()) -> None:
    """A table on standard output; columns named in ``numbers`` are aligned to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    screen = console()
    if not screen.is_terminal:
        screen.width = 200  # a file or a pipe has no width to fit into
    screen.print(table)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
