"""How far a study is, on standard error: a bar in a terminal, else a line per finished run."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from workbench.cli.errors import say
from workbench.cli.output import console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar


class Progress:
    """Called by a study with (runs done, all runs, what happened); to be entered and left."""

    def __enter__(self) -> Self:
        """Shows an empty bar where there is a terminal."""
        screen = console(stderr=True)
        self._bar = _bar(screen) if screen.is_terminal else None
        if self._bar is not None:
            self._task = self._bar.add_task("preparing", total=None)
            self._bar.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, of: int, what: str) -> None:
        """Show it."""
        if self._bar is None:
            say(f"{done} of {of} runs: {what}")
        else:
            self._bar.update(self._task, completed=done, total=of, description=what)


def _bar(screen: Console) -> Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Made

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    return Made(*columns, console=screen, transient=True)
