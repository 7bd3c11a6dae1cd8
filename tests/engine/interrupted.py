"""Arms that are interrupted; ``main`` runs one of them in a process that can be killed."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from tests.contracts.probes.test_updates import MomentumSplit
from tests.contracts.probes.world import nets_for, setting, setting_of
from tests.contracts.text import reads_text, text_setting
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.distill import Distillation
from workbench.engine.training import keeper
from workbench.methods.catalog import make
from workbench.methods.method import Method
from workbench.models.mlp import MLP
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.plan import Player, StagePlan
from workbench.settings.setting import Recipe, Setting


class Dropping(nn.Module):
    """A student with dropout and running statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.body(inputs)


def jitter(inputs: Tensor, generator: torch.Generator) -> Tensor:
    return inputs + 0.1 * torch.randn(inputs.shape, generator=generator)


class Averaged(Method):
    """A moving average teaches, noise is drawn at every step, and stages have names."""

    teacher_source, decay = "ema", 0.8

    def stages(self, facts):
        return StagePlan("one", 0.4), StagePlan("two", 0.6)

    def forward(self, student, teacher, batch):
        noisy = student.logits + 0.1 * torch.randn_like(student.logits)
        return {"gap": (noisy - teacher.logits).square().mean(1), "labels": self.label_loss(student, batch)}


class Shared(Method):
    """Two players, one moving at every third step, and buffers of a gradient rule."""

    def build(self, student_model, teacher_model, example, facts):
        super().build(student_model, teacher_model, example, facts)
        self.scale = nn.Parameter(torch.ones(3))

    def players(self, students):
        return {
            "student": Player(students["student"].parameters()),
            "scale": Player([self.scale], terms=lambda name: name == "answers", every=3),
        }

    def forward(self, student, teacher, batch):
        answers = (self.scale * student.logits - teacher.logits).square().mean(1)
        return {"labels": self.label_loss(student, batch), "answers": answers}


class Split(Method):
    """Two momentum buffers of its own, and the students' layers in a new stage each."""

    def build(self, student_model, teacher_model, example, facts):
        super().build(student_model, teacher_model, example, facts)
        self.gradient_rule = MomentumSplit(0.05)
        self.gradient_rule.prepare(student_model)

    def forward(self, student, teacher, batch):
        gap = (student.logits - teacher.logits).square().mean(1)
        return {"labels": self.label_loss(student, batch), "answers": gap}


OWN = {"averaged": Averaged, "shared": Shared, "split": Split}
BUDGET = Budget(epochs=12, batch_size=16, clip=1.0)


def arm(name: str, folder: Path) -> Distillation:
    """A distillation that keeps a checkpoint at every epoch; 72 steps."""
    keeper.EVERY = 0.0
    where: Setting = setting(teacher=Recipe(partial(MLP, 4, (16,), 3), Budget(epochs=3, batch_size=16)))
    if name in OWN:
        where = setting(student=Dropping, augment=jitter)
    method = OWN[name]() if name in OWN else make(name, {"hint_share": 0.5} if name == "fitnets" else {})
    if reads_text(type(method)):
        where = text_setting()
    elif "classification" not in method.tasks:
        where = setting_of(method.tasks[0])
    if nets := nets_for(type(method)):
        where = setting(**nets)
    return Distillation(where, method, BUDGET, 0, Conditions(folder=folder))


def main() -> None:
    """Run the arm named on the command line, slowly, saying at each step where it is."""
    torch.set_num_threads(1)
    going = arm(sys.argv[1], Path(sys.argv[2]))
    for event in going.run(Controls(going.method)):
        if isinstance(event, events.Step | events.Finished):
            kept = going.checkpoint_path.exists()
            print(type(event).__name__, event.party, event.stage, getattr(event, "step", 0), kept, flush=True)  # noqa: T201
            time.sleep(0.003)
