"""The energy of making and serving a student, when its teacher's work is shared and its answers are many."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Pipeline:
    """What one way to a student costs.

    Formula:
        E(N, V) = preparation + a pretraining + artefact / N + r student + evaluation + V serving
        N: students that share the artefact (cached outputs, generated samples);  V: samples each of them serves;
        a: share of the teacher's own training that is charged to each student;  r: training runs it took, with
        sweeps, seeds and failures.

    Attributes:
        name: how sentences call it.
        student_j: one training of the student.
        artefact_j: what the teacher makes once for all students.
        pretraining_j: the training of the teacher.
        preparation_j: of the data, for every student.
        evaluation_j: of every student.
        serving_j: one sample.
        allocation: a, in [0, 1]; 0 takes the teacher as given.
        runs: r, at least 1.
    """

    name: str
    student_j: float
    artefact_j: float = 0.0
    pretraining_j: float = 0.0
    preparation_j: float = 0.0
    evaluation_j: float = 0.0
    serving_j: float = 0.0
    allocation: float = 0.0
    runs: float = 1.0

    def __post_init__(self) -> None:
        """Refuses what cannot be.

        Raises:
            ValueError: a share outside [0, 1], fewer than one run, or negative energy.
        """
        if not 0 <= self.allocation <= 1:
            raise ValueError(f"allocation = {self.allocation:g} must lie in [0, 1]: it is a share of the teacher")
        if self.runs < 1:
            raise ValueError(f"runs = {self.runs:g}: a student takes one training at least")
        energies = {name: value for name, value in vars(self).items() if name.endswith("_j")}
        if negative := [name for name, value in energies.items() if value < 0]:
            raise ValueError(f"{', '.join(negative)} of {self.name!r} are below zero")

    def energy_j(self, reuse: ArrayLike = 1, served: ArrayLike = 0) -> np.ndarray:
        """Joules per student; ``reuse`` is N and ``served`` V, numbers or arrays of one shape.

        Raises:
            ValueError: a reuse below one, or fewer than no samples.
        """
        reuse, served = np.asarray(reuse, np.float64), np.asarray(served, np.float64)
        if (reuse < 1).any() or (served < 0).any():
            raise ValueError("the artefact serves one student at least, and no student serves fewer than 0 samples")
        return self.each_j + self.artefact_j / reuse + served * self.serving_j

    @property
    def each_j(self) -> float:
        """What every student costs however many share the artefact."""
        fixed = self.preparation_j + self.evaluation_j + self.allocation * self.pretraining_j
        return fixed + self.runs * self.student_j


def students_to_break_even(shared_j: float, plain_j: float, distilled_j: float) -> float:
    """N*: how many students must share what the teacher made before distilling them is the cheaper way.

    Formula: ``N* = shared / (plain - distilled)``; infinite where a distilled student is not cheaper by itself.

    Example:
        >>> students_to_break_even(11.0, 6.30, 5.20)  # doctest: +ELLIPSIS
        10.0...
    """
    saved = plain_j - distilled_j
    return shared_j / saved if saved > 0 else math.inf


def samples_to_break_even(extra_j: float, reference_j: float, student_j: float) -> float:
    """T*: how many samples must be served by the student instead of the reference to pay for what it took to make it.

    Formula: ``T* = extra / (reference - student)``, both per sample; infinite where the student is not cheaper to ask.
    """
    saved = reference_j - student_j
    return extra_j / saved if saved > 0 else math.inf
