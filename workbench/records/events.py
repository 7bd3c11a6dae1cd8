"""The closed list of events a distillation yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.records.run import Run


@dataclass(frozen=True, kw_only=True)
class Event:
    """Anything a distillation reports.

    Attributes:
        party: the model it is about: ``teacher``, ``student``, ``peer_1``, ``assistant`` ...
        stage: the stage it happened in.
    """

    party: str = "student"
    stage: str = ""


@dataclass(frozen=True, kw_only=True)
class Started(Event):
    """A run begins; ``resumed_at`` is the number of student steps already done."""

    run_id: str
    setting: str
    method: str
    seed: int
    steps: int
    resumed_at: int = 0


@dataclass(frozen=True, kw_only=True)
class Stage(Event):
    """A stage begins; ``steps`` is its length in optimiser steps."""

    steps: int
    epochs: int


@dataclass(frozen=True, kw_only=True)
class Step(Event):
    """One optimiser step; ``terms`` are the weighted loss terms before it, ``step`` counts from 1 over all stages."""

    step: int
    terms: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Epoch(Event):
    """An epoch ended; ``scores`` are on the validation split, never on test."""

    epoch: int
    step: int
    scores: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Probe(Event):
    """A live quantity; ``name`` is ``agreement``, or what is being worked on (``evaluating``) with the share done."""

    name: str
    step: int
    value: float


@dataclass(frozen=True, kw_only=True)
class Changed(Event):
    """A control was moved while running; stored with the run and replayable."""

    step: int
    name: str
    value: Any


@dataclass(frozen=True, kw_only=True)
class Warning(Event):
    """Something the user should know that does not stop the run."""

    message: str


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """The run is finished; ``stored`` if it was loaded from the store instead of being computed."""

    run: Run
    stored: bool = False


@dataclass(frozen=True, kw_only=True)
class Failed(Event):
    """The run stopped with an error; nothing stored is lost."""

    message: str
    details: Mapping[str, Any] = field(default_factory=dict)
