"""Refuse nets that lack what a method declares to need, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from workbench.models.layers import layers_of, listing, watch
from workbench.records.batch import Batch
from workbench.records.provenance import Need, Needs

if TYPE_CHECKING:
    from workbench.records.batch import Inputs


@dataclass(frozen=True)
class _Part:
    """What a net may have: a test for it, its name, and what to use instead of a net without it."""

    has: Callable[[nn.Module, Inputs], bool]
    name: str
    instead: str


def norms_of(model: nn.Module) -> Mapping[str, BatchNorm]:
    """The batch normalisations with running statistics, by layer."""
    norms = {name: part for name, part in model.named_modules() if isinstance(part, BatchNorm)}
    return {name: norm for name, norm in norms.items() if norm.running_mean is not None}


def _has_maps(model: nn.Module, inputs: Inputs) -> bool:
    found: list[str] = []

    def look(name: str, output: object) -> None:
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[2:].numel() > 1:
            found.append(name)

    watch(model, inputs, look)
    return bool(found)


PARTS: Mapping[Need, _Part] = {
    "maps": _Part(
        _has_maps,
        "maps (B, C, H, W) such as those of a ConvNet, whose average enters its classifier",
        "use a convolutional net, or kd",
    ),
    "batch norm": _Part(
        lambda model, _: bool(norms_of(model)),
        "batch normalisation with running statistics",
        "use a net such as ConvNet or a ResNet, or a method with a generator such as zskt",
    ),
    "classifier": _Part(
        lambda model, _: any(isinstance(part, nn.Linear) for part in model.modules()),
        "nn.Linear",
        "use a net that ends in one, or kd",
    ),
}
"""``design`` is not among them: a smaller net can be named or given instead, which its methods find out themselves."""


def check_needs(
    name: str, needs: Needs, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch
) -> None:
    """Refuse a student or a teacher without what a method needs.

    Args:
        name: of the method.
        needs: what it declares.
        student_model: the student.
        teacher_model: the teacher; None in a stage without one.
        example: a batch for both.

    Raises:
        ValueError: A net lacks a part; names the net, the part, what works, and the layers of the net.
    """
    sides = (
        ("student", student_model, example.student_inputs, needs.student),
        ("teacher", teacher_model, example.for_teacher, needs.teacher),
    )
    for side, model, inputs, wanted in sides:
        for part in (PARTS[need] for need in wanted if need in PARTS):
            if model is not None and not part.has(model, inputs):
                raise ValueError(
                    f"{type(model).__name__} has no {part.name}, and {name} needs it in the {side}; {part.instead}; "
                    f"its layers: {listing(layers_of(model))}"
                )
