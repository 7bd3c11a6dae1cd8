"""What a live session shows at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from workbench.records.run import Curve, Run

if TYPE_CHECKING:
    from workbench.records.study import Study

Status = Literal["idle", "preparing", "running", "paused", "seeds", "finished", "stopped", "failed"]
BUSY: tuple[Status, ...] = ("preparing", "running", "paused", "seeds")


@dataclass(frozen=True)
class Lane:
    """One student of the session as far as it has come.

    Attributes:
        name: ``student`` or ``control``.
        method: its method's name.
        step: optimiser steps done, of ``steps``.
        terms: weighted loss terms over steps, averaged so that a whole run has at most about a thousand points.
        validation: validation score over steps.
        agreement: agreement with the teacher on the validation samples over steps.
        probes: what was measured of its steps for the loss doctor, by name.
    """

    name: str
    method: str
    step: int = 0
    steps: int = 0
    terms: Mapping[str, Curve] = field(default_factory=dict)
    validation: Curve = field(default_factory=lambda: EMPTY)
    agreement: Curve = field(default_factory=lambda: EMPTY)
    probes: Mapping[str, Curve] = field(default_factory=dict)


@dataclass(frozen=True)
class Regions:
    """The classes that models assign to a grid over two input dimensions.

    Attributes:
        x, y: (G,) coordinates of the grid.
        classes: by party, (G, G) share of the second class, rows by ``y``.
        points: (N, 2) training samples.
        labels: (N,) their labels, -1 where there is none.
    """

    x: np.ndarray
    y: np.ndarray
    classes: Mapping[str, np.ndarray]
    points: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Snapshot:
    """A session at one moment; a view draws it and never owns it.

    Attributes:
        status: what it is doing.
        message: one sentence about it.
        share: of the current work that is done, in [0, 1].
        remaining_s: estimated seconds left, NaN while unknown.
        lanes: the students.
        teacher: the teacher's validation score, NaN while unknown.
        score: name of the score.
        marks: (step, text) of every control that was moved.
        warnings: of either student's run, each once.
        runs: finished runs by lane.
        study: arms, intervals and verdict as far as seeds are done.
        regions: of a setting with two input dimensions.
    """

    status: Status = "idle"
    message: str = "Press Start."
    share: float = 0.0
    remaining_s: float = float("nan")
    lanes: tuple[Lane, ...] = ()
    teacher: float = float("nan")
    score: str = "accuracy"
    marks: tuple[tuple[int, str], ...] = ()
    warnings: tuple[str, ...] = ()
    runs: Mapping[str, Run] = field(default_factory=dict)
    study: Study | None = None
    regions: Regions | None = None


EMPTY = Curve(np.zeros(0, np.int64), np.zeros(0))
