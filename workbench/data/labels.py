"""Labels of any form as class numbers or targets; what could only be guessed is refused in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from workbench.records.batch import UNLABELLED
from workbench.records.names import class_name

NAMES = "OUSb"
"""Kinds of arrays whose labels are names: objects, texts, truth values."""
SHOWN = 5
"""At most so many values are listed in a message."""
VOID = 255
"""Segmentation data marks places without a label by it."""


class Labels(NamedTuple):
    """Labels as a task needs them.

    Attributes:
        values: (N, ...) int64 classes, or float32 targets.
        classes: names of the classes 0 .. C-1; empty where the labels are these numbers already.
        notes: what was converted, in words.
    """

    values: Tensor
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_labels(
    labels: Any,
    task: str,
    known: tuple[str, ...] | None = None,
    class_names: tuple[str, ...] = (),
    *,
    keep: bool = False,
) -> Labels:
    """Labels of any form; -1 is no label, unless -1 and 1 are all there is.

    Columns (N, 1) and one-hot rows are converted. Numbers that are not 0 .. C-1, texts and truth values are names of
    classes, sorted; a pandas categorical keeps its order.

    Args:
        labels: an array, tensor, list or pandas object.
        task: of the setting.
        known: names of the student's classes, if these are the labels of other data; empty if its labels are numbers.
        class_names: as the user gave them, in the order of the classes.
        keep: numbers stay as they are, whichever of them occur.

    Raises:
        ValueError: a label is missing, fractional or unknown, or the labels are those of another task.
        TypeError: they are no labels at all.
    """
    given = label_array(labels)
    if task in ("regression", "multilabel"):
        return Labels(_targets(given) if task == "regression" else entries(given))
    given, names, notes = _one_per_place(given, task, getattr(labels, "columns", None))
    if names:
        if known and len(known) != len(names):
            raise ValueError(f"labels are one-hot rows of {len(names)} classes; the student's data has {len(known)}")
        return Labels(torch.tensor(given), names if known is None else known, notes)
    if known is None:
        known, more = _fitted(labels, given, class_names, keep=keep, one=task == "classification")
        notes += more
    return Labels(torch.tensor(_indices(given, known) if known else _numbers(given)), known, notes)


def label_array(labels: Any) -> np.ndarray:
    """The labels as they are, as an array of numbers or names.

    Raises:
        ValueError: one is missing or infinite, or rows have unequal lengths.
        TypeError: they are no array of numbers or names.
    """
    if isinstance(labels, dict | set | frozenset) or callable(labels):
        raise TypeError(f"labels are a {type(labels).__name__}; give one per sample, as an array or a list")
    try:
        array = _as_array(labels)
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"labels have rows of unequal shapes ({error}); give an array with one row per sample"
        ) from None
    if array.dtype.kind not in "iufbOUS":
        raise TypeError(f"labels are {array.dtype}; numbers or names are needed, and dates as one of these")
    if array.ndim == 0:
        raise ValueError(
            f"labels are the single value {array.item()!r}; give one per sample (the name of a column goes with a DataFrame)"
        )
    if _holes(array):
        raise ValueError(f"labels have missing values; mark a sample without a label with {UNLABELLED}")
    if array.dtype.kind == "O" and {_kind(label) for label in array.ravel().tolist()} in (
        {"numbers"},
        {"truth values"},
    ):
        array = np.array(array.tolist())
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError("labels hold infinite values; every label is a class or a finite number")
    return array


def _as_array(labels: Any) -> np.ndarray:
    if isinstance(labels, list | tuple) and labels and isinstance(labels[0], Tensor):
        labels = torch.stack(list(labels))
    if isinstance(labels, Tensor):
        labels = labels.detach().to_dense() if labels.layout != torch.strided else labels.detach()
        return (labels.float() if labels.dtype == torch.bfloat16 else labels).cpu().numpy()
    if hasattr(labels, "to_numpy") and hasattr(labels, "isna"):
        return labels.to_numpy(dtype=object, na_value=None)
    if hasattr(labels, "toarray"):
        return labels.toarray()
    if isinstance(labels, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(labels), None, labels.data.astype(object))
    array = np.asarray(labels)
    mixed = array.dtype.kind in "US" and isinstance(labels, list | tuple)  # numpy makes texts of numbers beside texts
    return np.array(labels, dtype=object) if mixed else array


def _holes(labels: np.ndarray) -> bool:
    if labels.dtype.kind == "f":
        return bool(np.isnan(labels).any())
    return labels.dtype.kind == "O" and any(map(_missing, labels.ravel().tolist()))


def _missing(label: Any) -> bool:
    try:
        return label is None or bool(label != label)
    except (TypeError, ValueError):  # pandas.NA is neither equal nor unequal to anything
        return True


def _kind(label: Any) -> str:
    if isinstance(label, str | bytes):
        return "texts"
    if isinstance(label, bool | np.bool_):
        return "truth values"
    return "numbers" if isinstance(label, int | float | np.number) else type(label).__name__


# --- one class per sample, or per place in it --------------------------------------------------------------------
def _one_per_place(given: np.ndarray, task: str, columns: Any) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Labels in the shape of the task, the names of one-hot columns if they were such, and notes."""
    shape = given.shape
    if task == "dense" and given.ndim == 4 and shape[1] == 1:
        return given[:, 0], (), (f"labels of shape {shape} became {given[:, 0].shape}",)
    if task != "classification":
        if given.ndim == 1:
            raise ValueError(
                f"labels have shape {shape}, one per sample; task={task!r} needs one per position, and one class per sample "
                "is task='classification'"
            )
        return given, (), ()
    if given.ndim == 1:
        return given, (), ()
    if given.size == len(given):
        return given.reshape(-1), (), (f"labels of shape {shape} were flattened to ({len(given)},)",)
    if given.ndim == 2 and given.dtype.kind in "iufb" and _one_hot(given):
        names = tuple(str(k) for k in (range(shape[1]) if columns is None else columns))
        return given.argmax(1), names, (f"one-hot labels of shape {shape} became class numbers",)
    raise ValueError(
        f"labels have shape {shape}, but task='classification' needs one class per sample; {_advice(given)}"
    )


def _one_hot(given: np.ndarray) -> bool:
    return bool(np.isin(given, (0, 1)).all() and (given.sum(1) == 1).all())


def _advice(given: np.ndarray) -> str:
    whole = given.dtype.kind not in "f" or bool((given == given.round()).all())
    if given.ndim > 2:
        return "one class per pixel, (N, H, W), is task='dense'" if whole else "numbers per pixel are task='regression'"
    if given.dtype.kind in NAMES and given.dtype.kind != "b":
        return "several names per sample are task='multilabel' once they are (N, C) of 0 and 1"
    if np.isin(given, (0, 1)).all():
        return "rows with no class or several are task='multilabel'"
    if not whole and (given >= 0).all() and np.allclose(given.sum(1), 1, atol=1e-3):
        return (
            "these rows are probabilities: give their argmax(1) as labels, and the probabilities through a teacher, as a "
            "function of the inputs that returns their logarithms"
        )
    if whole:
        return (
            "one class per position, (N, L), is task='tokens'; several labels at once are task='multilabel', of 0 and 1"
        )
    return "several numbers per sample are task='regression'"


# --- names of classes --------------------------------------------------------------------------------------------
def _fitted(
    labels: Any, given: np.ndarray, class_names: tuple[str, ...], *, keep: bool, one: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the student's classes, empty if its labels are the numbers of classes; and notes."""
    if hasattr(labels, "cat"):
        present = tuple(map(str, labels.cat.categories))
        return (_in_order(present, class_names) if class_names else present), ()
    if given.dtype.kind in NAMES:
        return _named(given, class_names)
    numbers = sorted({*_whole(given).ravel().tolist()})
    if one and numbers == [UNLABELLED, 1]:
        note = "labels -1 and 1 were read as two classes; where -1 shall mean no label, number the classes from 0"
        return ("-1", "1"), (note,)
    classes = [number for number in numbers if number >= 0]
    if not one and not class_names and classes[-1:] == [VOID] and VOID - 1 not in classes:
        raise ValueError(f"label {VOID} looks like the mark of places that do not count; write {UNLABELLED} there")
    if min(numbers, default=0) < UNLABELLED or keep or not one or classes == list(range(len(classes))):
        return (), ()
    names = tuple(map(str, classes))
    if class_names:
        return (class_names, ()) if classes[-1] >= len(class_names) and {*names} <= {*class_names} else ((), ())
    note = f"labels {_listed(classes)} were read as the names of {len(classes)} classes; class_names= keeps the numbers"
    return names, (note,)


def _named(given: np.ndarray, class_names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    _check_kinds(given)
    present = {*_texts(given)} - {str(UNLABELLED)}
    if "" in present:
        raise ValueError(f"labels hold empty texts; mark a sample without a label with {UNLABELLED}")
    if class_names:
        return _in_order(tuple(sorted(present)), class_names), ()
    if present and all(name.isdecimal() for name in present):
        return tuple(sorted(present, key=int)), ("labels that are texts of digits were sorted as numbers",)
    return tuple(sorted(present)), ()


def _in_order(present: tuple[str, ...], class_names: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := [name for name in present if name not in class_names]:
        raise ValueError(f"labels {_listed(unknown)} are not among class_names {_listed(class_names)}")
    return class_names


def _check_kinds(given: np.ndarray) -> None:
    examples: dict[str, Any] = {}
    for label in given.ravel().tolist():
        if str(label) != str(UNLABELLED):
            examples.setdefault(_kind(label), label)
    if "list" in examples or "tuple" in examples or "dict" in examples:
        raise ValueError(
            f"labels hold collections, such as {next(iter(examples.values()))!r}; give one label per sample"
        )
    if len(examples) > 1:
        (one, first), (other, second) = list(examples.items())[:2]
        raise ValueError(f"labels mix {one} and {other}, such as {first!r} and {second!r}; give them as one of these")


def _texts(labels: np.ndarray) -> Iterator[str]:
    return map(class_name, labels.ravel().tolist())


def _indices(labels: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    known = {str(UNLABELLED): UNLABELLED} | {name: k for k, name in enumerate(classes)}
    names = [*_texts(labels)]
    if unseen := sorted(set(names) - set(known)):
        raise ValueError(f"labels {_listed(unseen)} are not among the student's classes {_listed(classes)}")
    return np.array([known[name] for name in names], dtype=np.int64).reshape(labels.shape)


def _listed(values: Any) -> str:
    values = list(values)
    return f"{values[:SHOWN]} and {len(values) - SHOWN} more" if len(values) > SHOWN else f"{values}"


# --- numbers -----------------------------------------------------------------------------------------------------
def _numbers(given: np.ndarray) -> np.ndarray:
    if given.dtype.kind in NAMES:
        raise ValueError(f"labels are {given.dtype}, such as {given.ravel().tolist()[0]!r}; numbers are needed here")
    numbers = _whole(given)
    if len(numbers) and numbers.min() < UNLABELLED:
        raise ValueError(f"label {numbers.min()} is negative; classes count from 0, and {UNLABELLED} is no label")
    return numbers


def _whole(given: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        numbers = given.astype(np.int64)
    if (odd := numbers != given).any():
        if given.dtype.kind == "f" and not (given[odd] == given[odd].round()).all():
            raise ValueError(f"labels are fractional, such as {given[odd][0]}; set task='regression' for targets")
        raise ValueError(f"label {given[odd][0]} is too large for the number of a class")
    return numbers


def _targets(given: np.ndarray) -> Tensor:
    if given.dtype.kind in NAMES:
        raise ValueError(
            f"labels are {given.dtype}, such as {given.ravel().tolist()[0]!r}; numbers are needed here, and names are "
            "those of classes, task='classification'"
        )
    with np.errstate(over="ignore"):
        return torch.tensor(given.astype(np.float32))


def entries(given: np.ndarray) -> Tensor:
    """The labels of a multi-label task as int64, (N, C).

    Args:
        given: (N, C) numbers or truth values: 1 where an entry applies, 0 where it does not, -1 where that is unknown.

    Raises:
        ValueError: another shape, or another value; the message names it.
    """
    if given.dtype.kind not in "iufb" or given.ndim != 2:
        raise ValueError(
            f"labels are {given.dtype} of shape {given.shape}; task='multilabel' needs (N, C) of 0, 1 and {UNLABELLED}"
        )
    if outside := sorted({*np.unique(given).tolist()} - {UNLABELLED, 0, 1}):
        raise ValueError(
            f"labels hold {_listed(outside)}; the entries of a multi-label are 1 (it applies), 0 (it does not) "
            f"or {UNLABELLED} (unknown)"
        )
    return torch.tensor(given.astype(np.int64))
