"""Refuses data and models that cannot work together, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workbench.data.transfer import Inputs
from workbench.records.batch import Batch

if TYPE_CHECKING:
    from workbench.settings.setting import Setting


def check_data(setting: Setting) -> None:
    """Refuse labels that are missing, of one class, or unknown in the test, and samples in both train and test.

    Raises:
        ValueError: so; the message says what is there.
    """
    train, test = setting.train, setting.test
    rows = train.labelled
    if not len(rows):
        raise ValueError("the student's data has no label at all; at least two samples of each class are needed")
    if len(test.labelled) < len(test):
        raise ValueError(
            f"{len(test) - len(test.labelled)} of {len(test)} test samples have no label; every one needs it"
        )
    _check_overlap(setting)
    if setting.task == "classification":
        _check_classes(setting, train.labels[rows].unique().tolist(), test.labels.unique().tolist())


def _check_overlap(setting: Setting) -> None:
    for name in ("train", "teacher_train"):
        part = getattr(setting, name)
        if part is None or not (part.named and setting.test.named):
            continue
        shared = sorted(set(part.ids.tolist()) & set(setting.test.ids.tolist()))
        if shared:
            raise ValueError(f"{len(shared)} samples are in both {name} and test, by their ids {shared[:5]} ...")


def _check_classes(setting: Setting, train: list[int], test: list[int]) -> None:
    known = range(setting.classes)
    if len(train) < 2:
        raise ValueError(f"the student's labels hold one class only ({train[0]}); at least two are needed")
    for name, labels in (("the student's", train), ("test", test)):
        if outside := [label for label in labels if label not in known]:
            raise ValueError(f"{name} labels {outside} are outside the classes 0 .. {setting.classes - 1}")


def check_models(setting: Setting, teacher: Any, student: Any) -> None:
    """Run two samples through teacher and student and refuse outputs that do not fit the labels.

    Args:
        setting: whose data the models see.
        teacher: a net, a function of inputs to logits, a fitted classifier, or None.
        student: a net, or an estimator still to be fitted.

    Raises:
        ValueError: a model cannot take the inputs, or its outputs have another width; both widths are named.
    """
    batch = setting.train.batch(torch.arange(min(2, len(setting.train))))
    _check_model(setting, "student", student, batch.student_inputs, batch)
    if hasattr(teacher, "classes_"):
        _check_width("teacher", len(teacher.classes_), setting)
    elif teacher is not None:
        _check_model(setting, "teacher", teacher, batch.for_teacher, batch)


def _check_model(setting: Setting, party: str, model: Any, inputs: Inputs, batch: Batch) -> None:
    if hasattr(model, "get_params") or not callable(model):
        return
    outputs = _dry_run(party, model, inputs)
    if setting.task == "regression":
        _check_targets(party, outputs, batch.labels)
    else:
        axis = -1 if setting.task == "tokens" else 1
        _check_width(party, outputs.shape[axis] if outputs.dim() > 1 else 0, setting)


def _dry_run(party: str, model: Any, inputs: Inputs) -> Tensor:
    modes = [(part, part.training) for part in model.modules()] if isinstance(model, nn.Module) else []
    for part, _ in modes:
        part.training = False
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            outputs = _call(model, inputs)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"the {party} cannot take inputs of {_shape(inputs)}: {error}") from error
    finally:
        for part, training in modes:
            part.training = training
    outputs = getattr(outputs, "logits", outputs)
    if not isinstance(outputs, Tensor):
        raise ValueError(f"the {party} returns a {type(outputs).__name__}; a tensor of logits is needed")
    return outputs


def _call(model: Any, inputs: Inputs) -> Any:
    if isinstance(inputs, dict):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, tuple) else model(inputs)


def _shape(inputs: Inputs) -> str:
    if isinstance(inputs, dict):
        return ", ".join(f"{name}: {_shape(part)}" for name, part in inputs.items())
    if isinstance(inputs, tuple):
        return " and ".join(map(_shape, inputs))
    return f"shape {tuple(inputs.shape)} {str(inputs.dtype).removeprefix('torch.')}"


def _check_width(party: str, width: int, setting: Setting) -> None:
    exactly = setting.task == "classification"
    if width < setting.classes or (exactly and width > setting.classes):
        raise ValueError(
            f"the {party}'s outputs are {width} wide, but the labels need {setting.classes} classes; "
            "give class_names if some classes do not occur in the data"
        )


def _check_targets(party: str, outputs: Tensor, labels: Tensor) -> None:
    if outputs.numel() != labels.numel():
        raise ValueError(
            f"the {party}'s outputs have shape {tuple(outputs.shape)}, but the targets {tuple(labels.shape)}"
        )
