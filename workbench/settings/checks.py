"""Refuses models that cannot work on the data, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workbench.data.transfer import Inputs
from workbench.maths.randomness import all_kept
from workbench.models.copies import copied
from workbench.models.layers import call
from workbench.models.soft_fit import SoftFit
from workbench.models.tracing import tensor_of
from workbench.settings.arguments import check_trainable
from workbench.settings.data_checks import form_of

if TYPE_CHECKING:
    from workbench.records.batch import Batch
    from workbench.settings.setting import Setting


def check_models(setting: Setting, teacher: Any, student: Any, batch_sizes: Mapping[str, int] | None = None) -> None:
    """Run two samples through teacher and student and refuse outputs that do not fit the labels.

    Models and random state are left as they were.

    Args:
        setting: whose data the models see.
        teacher: a net, a function of inputs to logits, or None.
        student: a net, or an estimator that is still to be fitted.
        batch_sizes: samples per step of those that are trained, by party.

    Raises:
        ValueError: a model cannot take the inputs, cannot be trained, or its outputs have another width or are NaN.
        TypeError: an output is no tensor, or the student is an estimator that cannot learn soft targets.
    """
    batch = setting.train.batch(torch.arange(min(2, len(setting.train))))
    for party, model, inputs in (("student", student, batch.student_inputs), ("teacher", teacher, batch.for_teacher)):
        if model is None or hasattr(model, "get_params"):
            continue
        outputs = _dry_run(party, model, inputs)
        _check_numbers(party, outputs, inputs, batch, setting.task)
        if setting.task == "regression":
            _check_targets(party, outputs, batch.labels)
        elif party == "student" or setting.task != "tokens" or batch.teacher_inputs is None:  # own tokens, own width
            _check_width(party, outputs, setting)
            _check_places(party, outputs, batch.labels, setting.task)
        if min((batch_sizes or {}).get(party, 2), len(setting.train)) == 1:
            _check_alone(party, model, setting)
    if isinstance(student, nn.Module):
        check_trainable(student)
    elif hasattr(student, "get_params"):
        SoftFit(student)


def _dry_run(party: str, model: Any, inputs: Inputs) -> Tensor:
    modes = [(part, part.training) for part in model.modules()] if isinstance(model, nn.Module) else []
    for part, _ in modes:
        part.training = False
    try:
        with torch.no_grad(), all_kept():
            outputs = call(model, inputs)
    except Exception as error:
        raise ValueError(f"the {party} cannot take inputs of {form_of(inputs)}: {error}{_hint(inputs)}") from error
    finally:
        for part, training in modes:
            part.training = training
    outputs = tensor_of(outputs, f"the {party}'s output")
    if outputs.is_complex() or not outputs.is_floating_point():
        raise ValueError(f"the {party}'s outputs are {outputs.dtype}; real numbers are needed, such as logits")
    return outputs


def _check_numbers(party: str, outputs: Tensor, inputs: Inputs, batch: Batch, task: str) -> None:
    """NaN is refused, except at padded positions and those that the batch's mask leaves out: what they hold is not read."""
    wrong = outputs.isnan()
    if outputs.dim() > 1:
        wrong = wrong.any(-1 if task == "tokens" else 1)
    attended = inputs.get("attention_mask") if isinstance(inputs, dict) else None
    for counts in (attended, batch.mask):
        if counts is not None and counts.shape == wrong.shape:
            wrong = wrong & counts.bool()
    if wrong.any():
        raise ValueError(f"the {party}'s outputs are NaN for some of the first samples; mend its weights or the inputs")


def _hint(inputs: Inputs) -> str:
    """What often is the matter with inputs of such a form."""
    if not isinstance(inputs, Tensor):
        return ""
    if inputs.dtype == torch.int64:
        return "; whole numbers are taken for token ids: give measurements as floats"
    if inputs.dim() == 4 and inputs.shape[3] in (1, 3, 4) and inputs.shape[1] not in (1, 3, 4):
        return "; pictures are (N, C, H, W): move the channels with x.transpose(0, 3, 1, 2)"
    return ""


def _check_alone(party: str, model: nn.Module, setting: Setting) -> None:
    """A batch of one sample in training mode, on a copy."""
    batch, model = setting.train.batch(torch.arange(1)), copied(model).train()
    norms = [name for name, part in model.named_modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    try:
        with torch.no_grad(), all_kept():
            call(model, batch.student_inputs if party == "student" else batch.for_teacher)
    except ValueError as error:
        if not norms:
            raise
        raise ValueError(
            f"the {party} has batch norm ({norms[0]}), which cannot train on batches of one sample; set Budget(batch_size=2) "
            f"or more, or use another norm ({error})"
        ) from error


def _check_width(party: str, outputs: Tensor, setting: Setting) -> None:
    axis = -1 if setting.task == "tokens" else 1
    width = outputs.shape[axis] if outputs.dim() > 1 else 0
    exactly = setting.task in ("classification", "multilabel")
    if width < setting.classes or (exactly and width > setting.classes):
        names = setting.train.encoding.classes
        known = f" ({', '.join(names[:5])}{' ...' if len(names) > 5 else ''})" if names else ""
        raise ValueError(
            f"the {party}'s outputs are {width} wide, but the labels need {setting.classes} classes{known}; "
            "give class_names if some classes do not occur in the data"
        )


def _check_places(party: str, outputs: Tensor, labels: Tensor | None, task: str) -> None:
    """Where there is a label for each position, there is an output for each."""
    if labels is None or task not in ("tokens", "dense"):
        return
    places = outputs.shape[1:-1] if task == "tokens" else outputs.shape[2:]
    if places != labels.shape[1:]:
        raise ValueError(
            f"the {party}'s outputs have shape {tuple(outputs.shape)}, but the labels {tuple(labels.shape)}; "
            f"task={task!r} needs {'(B, L, V)' if task == 'tokens' else '(B, C, H, W)'} with the labels' positions"
        )


def _check_targets(party: str, outputs: Tensor, labels: Tensor) -> None:
    """Axes of length one do not count: (B,), (B, 1) and (B, 1, 1) are one number per sample."""
    shapes = [[n for n in part.shape[1:] if n != 1] for part in (outputs, labels)]
    if shapes[0] != shapes[1] or outputs.shape[:1] != labels.shape[:1]:
        raise ValueError(
            f"the {party}'s outputs have shape {tuple(outputs.shape)}, but the targets {tuple(labels.shape)}"
        )
