"""A scikit-learn estimator as a student.

A classifier learns soft targets by meeting each sample once per class, weighted with that class's probability: the
weighted log-likelihood is then the cross-entropy to the soft targets. A regressor learns the probabilities themselves.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from torch import Tensor

from workbench.models.learners import FLOOR, class_columns, class_of, floored_logits, rows_of


class SoftFit:
    """Fits an estimator to soft targets and answers with logits.

    Settings that count samples (``min_samples_leaf`` of a tree) count the copies; those that weigh them do not care.

    Args:
        estimator: a classifier whose ``fit`` takes ``sample_weight``, or a regressor of several outputs; each fit
            starts from a clone of it.
        floor: the smallest probability that becomes a logit.

    Attributes:
        fitted: the fitted clone, None before the first fit.

    Raises:
        TypeError: the estimator is neither a classifier nor a regressor, takes no ``sample_weight``, or is a classifier
            without ``predict_proba``.
    """

    def __init__(self, estimator: Any, floor: float = FLOOR) -> None:
        from sklearn.base import is_classifier, is_regressor
        from sklearn.utils.validation import has_fit_parameter

        name = type(estimator).__name__
        self.regresses = hasattr(estimator, "fit") and is_regressor(estimator)
        if not self.regresses and not (hasattr(estimator, "fit") and is_classifier(estimator)):
            raise TypeError(f"{name} is neither a classifier nor a regressor of scikit-learn")
        if not has_fit_parameter(estimator, "sample_weight"):
            raise TypeError(
                f"{name}.fit takes no sample_weight, so it cannot learn soft targets; what works: "
                f"DecisionTreeClassifier, RandomForestClassifier, HistGradientBoostingClassifier, LogisticRegression, "
                f"GaussianNB, or a regressor such as DecisionTreeRegressor or Ridge"
            )
        if not self.regresses and not hasattr(estimator, "predict_proba"):
            raise TypeError(
                f"{name} has no predict_proba, so it cannot answer with probabilities; what works: a classifier that has it "
                f"(an SVC with probability=True), or CalibratedClassifierCV around this one"
            )
        self.estimator, self.floor = estimator, floor
        self.fitted: Any = None
        self.classes = 0

    def fit_soft(self, inputs: Tensor, soft_targets: Tensor, weights: Tensor | None = None) -> Self:
        """Fit a clone of the estimator.

        Args:
            inputs: (N, ...), flattened.
            soft_targets: (N, C) probabilities.
            weights: (N,) of the samples; None weighs them equally.

        Raises:
            ValueError: the soft targets are not N rows of probabilities, the weights are not N numbers >= 0, or the
                regressor cannot learn C outputs.
        """
        from sklearn.base import clone

        rows, targets = rows_of(inputs), _probabilities(soft_targets, len(inputs))
        weight = np.ones(len(rows)) if weights is None else _weights(weights, len(rows))
        model, self.classes = clone(self.estimator), targets.shape[1]
        if self.regresses:
            self.fitted = _fit_regressor(model, rows, targets, weight)
            return self
        copies = (targets * weight[:, None]).ravel()
        used = copies > 0
        sample, label = np.divmod(np.flatnonzero(used), self.classes)
        self.fitted = model.fit(rows[sample], label, sample_weight=copies[used])
        return self

    def predict_logits(self, inputs: Tensor) -> Tensor:
        """Logits (N, C), float32, of inputs (N, ...); the largest is that of the class which ``predict`` names.

        An SVC's probabilities are fitted apart from it and may name another class. The two then change places, so that
        the student is scored by what it predicts.

        Raises:
            RuntimeError: it was not fitted.
        """
        if self.fitted is None:
            raise RuntimeError(f"{type(self.estimator).__name__} was not fitted; call fit_soft first")
        if self.regresses:
            predicted, known = np.asarray(self.fitted.predict(rows_of(inputs))), None
        else:
            predicted = _as_predicted(self.fitted, rows_of(inputs))
            known = class_columns(self.fitted.classes_, self.classes)
        return floored_logits(predicted, known, self.classes, self.floor).to(inputs.device)


class ValueFit:
    """Fits a regressor to values, as those of a regression.

    Args:
        estimator: a regressor whose ``fit`` takes ``sample_weight``; each fit starts from a clone of it.

    Raises:
        TypeError: it is no regressor, or takes no ``sample_weight``.
    """

    def __init__(self, estimator: Any) -> None:
        from sklearn.base import is_regressor
        from sklearn.utils.validation import has_fit_parameter

        if not (hasattr(estimator, "fit") and is_regressor(estimator)):
            raise TypeError(
                f"{type(estimator).__name__} is no regressor of scikit-learn, so it cannot learn a regression"
            )
        if not has_fit_parameter(estimator, "sample_weight"):
            raise TypeError(
                f"{type(estimator).__name__}.fit takes no sample_weight; what works: DecisionTreeRegressor, "
                "RandomForestRegressor, Ridge and the like"
            )
        self.estimator = estimator

    def fit_values(self, inputs: Tensor, values: Tensor, weights: Tensor) -> Any:
        """A fitted clone of the estimator.

        Args:
            inputs: (N, ...), flattened.
            values: (N, K).
            weights: (N,) of the samples, >= 0.

        Raises:
            ValueError: the weights are not N numbers >= 0, or the regressor cannot learn K outputs.
        """
        from sklearn.base import clone

        targets = values.detach().cpu().double().numpy().reshape(len(values), -1)
        targets = targets[:, 0] if targets.shape[1] == 1 else targets
        return _fit_regressor(clone(self.estimator), rows_of(inputs), targets, _weights(weights, len(values)))


def _as_predicted(fitted: Any, rows: np.ndarray) -> np.ndarray:
    """Probabilities in which the class that ``predict`` names has the largest one."""
    probabilities = np.array(fitted.predict_proba(rows), dtype=float)
    each, chosen, top = np.arange(len(rows)), class_of(fitted, rows), probabilities.argmax(1)
    largest, theirs = probabilities[each, top].copy(), probabilities[each, chosen].copy()
    wrong = theirs < largest
    probabilities[each[wrong], top[wrong]] = theirs[wrong]
    probabilities[each[wrong], chosen[wrong]] = largest[wrong]
    return probabilities


def _fit_regressor(model: Any, rows: np.ndarray, targets: np.ndarray, weight: np.ndarray) -> Any:
    try:
        return model.fit(rows, targets, sample_weight=weight)
    except ValueError as error:
        outputs = "1 output" if targets[0].size == 1 else f"{targets[0].size} outputs"
        raise ValueError(
            f"{type(model).__name__} was not fitted to {outputs}: {error}. A regressor of "
            f"one output works inside sklearn.multioutput.MultiOutputRegressor"
        ) from error


def _probabilities(soft_targets: Tensor, samples: int) -> np.ndarray:
    targets = soft_targets.detach().cpu().double().numpy()
    if targets.ndim != 2 or len(targets) != samples:
        raise ValueError(f"soft targets have shape {targets.shape}; ({samples}, C) is needed")
    if not (targets >= 0).all() or (np.abs(targets.sum(1) - 1) > 1e-3).any():
        raise ValueError("soft targets must be probabilities: no entry below 0, every row with sum 1")
    return targets


def _weights(weights: Tensor, samples: int) -> np.ndarray:
    weight = weights.detach().cpu().double().numpy()
    if weight.shape != (samples,) or not (weight >= 0).all():
        raise ValueError(f"weights have shape {weight.shape}; ({samples},) numbers >= 0 are needed")
    return weight
