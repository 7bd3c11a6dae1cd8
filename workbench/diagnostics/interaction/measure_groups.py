"""What groups of models have in common, counted on the interaction tensor.

How it is measured: a group uses a feature on a sample if any of its models does. How many features it uses, how often,
how many per sample, and which of them a teacher has too.
Reading it: the union grows with the group, so compare groups of equal size only, or see ``rarefaction``.
When it misleads: see ``interaction``.
After: Kang and Kim, ICPR 2026, section 3 (unions, frequencies, counts per sample); the rest is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.diagnostics.interaction.measure_activity import Omega
from workbench.maths.intervals import mean_interval
from workbench.records.interval import Interval


@dataclass(frozen=True)
class Groups:
    """Numbers of G groups of models, F features and N samples.

    Attributes:
        unique: (G,) features in use.
        frequency: (G, F) samples on which any model of the group uses the feature.
        mean_frequency: (G,) its mean over the features in use; NaN where there are none.
        model_frequency: (G, F) mean over the models of the samples on which each uses the feature; no union.
        per_sample: (G, N) features in use, by union.
        summed: (G, N) the same added up over the models.
        common: (F,) bool: in use by every group.
    """

    unique: np.ndarray
    frequency: np.ndarray
    mean_frequency: np.ndarray
    model_frequency: np.ndarray
    per_sample: np.ndarray
    summed: np.ndarray
    common: np.ndarray


def groups_of(omega: Omega, members: Sequence[np.ndarray], models: int) -> Groups:
    """Count everything for each group.

    Args:
        omega: the interaction tensor.
        members: indices of the models of each group.
        models: M.
    """
    frequency, per_sample, summed = [], [], []
    for each in members:
        together = omega.union(each)
        frequency.append(together.sum(axis=1))
        per_sample.append(together.sum(axis=0))
        summed.append(omega.summed(each))
    single = omega.frequencies(models)
    counts = np.array(frequency)
    used = counts > 0
    unique = used.sum(axis=1)
    mean = np.where(unique > 0, counts.sum(axis=1) / np.maximum(unique, 1), np.nan)
    by_model = np.array([single[each].mean(axis=0) for each in members])
    return Groups(unique, counts, mean, by_model, np.array(per_sample), np.array(summed), used.all(axis=0))


def shared_with(owned: np.ndarray, members: np.ndarray, teachers: np.ndarray) -> tuple[Interval, Interval]:
    """Precision and recall of the models of a group against a teacher group, each with its interval over the models.

    Precision is the share of a model's features that some teacher has; recall the share of the teachers' features that
    the model has. A model without features has no precision, teachers without any allow no recall.

    Args:
        owned: (M, F) bool.
        members: indices of the group's models.
        teachers: indices of the teachers.
    """
    taught = owned[teachers].any(axis=0)
    both, own = (owned[members] & taught).sum(axis=1), owned[members].sum(axis=1)
    return _over_models(both[own > 0] / own[own > 0]), _over_models(both / taught.sum() if taught.any() else both[:0])


def class_information(active: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(F,) mutual information between being active and the class, in nats, less what chance alone would show.

    The chance part is ``(cells - 1) / 2N`` of Miller and Madow, with (C - 1) degrees of freedom; a feature that is
    never or always active has 0.

    Args:
        active: (F, N) bool.
        labels: (N,) classes from 0.
    """
    samples, classes = len(labels), np.unique(labels)
    joint = np.stack([active[:, labels == k].sum(axis=1) for k in classes], axis=1) / samples
    of_class = np.array([(labels == k).mean() for k in classes])
    found = np.zeros(len(active))
    for part, share in ((joint, active.mean(axis=1)), (of_class - joint, 1 - active.mean(axis=1))):
        expected = share[:, None] * of_class
        here = part > 1e-12
        found += np.where(here, part * np.log(np.where(here, part, 1.0) / np.where(here, expected, 1.0)), 0.0).sum(
            axis=1
        )
    varies = active.any(axis=1) & ~active.all(axis=1)
    return np.where(varies, found - (len(classes) - 1) / (2 * samples), 0.0)


def confidence_of(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N,) probability of the true class from (N, C) logits."""
    from scipy.special import log_softmax

    return np.exp(log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(labels)), labels])


def _over_models(values: np.ndarray) -> Interval:
    """Mean of shares; no bound beyond what a share can be."""
    if not len(values):
        return Interval(np.nan, np.nan, np.nan, 0, "none")
    found = mean_interval(values)
    return replace(found, low=float(np.maximum(found.low, 0.0)), high=float(np.minimum(found.high, 1.0)))
