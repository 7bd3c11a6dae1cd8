"""The table of a study, and the button that fills in what is missing of it."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from workbench.records.snapshot import Snapshot


class VerdictTable(widgets.VBox):
    """Arms, intervals, paired differences and the verdict in words, as far as seeds are done.

    Args:
        on_remaining: called when the user asks for the seeds that are missing.
    """

    def __init__(self, on_remaining: Callable[[], object]) -> None:
        """Hidden until there is something to show."""
        self.table = widgets.HTML()
        self.table.add_class("wb-table")
        self.remaining = widgets.Button(description="Run the remaining seeds", layout={"width": "16em"})
        self.remaining.on_click(lambda _: on_remaining())
        super().__init__([_head("Verdict"), self.table, self.remaining], layout={"display": "none"})

    def show(self, snapshot: Snapshot, seeds: int) -> None:
        """What a snapshot knows.

        Args:
            snapshot: of the session.
            seeds: of the study that was asked for.
        """
        study, done = snapshot.study, bool(snapshot.runs)
        self.layout.display = "" if done else "none"
        if not done:
            return
        complete = study is not None and all(set(study.seeds) <= set(arm.seeds) for arm in study.arms.values())
        self.table.value = "" if study is None else study._repr_html_()
        self.remaining.disabled = snapshot.status not in ("finished", "stopped", "failed")
        self.remaining.layout.display = "none" if complete else ""
        self.remaining.description = f"Run all {seeds} seeds" if study is None else "Run the remaining seeds"


def _head(text: str) -> widgets.HTML:
    return widgets.HTML(f'<div class="wb-head">{text}</div>')
