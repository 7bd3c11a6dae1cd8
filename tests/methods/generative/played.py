"""Methods that play against a generator, in a form whose numbers an oracle can check."""

from __future__ import annotations

import torch
from torch import nn

from workbench.records.trace import Trace


class Played:
    """A method on a teacher that is a constant; beside its terms it says how its generator moves.

    Args:
        cls: the method.
        layers: what it would have found in the student and the teacher.
        parameters: of the method.
    """

    def __init__(self, cls, layers=((), ()), **parameters):
        self.method = cls(**parameters)
        self.method.student_layers, self.method.teacher_layers = layers
        self.method.generator = nn.Linear(1, 1)
        self.stages = self.method.stages

    def __call__(self, student, teacher, batch):
        constant = Trace(teacher.outputs.detach(), {name: f.detach() for name, f in teacher.features.items()})
        terms = self.method(student, constant, batch)
        generator = self.method.players({"student": nn.Linear(1, 1)})["generator"]
        moves = {"every": generator.every, "rate": generator.learning_rate, "sign": generator.sign}
        told = {name: torch.tensor([float(value)], dtype=torch.float64) for name, value in moves.items()}
        return {name: term if term.dim() else term[None] for name, term in terms.items()} | told


def moves(every, rate, sign):
    """What a generator is expected to do."""
    return {"every": [every], "rate": [rate], "sign": [sign]}
