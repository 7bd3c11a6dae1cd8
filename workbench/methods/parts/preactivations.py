"""Where a stage's responses are read before they are rectified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from workbench.methods.parts.layers import stage_pairs
from workbench.models.layers import evaluating
from workbench.models.tracing import Tracer, executed_layers
from workbench.records.batch import Batch

if TYPE_CHECKING:
    from workbench.records.batch import Inputs

RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU)


def preactivation_pairs(
    student_model: nn.Module, teacher_model: nn.Module, guided: str | None, hint: str | None, example: Batch
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The named layers as they are, or what the models' stages are before they are rectified; matched from the last.

    Raises:
        ValueError: as ``stage_pairs``.
    """
    student, teacher = stage_pairs(student_model, teacher_model, guided, hint)
    return (
        student if guided else preactivations(student_model, student, example.student_inputs),
        teacher if hint else preactivations(teacher_model, teacher, example.for_teacher),
    )


def preactivations(model: nn.Module, stages: Sequence[str], inputs: Inputs) -> tuple[str, ...]:
    """What enters the rectifier that each stage ends with, as ``layer:input``.

    A stage that ends with none, or with one that is no module, stands for itself.
    """
    ran = executed_layers(model, inputs)
    return tuple(_before_rectifier(model, stage, ran, inputs) for stage in stages)


def _before_rectifier(model: nn.Module, stage: str, ran: list[str], inputs: Inputs) -> str:
    """The last rectifier inside ends the stage if the stage's output is its own."""
    inside = [name for name in ran if name.startswith(f"{stage}.")]
    rectifiers = [name for name in inside if isinstance(model.get_submodule(name), RECTIFIERS)]
    if not rectifiers:
        return stage
    entry = f"{rectifiers[-1]}:input"
    with evaluating(model), torch.no_grad():
        trace = Tracer(model, (entry, stage))(inputs)
        rectified = model.get_submodule(rectifiers[-1])(trace[entry].clone())
    return entry if torch.equal(rectified, trace[stage]) else stage
