"""Anything that answers as a teacher: nets, functions, and scikit-learn classifiers and regressors.

A classifier's probabilities p become logits log(max(p, floor)), so that their softmax is p again, to the floor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workbench.records.names import class_name

FLOOR = 1e-6


class ProbabilityTeacher(nn.Module):
    """Gives the probabilities of a fitted classifier as logits, in the order of the classes 0 .. C - 1.

    Args:
        estimator: has ``predict_proba``, and ``classes_`` unless its columns are 0 .. C - 1 already.
        classes: C; None is one more than the largest class the estimator knows.
        floor: the smallest probability; what a class has that the estimator does not know.
        names: number of each class by its name, for an estimator fitted on names.

    Raises:
        ValueError: the estimator's classes are neither these names nor integers in 0 .. C - 1.
    """

    def __init__(
        self, estimator: Any, classes: int | None = None, floor: float = FLOOR, names: Mapping[str, int] | None = None
    ) -> None:
        super().__init__()
        self.estimator, self.classes, self.floor = estimator, classes, floor
        known = getattr(estimator, "classes_", None)
        self.known = None if known is None else class_columns(known, classes, names)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (B, C), float32, of inputs (B, ...); no gradient passes."""
        probabilities = np.asarray(self.estimator.predict_proba(rows_of(inputs)))
        return floored_logits(probabilities, self.known, self.classes, self.floor).to(inputs.device)

    def extra_repr(self) -> str:
        """What it wraps, and the floor."""
        return f"{type(self.estimator).__name__}, floor={self.floor}"


class RegressorTeacher(nn.Module):
    """Gives the predictions of a fitted regressor.

    Args:
        estimator: has ``predict``.
    """

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        self.estimator = estimator

    def forward(self, inputs: Tensor) -> Tensor:
        """Values (B, K), float32, of inputs (B, ...); no gradient passes."""
        values = np.asarray(self.estimator.predict(rows_of(inputs)))
        return torch.from_numpy(values.reshape(len(values), -1)).float().to(inputs.device)

    def extra_repr(self) -> str:
        """What it wraps."""
        return type(self.estimator).__name__


class CallableTeacher(nn.Module):
    """Gives what a function of the inputs returns; the function must return logits (B, C)."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Any, **named: Any) -> Tensor:
        """The function's answer."""
        return self.function(*inputs, **named)

    def extra_repr(self) -> str:
        """The function's name."""
        return getattr(self.function, "__qualname__", type(self.function).__name__)


def as_teacher(model: Any, classes: int | None = None, names: Mapping[str, int] | None = None) -> nn.Module:
    """A module that answers with logits, or with values.

    Args:
        model: an ``nn.Module`` (given back as it is), a fitted classifier with ``predict_proba``, a
            fitted regressor, or a function.
        classes: C; needed where the classifier does not know all of them.
        names: number of each class by its name, for a classifier fitted on names.

    Raises:
        TypeError: it is none of these.
        ValueError: the classifier's classes are neither these names nor integers in 0 .. C - 1.
    """
    if isinstance(model, nn.Module):
        return model
    if not isinstance(model, type):
        if hasattr(model, "predict_proba"):
            return ProbabilityTeacher(model, classes, names=names)
        if _regresses(model):
            return RegressorTeacher(model)
        if callable(model):
            return CallableTeacher(model)
    given = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
    raise TypeError(
        f"{given} cannot teach; what works: an nn.Module, a fitted classifier with predict_proba (scikit-learn's "
        f"CalibratedClassifierCV gives it to one without), or a function of the inputs that returns logits"
    )


def in_single_precision(model: Any) -> Any:
    """A net with all weights in float32, changed in place; anything else as it is."""
    return model.float() if isinstance(model, nn.Module) and other_precision(model) else model


def other_precision(model: nn.Module) -> str:
    """The type of a net's weights if it is another than float32, such as ``float16``; else nothing."""
    types = {weight.dtype for weight in model.parameters() if weight.is_floating_point()} - {torch.float32}
    return ", ".join(sorted(str(each).removeprefix("torch.") for each in types))


def _regresses(model: Any) -> bool:
    if not (hasattr(model, "predict") and hasattr(model, "get_params")):
        return False
    from sklearn.base import is_regressor

    return is_regressor(model)


def contradictions(estimator: Any, inputs: Any) -> int:
    """For how many inputs an estimator's ``predict`` names another class than its ``predict_proba``; 0 for anything else."""
    known = getattr(estimator, "classes_", None)
    if isinstance(estimator, nn.Module) or known is None or not hasattr(estimator, "predict_proba"):
        return 0
    rows = rows_of(inputs)
    chosen, probabilities = class_of(estimator, rows), np.asarray(estimator.predict_proba(rows))
    return int((probabilities[np.arange(len(rows)), chosen] < probabilities.max(1)).sum())


def class_of(estimator: Any, rows: np.ndarray) -> np.ndarray:
    """The column of the class that ``predict`` names for each row, (N,)."""
    return np.searchsorted(np.asarray(estimator.classes_), np.asarray(estimator.predict(rows)))


def rows_of(inputs: Tensor) -> np.ndarray:
    """Inputs (N, ...) as a table (N, D) for scikit-learn.

    Raises:
        TypeError: the inputs are not one tensor.
    """
    if not isinstance(inputs, Tensor):
        raise TypeError(f"a classifier from scikit-learn takes one tensor of inputs, not a {type(inputs).__name__}")
    return inputs.detach().flatten(1).cpu().numpy()


def class_columns(
    known: Sequence[Any] | np.ndarray, classes: int | None, names: Mapping[str, int] | None = None
) -> np.ndarray:
    """The class of each column of probabilities.

    Args:
        known: what the classifier calls the classes.
        classes: C, if it is known.
        names: number of each class by its name; where no column has such a name, columns are numbers of classes.

    Raises:
        ValueError: the columns are neither names nor integers in 0 .. ``classes`` - 1.
    """
    columns, named = np.asarray(known), names or {}
    limit = np.inf if classes is None else classes
    found = [named.get(class_name(column)) for column in columns.tolist()] if columns.ndim == 1 else [None]
    if None not in found:
        return np.array(found, np.int64)
    strange = any(number is not None for number in found) and names is not None
    if (
        columns.ndim == 1
        and not strange
        and columns.dtype.kind in "iub"
        and columns.min() >= 0
        and columns.max() < limit
    ):
        return columns.astype(np.int64)
    wanted = "0 .. C - 1" if classes is None else f"0 .. {classes - 1}"
    labels = f"the labels of the setting, {list(named)}, or on " if named else ""
    raise ValueError(f"the classifier was fitted on classes {columns.tolist()}; fit it on {labels}integers in {wanted}")


def floored_logits(probabilities: np.ndarray, known: np.ndarray | None, classes: int | None, floor: float) -> Tensor:
    """Logits log(max(p, floor)), (N, C) float32.

    Args:
        probabilities: (N, K).
        known: (K,) the class of each column; None if they are 0 .. K - 1.
        classes: C; None is one more than the largest known class.
        floor: the smallest probability, and that of unknown classes.

    Raises:
        ValueError: there is not one column for each class.
    """
    known = np.arange(classes or probabilities.shape[-1]) if known is None else known
    if probabilities.ndim != 2 or probabilities.shape[1] != len(known):
        raise ValueError(f"probabilities have shape {probabilities.shape}; (N, {len(known)}) is needed")
    full = np.zeros((len(probabilities), classes or int(known.max()) + 1))
    full[:, known] = probabilities
    return torch.from_numpy(np.log(np.maximum(full, floor))).float()
