"""What a method asks of the engine: stages, players and facts it is built from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from torch.nn import Parameter


@dataclass(frozen=True)
class Facts:
    """What a method may know about the run when it is built.

    Attributes:
        samples: size of the transfer set.
        classes: number of classes, 0 where the task has none.
        steps: optimiser steps of the student over all stages.
        epochs: the same in epochs.
        task: name of the task, which fixes layout and label loss.
    """

    samples: int
    classes: int
    steps: int
    epochs: int
    task: str = "classification"


@dataclass(frozen=True)
class StagePlan:
    """One stage: who trains on what next.

    Attributes:
        name: shown in the log; the method sees it as ``self.stage`` while the stage runs.
        share: part of the budget's steps; the shares of the final ``student`` add up to 1, or are all 0 where it only
            ever starts from the average of others. A stage of share 0 does its ``start`` and is validated.
        learner: the party that is trained.
        teacher: the party that teaches (``teacher`` is the setting's), several for several teachers, None for nobody.
        data: ``all`` samples, only the ``labelled`` ones, or the ids to use.
        start: ``continue`` from where the learner stands, ``fresh`` initialisation, or the weighted average of parties.
        factory: makes a learner that is not the setting's student; called once, under the initialisation stream.
        terms: keep only the loss terms it accepts by name; None keeps all.
        inputs: whose inputs the learner is trained on, and shown from then on, as a teacher too: the ``student``'s, or the
            ``teacher``'s for a net that is trained in the teacher's place.
    """

    name: str = "distill"
    share: float = 1.0
    learner: str = "student"
    teacher: str | tuple[str, ...] | None = "teacher"
    data: Literal["all", "labelled"] | np.ndarray = "all"
    start: Literal["continue", "fresh"] | Mapping[str, float] = "continue"
    factory: Callable[[], object] | None = None
    terms: Callable[[str], bool] | None = None
    inputs: Literal["student", "teacher"] = "student"


@dataclass(frozen=True)
class Player:
    """A named group of parameters with its own optimiser, terms, cadence and sign.

    Attributes:
        parameters: what it moves.
        terms: the loss terms it answers to, by name; None means all of them.
        sign: +1 minimises the sum of its terms, -1 maximises it.
        every: moves at every n-th step.
        learning_rate: relative to the budget's.
    """

    parameters: Iterable[Parameter]
    terms: Callable[[str], bool] | None = None
    sign: float = 1.0
    every: int = 1
    learning_rate: float = 1.0
