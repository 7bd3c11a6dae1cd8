"""What a user should know about a setting and its models before believing a run: sentences for ``Warning`` events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.engine.streams import repeatable
from workbench.models.copies import copied
from workbench.models.learners import contradictions
from workbench.models.tracing import Tracer
from workbench.records import probes as named
from workbench.settings.setting import Setting

ROWS = 256
"""Samples on which models are looked at."""
WOBBLE = 0.01
"""Outputs about the same sample that differ by more than this share of their spread are said to differ."""
SUM = 1e-3
"""Rows of outputs whose sums differ from 1 by no more are taken for probabilities."""


def about_teacher(setting: Setting, teacher: nn.Module) -> Iterator[str]:
    """What is unusual about a teacher that is ready to teach.

    Args:
        setting: whose teacher it is, as it was handed over.
        teacher: in evaluation mode.
    """
    yield from about_outputs("teacher", teacher, setting.train, setting.task, teacher=True)
    given = setting.teacher
    if isinstance(given, nn.Module) and any(part.training for part in given.modules()):
        inputs = _inputs(setting.train, teacher=True)
        trained, asked = (_answers(copied(given).train(mode), inputs) for mode in (True, False))
        if trained is not None and asked is not None and _differ(trained, asked):
            yield (
                "the teacher was handed over in training mode, in which its outputs differ; it is asked in evaluation mode. "
                "Call teacher.eval() first, and check that its score is the one you know"
            )
    if count := contradictions(given, setting.validation.as_teacher_sees().inputs):
        yield _contradicting(
            "teacher", type(given).__name__, count, len(setting.validation), "teaches and is scored by"
        )


def about_student(fitted: Any, data: TransferSet) -> str:
    """What is unusual about a fitted estimator; empty if nothing is."""
    asked = _inputs(data, teacher=False)
    count = contradictions(fitted, asked)
    if not count:
        return ""
    return _contradicting(
        "student", type(fitted).__name__, count, len(asked), "is scored by predict, and otherwise read by"
    )


def about_habits(values: dict[str, float]) -> str:
    """What is unusual about how teachers answer, by what ``habits`` measured; empty if nothing is."""
    training, wobble = values.get(named.TEACHER_TRAINING, 0.0), values.get(named.TEACHER_WOBBLE, 0.0)
    if training:
        return f"{training:.0f} parts of the teacher stay in training mode although it is asked in evaluation mode"
    if wobble > WOBBLE:
        return (
            f"the teacher's answer to a sample depends on the other samples of its batch, or on chance: asked twice, it "
            f"differs by {100 * wobble:.2g} % of the spread of its outputs"
        )
    return ""


def about_outputs(
    party: str, model: nn.Module, data: TransferSet, task: str, *, teacher: bool = False
) -> Iterator[str]:
    """Whether a model answers with probabilities where logits are read.

    Args:
        party: who it is.
        model: asked in evaluation mode about the first samples.
        data: the samples.
        task: name of the task.
        teacher: ask about the teacher's inputs.
    """
    if task == "regression":
        return
    outputs = _answers(model, _inputs(data, teacher=teacher))
    kind = None if outputs is None else _probabilities(outputs, -1 if task == "tokens" else 1)
    if kind:
        yield (
            f"the {party}'s outputs are probabilities ({kind}), and logits are read: a softmax of them is nearly flat. "
            f"Leave the last layer out, or return their logarithm"
        )


def _probabilities(outputs: Tensor, axis: int) -> str:
    """Which kind of probabilities outputs are; empty if they are none."""
    if outputs.dim() < 2 or not bool(((outputs >= 0) & (outputs <= 1)).all()):
        return ""
    if bool(((outputs.sum(axis) - 1).abs() <= SUM).all()):
        return "between 0 and 1, rows with sum 1, as of a softmax"
    return "" if bool((outputs == 0).any()) else "all between 0 and 1, as of a sigmoid"


def _contradicting(party: str, kind: str, count: int, of: int, how: str) -> str:
    return (
        f"predict and predict_proba of the {party} ({kind}) name different classes for {count} of {of} validation samples; "
        f"it {how} predict_proba. CalibratedClassifierCV around it makes them agree"
    )


def _inputs(data: TransferSet, *, teacher: bool) -> Any:
    batch = data.batch(torch.arange(min(ROWS, len(data)), device=data.ids.device))
    return batch.for_teacher if teacher else batch.student_inputs


@torch.no_grad()
def _answers(model: nn.Module, inputs: Any) -> Tensor | None:
    """Outputs, or None where the model cannot answer in this mode, as batch normalisation about one sample."""
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    try:
        with repeatable(device):
            return Tracer(model)(_moved(inputs, device)).outputs.float().cpu()
    except (RuntimeError, ValueError):
        return None


def _moved(inputs: Any, device: torch.device) -> Any:
    if isinstance(inputs, Tensor):
        return inputs.to(device)
    if isinstance(inputs, tuple):
        return tuple(part.to(device) for part in inputs)
    return {name: part.to(device) for name, part in inputs.items()}


def _differ(first: Tensor, second: Tensor) -> bool:
    if first.shape != second.shape:
        return True
    return bool((first - second).abs().max() > WOBBLE * second.std().clamp(min=1e-12))
