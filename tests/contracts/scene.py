"""Small models and a batch on which any method can be built and asked, stage by stage."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import nn

from tests.contracts import text
from workbench.methods.parts.synthesis import DataFreeMethod
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.models.tracing import Tracer
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.plan import Facts, StagePlan

seed_cpu = torch.default_generator.manual_seed
"""``torch.manual_seed`` for what is on the processor; on its own it does not note the call stack for absent devices."""

FACTS = Facts(samples=12, classes=3, steps=100, epochs=10)


class Dense(nn.Module):
    """An answer of three classes for each pixel, from two stages."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU())
        self.layer2 = nn.Sequential(nn.Conv2d(width, width + 1, 3, padding=1), nn.ReLU())
        self.head = nn.Conv2d(width + 1, 3, 1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer2(self.layer1(inputs)))


MODELS = {
    "dense": (lambda: Dense(3), lambda: Dense(4), (1, 6, 6)),
    "mlp": (lambda: MLP(4, (5, 6), 3), lambda: MLP(4, (7, 8, 9), 3), (4,)),
    "convnet": (lambda: ConvNet(1, (2, 3), 3), lambda: ConvNet(1, (4, 5), 3), (1, 8, 8)),
}


def kinds_of(cls: Any) -> tuple[str, ...]:
    """The kinds of models a method is tried on, by the first of its tasks."""
    if {"maps", "batch norm"} & set(getattr(cls, "needs", ())):
        return ("convnet",)
    if task_of(cls) == "dense":
        return ("dense",)
    return tuple(text.TEXT_MODELS if text.reads_text(cls) else ("mlp", "convnet"))


def task_of(cls: Any) -> str:
    """The first task of a method, on which it is tried."""
    return getattr(cls, "tasks", ("classification",))[0]


@dataclass
class Scene:
    """A method built for a student and a teacher, in evaluation mode so that samples do not meet in batch norm."""

    method: Any
    student: nn.Module
    teacher: nn.Module
    batch: Batch
    facts: Facts

    def stages(self) -> Iterator[tuple[StagePlan, dict[str, nn.Module], nn.Module | None]]:
        """Each stage's plan, learners and teacher, with the method told that it runs."""
        for plan in self.method.stages(self.facts):
            self.method.stage = plan.name
            self.method.schedule(0.5)
            learner = self.student if plan.factory is None else self._made(plan)
            peers = {f"peer_{k}": fresh_like(learner, k) for k in range(1, self.method.students)}
            yield plan, {plan.learner: learner} | peers, self._teachers(plan, learner)

    def _teachers(self, plan: StagePlan, learner: nn.Module) -> tuple[nn.Module, ...]:
        """Who teaches: another version of the learner if the teacher follows it, else the plan's, one for each name."""
        if self.method.teacher_source != "fixed":
            return (fresh_like(learner, 9),)
        names = () if plan.teacher is None else (plan.teacher,) if isinstance(plan.teacher, str) else plan.teacher
        return tuple(fresh_like(self.teacher, k) if k else self.teacher for k in range(len(names)))

    def _made(self, plan: StagePlan) -> nn.Module:
        """A learner that is not the student, the same one each time."""
        with torch.random.fork_rng():
            seed_cpu(3)
            return self.method.prepare(plan.factory()).eval().to(self.batch.student_inputs)

    def ask(
        self, learners: dict[str, nn.Module], teachers: tuple[nn.Module, ...], batch: Batch | None = None
    ) -> dict[str, Any]:
        """The terms of a stage; texts and other inputs that are made while training are the same each time."""
        batch = batch or self.batch
        made = isinstance(self.method, DataFreeMethod) or self.method.teacher_input_gradient
        if self.facts.task == "tokens" or made:
            with torch.random.fork_rng():
                seed_cpu(0)
                batch = self.method.inputs(batch, learners)
        traces = tuple(Tracer(m, self.method.student_layers)(batch.student_inputs) for m in learners.values())
        guides = tuple(Tracer(m, self.method.teacher_layers)(batch.for_teacher) for m in teachers)
        return self.method(_bare(traces), _bare(guides), batch)

    def terms(self, batch: Batch | None = None) -> dict[str, torch.Tensor]:
        """The terms of all stages, by stage and name."""
        return {
            f"{plan.name}/{name}": term
            for plan, learners, teachers in self.stages()
            for name, term in self.ask(learners, teachers, batch).items()
        }


def _bare(traces: tuple[Any, ...]) -> Any:
    """Traces as a method is given them: none, one, or a tuple of several."""
    return traces if len(traces) > 1 else traces[0] if traces else None


def fresh_like(model: nn.Module, seed: int) -> nn.Module:
    """The same design with other weights."""
    made = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    for parameter in made.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator).to(parameter)
    return made


def scene(
    cls: Any,
    kind: str | None = None,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
    task: str = "",
    **parameters: Any,
) -> Scene:
    """Two models of a kind and a batch of eight samples, two of them without a label; by default of its first task."""
    seed_cpu(0)
    task, kind = task or task_of(cls), kind or ("dense" if task == "dense" else kinds_of(cls)[0])
    make_student, make_teacher, *shape = (MODELS | text.TEXT_MODELS)[kind]
    student, teacher = make_student().eval().to(dtype), make_teacher().eval().to(dtype)
    batch = labelled(points(*shape, dtype), task) if shape else text.text_batch()
    facts = replace(FACTS, task=task, classes=0 if task == "regression" else 3) if shape else text.FACTS
    method = cls(**parameters)
    if method.teacher_input_gradient:  # as the engine does: gradients pass through the teacher, it receives none
        teacher.requires_grad_(requires_grad=False)
    seed_cpu(seed)
    student = method.prepare(student)
    method.build(student, teacher if method.reads_teacher else None, example_of(batch), facts)
    return Scene(method.to(dtype), student, teacher, batch, facts)


@cache
def built(cls: Any) -> Scene:
    """The scene of a method as it stands in the catalogue, for those who look at it and change nothing."""
    return scene(cls)


def points(shape: tuple[int, ...], dtype: torch.dtype) -> Batch:
    """Eight samples of a shape, two of them without a label."""
    labels = torch.tensor([0, 1, 2, UNLABELLED, 1, 0, 2, UNLABELLED])
    return Batch(torch.tensor([3, 14, 15, 92, 65, 35, 89, 79]), torch.randn(8, *shape, dtype=dtype), labels)


def labelled(batch: Batch, task: str) -> Batch:
    """The batch with labels of a task; a regression has no samples without one."""
    generator = torch.Generator().manual_seed(4)
    if task == "multilabel":
        entries = torch.randint(-1, 2, (8, 3), generator=generator)
        return batch.but(labels=entries.masked_fill((batch.labels == UNLABELLED)[:, None], UNLABELLED))
    if task == "regression":
        return batch.but(labels=torch.randn(8, 3, generator=generator, dtype=torch.float64).to(batch.student_inputs))
    if task == "dense":
        pixels = torch.randint(-1, 3, (8, *batch.student_inputs.shape[2:]), generator=generator)
        return batch.but(labels=pixels.masked_fill((batch.labels == UNLABELLED)[:, None, None], UNLABELLED))
    return batch


def example_of(batch: Batch) -> Batch:
    """Its first four samples."""
    return rows_of(batch, torch.arange(4))


def rows_of(batch: Batch, rows: torch.Tensor) -> Batch:
    """Some samples of a batch, in an order."""
    return Batch(**{name: text.rows_of(part, rows) for name, part in text.parts_of(batch)})
