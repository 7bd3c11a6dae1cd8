"""Refuses data and models that cannot work together, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workbench.data.transfer import Inputs, TransferSet
from workbench.functional.randomness import kept
from workbench.models.layers import call
from workbench.models.tracing import tensor_of
from workbench.records.batch import UNLABELLED
from workbench.settings.signature import is_model

if TYPE_CHECKING:
    from workbench.settings.setting import Setting


def check_data(setting: Setting) -> None:
    """Refuse labels that are missing, of one class or unknown, and samples that are in train as well as in test.

    Raises:
        ValueError: so; the message says what is there.
        TypeError: the student is neither a model nor a factory.
    """
    train = setting.train
    if not len(train.labelled):
        raise ValueError("the student's data has no label at all; at least two samples of each class are needed")
    if not (callable(setting.student) or is_model(setting.student)):
        raise TypeError(f"the student is a {type(setting.student).__name__}; a model or a factory of one is needed")
    for name, part in _others(setting).items():
        unlabelled = len(part) - len(part.labelled)
        if unlabelled and not part.full_batch:  # of a graph only the labelled nodes count
            raise ValueError(f"{unlabelled} of {len(part)} samples in {name} have no label; every one needs it")
    if not isinstance(setting.validation, TransferSet):
        _check_share(setting.validation)
    _check_overlap(setting)
    _check_shapes(setting)
    if setting.task == "classification":
        _check_classes(setting)
    if setting.task == "multilabel":
        _check_entries(setting)


def _others(setting: Setting) -> dict[str, TransferSet]:
    parts = {name: getattr(setting, name) for name in ("test", "teacher_train", "validation")}
    return {name: part for name, part in parts.items() if isinstance(part, TransferSet)}


def _check_share(share: float) -> None:
    if not 0 < share < 1:
        raise ValueError(f"validation = {share} must lie between 0 and 1, or be data of its own")


def _check_shapes(setting: Setting) -> None:
    """One array of fixed-size samples has the same shape everywhere; padded texts and graphs come as dicts."""
    if setting.task not in ("classification", "multilabel", "regression") or not isinstance(
        setting.train.inputs, Tensor
    ):
        return
    expected = _shape(setting.train.inputs, start=1)
    for name, part in _others(setting).items():
        if (found := _shape(part.inputs, start=1)) != expected:
            raise ValueError(f"a sample is of {expected} in train, but of {found} in {name}")


def _check_overlap(setting: Setting) -> None:
    parts = {"train": setting.train, **_others(setting)}
    for one, other in (("train", "test"), ("teacher_train", "test"), ("validation", "test"), ("train", "validation")):
        if one in parts and other in parts:
            ids = [part.ids[part.labelled] if part.full_batch else part.ids for part in (parts[one], parts[other])]
            shared = ids[0][torch.isin(ids[0], ids[1])]
            if len(shared):
                raise ValueError(
                    f"{len(shared)} samples are in both {one} and {other}, with ids {shared[:5].tolist()} ..."
                )


def _check_classes(setting: Setting) -> None:
    parts = {"train": setting.train, **_others(setting)}
    labels = {name: part.labels[part.labelled].unique().tolist() for name, part in parts.items()}
    if len(labels["train"]) < 2:
        raise ValueError(f"the student's labels hold one class only ({labels['train'][0]}); at least two are needed")
    for name, present in labels.items():
        if outside := [label for label in present if label not in range(setting.classes)]:
            raise ValueError(f"labels {outside} in {name} are outside the classes 0 .. {setting.classes - 1}")


def _check_entries(setting: Setting) -> None:
    for name, part in {"train": setting.train, **_others(setting)}.items():
        if part.labels.dim() != 2 or part.labels.shape[1] != setting.classes:
            raise ValueError(
                f"labels in {name} have shape {tuple(part.labels.shape)}; task='multilabel' needs (N, {setting.classes}), "
                "one entry per class"
            )
        if outside := [value for value in part.labels.unique().tolist() if value not in (UNLABELLED, 0, 1)]:
            raise ValueError(
                f"labels in {name} hold {outside[:5]}; the entries of a multi-label are 1 (it applies), 0 (it does not) "
                f"or {UNLABELLED} (unknown)"
            )


def check_models(setting: Setting, teacher: Any, student: Any) -> None:
    """Run two samples through teacher and student and refuse outputs that do not fit the labels.

    Models and random state are left as they were.

    Args:
        setting: whose data the models see.
        teacher: a net, a function of inputs to logits, or None.
        student: a net; an estimator that is still to be fitted passes.

    Raises:
        ValueError: a model cannot take the inputs, or its outputs have another width; both widths are named.
    """
    batch = setting.train.batch(torch.arange(min(2, len(setting.train))))
    for party, model, inputs in (("student", student, batch.student_inputs), ("teacher", teacher, batch.for_teacher)):
        if model is None or hasattr(model, "get_params"):
            continue
        outputs = _dry_run(party, model, inputs)
        if setting.task == "regression":
            _check_targets(party, outputs, batch.labels)
        elif party == "student" or setting.task != "tokens" or batch.teacher_inputs is None:  # own tokens, own width
            _check_width(party, outputs, setting)


def _dry_run(party: str, model: Any, inputs: Inputs) -> Tensor:
    modes = [(part, part.training) for part in model.modules()] if isinstance(model, nn.Module) else []
    for part, _ in modes:
        part.training = False
    try:
        with torch.no_grad(), kept():
            outputs = call(model, inputs)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"the {party} cannot take inputs of {_shape(inputs)}: {error}") from error
    finally:
        for part, training in modes:
            part.training = training
    return tensor_of(outputs, f"the {party}'s output")


def _shape(inputs: Inputs, start: int = 0) -> str:
    if isinstance(inputs, dict):
        return ", ".join(f"{name}: {_shape(part, start)}" for name, part in inputs.items())
    if isinstance(inputs, tuple):
        return " and ".join(_shape(part, start) for part in inputs)
    return f"shape {tuple(inputs.shape[start:])} {str(inputs.dtype).removeprefix('torch.')}"


def _check_width(party: str, outputs: Tensor, setting: Setting) -> None:
    axis = -1 if setting.task == "tokens" else 1
    width = outputs.shape[axis] if outputs.dim() > 1 else 0
    exactly = setting.task in ("classification", "multilabel")
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
