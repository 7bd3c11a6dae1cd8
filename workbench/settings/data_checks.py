"""Refuses data that cannot be learnt from or scored on, when the setting is made."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

from workbench.data.repeats import hashes, repeats
from workbench.data.transfer import Inputs, TransferSet
from workbench.maths.randomness import all_kept
from workbench.records.batch import UNLABELLED
from workbench.settings.fields import Fields

FEW = 0.01
"""A smaller share of test samples that are in train as well is noted; from here on it is warned of."""
DISTINCT = 0.5
"""Where a smaller share of the training samples is distinct, equal samples are no sign of a mistake."""


def check_data(setting: Fields) -> None:
    """Refuse labels that are missing, of one class or unknown, and samples that are in train as well as in test.

    Raises:
        ValueError: the labels are missing, of one class or unknown, or a test sample is in train; the message names them.
    """
    train = setting.train
    if not len(train.labelled):
        raise ValueError("the student's data has no label at all; at least two samples of each class are needed")
    for name, part in others(setting).items():
        unlabelled = len(part) - len(part.labelled)
        if unlabelled and not part.full_batch:  # of a graph only the labelled nodes count
            raise ValueError(f"{unlabelled} of {len(part)} samples in {name} have no label; every one needs it")
    _check_streams(setting)
    _check_overlap(setting)
    _check_shapes(setting)
    for name, part in {"train": train, **others(setting)}.items():
        _check_layout(name, part.labels, setting.task)
    if setting.task == "regression":
        _check_targets(setting)
    if setting.task == "classification":
        _check_classes(setting)
    if setting.task == "multilabel":
        _check_entries(setting)


def others(setting: Fields) -> dict[str, TransferSet]:
    """The sets beside the student's that are there already, by name."""
    parts = {name: getattr(setting, name) for name in ("test", "teacher_train", "validation")}
    return {name: part for name, part in parts.items() if isinstance(part, TransferSet)}


def _check_streams(setting: Fields) -> None:
    """A stream that is another one in each pass can be learnt from, but neither split nor scored on."""
    for name, part in others(setting).items():
        if part.in_order and not part.repeatable and name != "teacher_train":
            raise ValueError(
                f"the items of the stream in {name} are others in each pass; {name} must be the same each time"
            )
    train = setting.train
    if train.in_order and not train.repeatable and not isinstance(setting.validation, TransferSet):
        raise ValueError(
            "no validation samples can be taken out of a stream whose items are others in each pass; give validation=(inputs, "
            "labels)"
        )


# --- samples -----------------------------------------------------------------------------------------------------
def _check_shapes(setting: Fields) -> None:
    """One array of fixed-size samples has the same shape everywhere; padded texts and graphs come as dicts."""
    if setting.task not in ("classification", "multilabel", "regression") or setting.train.full_batch:
        return
    first = setting.train.first()
    if not isinstance(first, Tensor):
        return
    expected = form_of(first, start=1)
    for name, part in others(setting).items():
        if (found := form_of(part.first(), start=1)) != expected:
            raise ValueError(f"a sample is of {expected} in train, but of {found} in {name}")


def form_of(inputs: Inputs, start: int = 0) -> str:
    """The shape and type of inputs, from an axis on, in words."""
    if isinstance(inputs, dict):
        return ", ".join(f"{name}: {form_of(part, start)}" for name, part in inputs.items())
    if isinstance(inputs, tuple):
        return " and ".join(form_of(part, start) for part in inputs)
    return f"shape {tuple(inputs.shape[start:])} {str(inputs.dtype).removeprefix('torch.')}"


def _check_overlap(setting: Fields) -> None:
    parts = {"train": setting.train, **others(setting)}
    for one, other in (("train", "test"), ("teacher_train", "test"), ("validation", "test"), ("train", "validation")):
        if one in parts and other in parts:
            ids = [part.ids[part.labelled] if part.full_batch else part.ids for part in (parts[one], parts[other])]
            shared = ids[0][torch.isin(ids[0], ids[1])]
            if len(shared):
                raise ValueError(
                    f"{len(shared)} samples are in both {one} and {other}, with ids {shared[:5].tolist()} ..."
                )


def check_repeats(setting: Fields) -> tuple[list[str], list[str]]:
    """Notes and warnings about test and validation samples whose inputs are in the training data as well.

    Raises:
        ValueError: all test samples are training samples.
    """
    notes: list[str] = []
    warnings: list[str] = []
    parts = {"train": setting.train, **others(setting)}
    if setting.task in ("tokens", "dense") or any(part.full_batch for part in parts.values()):
        return notes, warnings  # short texts repeat; the nodes of a graph are everywhere
    known = {name: hashes(part) for name, part in parts.items()}
    for one, other in (("train", "test"), ("teacher_train", "test"), ("train", "validation"), ("validation", "test")):
        if not known.get(one) or not known.get(other):
            continue
        found = repeats(known[one], known[other])
        said = (
            f"{found.count} of {len(known[other])} samples in {other} ({100 * found.share:.1f} %) are in {one} as well"
        )
        many = found.share >= FEW and found.distinct >= DISTINCT
        if many and found.share == 1 and other == "test":
            raise ValueError(
                f"{said}, by their inputs; a score on samples that were trained on says nothing: give others as test"
            )
        if found.count:
            (warnings if many else notes).append(f"{said}, by their inputs")
    return notes, warnings


def check_views(setting: Fields) -> None:
    """Try augmentation and transform on a few samples; random states are left as they were.

    Raises:
        ValueError: one of them fails, or gives another number of samples, another shape or type, or numbers that are not
            finite.
        TypeError: one gives something else than it was given.
    """
    train = setting.train
    if train.full_batch or (setting.augment is None and train.transform is None):
        return
    plain = copy.copy(train)
    plain.transform = None
    augment = setting.augment
    with all_kept():
        view = plain.batch(torch.arange(min(4, len(train)))).student_inputs
        if augment is not None:
            generator = Generator().manual_seed(0)
            view = _tried("augment", lambda seen: augment(seen, generator), view, alike=True)
        if train.transform is not None:
            _tried("transform", train.transform, view, alike=False)


def _tried(name: str, act: Callable[[Any], Any], view: Any, *, alike: bool) -> Any:
    before = form_of(view)
    called = "augment(inputs, generator)" if name == "augment" else f"{name}(inputs)"
    try:
        made = act(view)
    except Exception as error:
        raise ValueError(f"{called} fails on inputs of {before}: {type(error).__name__}: {error}") from error
    if isinstance(view, Tensor) and not isinstance(made, Tensor):
        raise TypeError(f"{called} returns a {type(made).__name__}; a tensor is needed")
    if not isinstance(made, (Tensor, tuple, dict)):
        raise TypeError(f"{called} returns a {type(made).__name__}; a {type(view).__name__} of tensors is needed")
    if alike and form_of(made) != before:
        raise ValueError(f"{called} makes {form_of(made)} of inputs of {before}; it must keep shape and type")
    for one, other in zip(_tensors(view), _tensors(made), strict=False):
        if len(one) != len(other):
            raise ValueError(f"{called} makes {form_of(made)} of inputs of {before}; it must keep the samples")
        if other.is_floating_point() and not other.isfinite().all():
            raise ValueError(f"{called} makes NaN or infinite values of inputs of {before}")
    return made


def _tensors(inputs: Inputs) -> list[Tensor]:
    return [inputs] if isinstance(inputs, Tensor) else list(inputs.values() if isinstance(inputs, dict) else inputs)


# --- labels ------------------------------------------------------------------------------------------------------
def _check_layout(name: str, labels: Tensor | None, task: str) -> None:
    """Of a set that was given as tensors, which are not converted."""
    if labels is None:
        return
    real, given = labels.is_floating_point(), f"labels in {name} have shape {tuple(labels.shape)} {labels.dtype}"
    if task == "classification" and (real or labels.dim() != 1):
        raise ValueError(f"{given}; task='classification' needs (N,) int64, one class per sample")
    if task in ("tokens", "dense") and (real or labels.dim() < 2):
        raise ValueError(f"{given}; task={task!r} needs int64, one class per position: (N, L) or (N, H, W)")
    if task == "regression" and not real:
        raise ValueError(f"{given}; task='regression' needs numbers, float32, such as labels.float()")


def _check_targets(setting: Fields) -> None:
    targets = setting.train.labels
    if len(targets) < 2 or bool((targets == targets[:1]).all()):
        raise ValueError(f"the {len(targets)} targets of the student are all the same; there is nothing to learn")
    for name, part in others(setting).items():
        if part.labels.shape[1:] != targets.shape[1:]:
            raise ValueError(
                f"targets have shape {tuple(targets.shape[1:])} per sample in train, but {tuple(part.labels.shape[1:])} in {name}"
            )


def _check_classes(setting: Fields) -> None:
    parts = {"train": setting.train, **others(setting)}
    labels = {name: part.labels[part.labelled].unique(return_counts=True) for name, part in parts.items()}
    present, counts = (each.tolist() for each in labels["train"])
    if len(present) < 2:
        raise ValueError(f"the student's labels hold one class only ({present[0]}); at least two are needed")
    for name, (found, _) in labels.items():
        if outside := [label for label in found.tolist() if label not in range(setting.classes)]:
            raise ValueError(f"labels {outside[:5]} in {name} are outside the classes 0 .. {setting.classes - 1}")
    if len(present) > sum(counts) / 2 and min(counts) < 2:
        raise ValueError(
            f"labels take {len(present)} different values in {sum(counts)} samples, so class {present[counts.index(1)]} has 1 "
            "sample; if they are quantities, set task='regression'"
        )


def empty_classes(setting: Fields) -> list[str]:
    """Notes of the classes of the student's data that do not occur in test or validation."""
    notes = []
    if setting.task == "classification":
        trained = setting.train.labels[setting.train.labelled].unique()
        for name in ("test", "validation"):
            if len(missing := trained[~torch.isin(trained, getattr(setting, name).labels)]):
                words = [setting.class_names[k] for k in missing.tolist()]
                notes.append(
                    f"no sample in {name} is of {'class' if len(words) == 1 else 'classes'} {', '.join(words[:5])}"
                )
    return notes


def _check_entries(setting: Fields) -> None:
    for name, part in {"train": setting.train, **others(setting)}.items():
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
