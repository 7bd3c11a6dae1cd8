"""Which layers a method reads: the ones it is told, or the ones models have by default."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.maths.maps import as_maps
from workbench.models.layers import layers_of, listing
from workbench.models.tracing import Tracer, penultimate_of, stages_of
from workbench.records.batch import Batch
from workbench.records.trace import Trace


def penultimate_pair(
    student_model: nn.Module, teacher_model: nn.Module, guided: str | None, hint: str | None
) -> tuple[str, str]:
    """The named layers, or what enters the classifiers.

    Raises:
        ValueError: no layer is named and a model has no linear classifier; the message lists its layers.
    """
    return guided or penultimate_of(student_model), hint or penultimate_of(teacher_model)


def stage_pairs(
    student_model: nn.Module, teacher_model: nn.Module, guided: str | None, hint: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The named layers (several with commas), or the models' stages; counted from the last where one has fewer.

    Raises:
        ValueError: different numbers of layers are named, or none and a model has no stages; the message lists its
            layers.
    """
    student, teacher = every_stage(student_model, teacher_model, guided, hint)
    if guided and hint and len(student) != len(teacher):
        raise ValueError(f"guided names {len(student)} layers and hint {len(teacher)}; they are matched one to one")
    count = min(len(student), len(teacher))
    return student[-count:], teacher[-count:]


def every_stage(
    student_model: nn.Module, teacher_model: nn.Module, guided: str | None, hint: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The named layers (several with commas), or all of the models' stages, in any number on either side.

    Raises:
        ValueError: none is named and a model has no stages; the message lists its layers.
    """
    student = _names(guided) or tuple(stages_of(student_model))
    return student, _names(hint) or tuple(stages_of(teacher_model))


def last_stage_pair(
    student_model: nn.Module, teacher_model: nn.Module, guided: str | None, hint: str | None
) -> tuple[str, str]:
    """The named layers, or the models' last stages.

    Raises:
        ValueError: no layer is named and a model has no stages; the message lists its layers.
    """
    return guided or stages_of(student_model)[-1], hint or stages_of(teacher_model)[-1]


def middle(stages: list[str]) -> str:
    """The stage in the middle, the earlier of two."""
    return stages[(len(stages) - 1) // 2]


@torch.no_grad()
def example_traces(
    student_model: nn.Module, teacher_model: nn.Module, layers: tuple[tuple[str, ...], tuple[str, ...]], example: Batch
) -> tuple[Trace, Trace]:
    """What both models make of a few samples, to learn the shapes of their features.

    Raises:
        ValueError: a model has no such layer, and the message lists what it has; or a feature holds whole numbers, such
            as ids on their way into an embedding, which can be neither compared nor fed to a layer of a method.
    """
    student = Tracer(student_model, layers[0])(example.student_inputs)
    teacher = Tracer(teacher_model, layers[1])(example.for_teacher)
    for model, trace in ((student_model, student), (teacher_model, teacher)):
        for name, feature in trace.features.items():
            if not feature.is_floating_point():
                raise ValueError(
                    f"feature {name!r} of {type(model).__name__} holds {feature.dtype}, and features must be "
                    f"floating-point numbers; name a later layer; layers: {listing(layers_of(model))}"
                )
    return student, teacher


def example_maps(
    student_model: nn.Module, teacher_model: nn.Module, layers: tuple[tuple[str, ...], tuple[str, ...]], example: Batch
) -> list[tuple[Tensor, Tensor]]:
    """Of each pair of layers what both models make of a few samples, as maps (B, C, H, W).

    Raises:
        ValueError: a model has no such layer, or its features are no maps, sequences or vectors.
    """
    student, teacher = example_traces(student_model, teacher_model, layers, example)
    return [(as_maps(student[mine]), as_maps(teacher[theirs])) for mine, theirs in zip(*layers, strict=True)]


def _names(given: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in given.split(",")) if given else ()
