"""Concept directions, party by party: planes between concepts and counter-sets, and the score's slope along them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from workbench.data.transfer import TransferSet
from workbench.diagnostics.attribution.layers import layer_gradient
from workbench.diagnostics.attribution.maps import case_of
from workbench.diagnostics.attribution.plan import Plan
from workbench.diagnostics.attribution.scores import Case, Scored
from workbench.diagnostics.attribution.source import Source
from workbench.diagnostics.interaction.components import chunks_of
from workbench.models.layers import penultimate_of
from workbench.models.tracing import Tracer
from workbench.records.selection import Selection

HELD_OUT = 3  # one sample in three
Sets = list[tuple[np.ndarray, np.ndarray]]
"""Pairs of rows: a concept (or a random set) and what it is held against."""


class Counts(NamedTuple):
    """What R counter-sets found for P parties and K concepts; fields as in ``Concepts``."""

    sign_counts: np.ndarray
    magnitudes: np.ndarray
    accuracies: np.ndarray
    null: np.ndarray


def counted(
    source: Source,
    selections: Sequence[Selection],
    data: TransferSet,
    plan: Plan,
    sets: int,
    layers: Mapping[str, str],
    tell: Callable[[float, str], object],
) -> Counts:
    """Sign counts, magnitudes and accuracies of every party in its layer.

    Raises:
        ValueError: a concept of fewer than two samples or of nearly all, names that repeat, or no such layer.
        KeyError: a sample is not one of the test samples.
    """
    pairs = drawn(source, selections, sets, plan.seed)
    pool, batch = source.setting.test, data.batch(torch.arange(len(data)))
    case = case_of(source.models["teacher"], batch, source.pool, plan, source.form)
    shape, inside = (len(selections), sets), len(selections) * sets
    found = []
    for at, (party, model) in enumerate(source.models.items()):
        tell(at / len(source.models), f"concepts of the {party}")
        features = np.concatenate(list(chunks_of(model, pool, layers[party])()))
        scored = Scored(model, plan.score, plan.temperature)
        signs, sizes = scores_of(scored, layers[party], case, features, pairs)
        accuracies = np.array([told_apart(features, *pair) for pair in pairs[:inside]])
        of_concepts = (each.reshape(shape) for each in (signs[:inside], sizes[:inside], accuracies))
        found.append((*of_concepts, signs[inside:]))
    return Counts(*(np.stack(each) for each in zip(*found, strict=True)))


def layers_under(models: Mapping[str, nn.Module], data: TransferSet, chosen: Mapping[str, str]) -> dict[str, str]:
    """The layer of every party: the one that is chosen, or the features under its classifier.

    Raises:
        ValueError: a party or a layer that is not there; the message lists what is.
    """
    if unknown := [party for party in chosen if party not in models]:
        raise ValueError(f"no party {unknown[0]!r} to choose a layer of; there are {', '.join(models)}")
    first = data.batch(torch.arange(1)).student_inputs
    found = {party: chosen.get(party) or penultimate_of(model, first) for party, model in models.items()}
    for party, model in models.items():
        Tracer(model, (found[party],))  # refuses what is not there
    return found


def drawn(source: Source, selections: Sequence[Selection], sets: int, seed: int) -> Sets:
    """Rows of each concept against random others, ``sets`` times each, and then as many random pairs.

    Raises:
        ValueError: a concept of fewer than two samples or of nearly all, or names that repeat.
        KeyError: a sample is not one of the test samples.
    """
    names = [selection.name for selection in selections]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"concepts need names of their own, got {names}")
    generator, total = np.random.default_rng(seed), len(source.setting.test)
    place = {int(id): row for row, id in enumerate(source.setting.test.ids.tolist())}
    pairs: Sets = []
    for selection in selections:
        ids = source.samples(selection).ids.tolist()
        inside = np.array([place[id] for id in ids])
        others = np.setdiff1d(np.arange(total), inside)
        if min(len(inside), len(others)) < 2:
            raise ValueError(
                f"concept {selection.name!r} has {len(inside)} of {total} samples; two inside and out needed"
            )
        count = min(len(inside), len(others))
        pairs += [(inside, generator.choice(others, count, replace=False)) for _ in range(sets)]
    count = min(int(np.median([len(first) for first, _ in pairs])), total // 2)
    for _ in range(sets):
        mixed = generator.permutation(total)
        pairs.append((mixed[:count], mixed[count : 2 * count]))
    return pairs


def scores_of(scored: Scored, layer: str, case: Case, features: np.ndarray, pairs: Sets) -> np.ndarray:
    """(2, pairs) sign counts and magnitudes of the first set of each pair, whose rows are those of the (N, D) features."""
    slopes = layer_gradient(scored, case, layer).flatten(1).double().cpu().numpy()
    along = slopes @ np.stack([normal(features, *pair) for pair in pairs]).T
    return np.stack([(along > 0).mean(0), along.mean(0)])


def normal(features: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(D,) of length 1, from the second set towards the first: that of a logistic regression on standardised features."""
    scale, plane = (step for _, step in _fitted(*_labelled(features, first, second)).steps)
    found = plane.coef_[0] / scale.scale_
    return found / np.linalg.norm(found)


def told_apart(features: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Share of every third sample that the plane of the others puts on its side."""
    features, inside = _labelled(features, first, second)
    held_out = np.arange(len(inside)) % HELD_OUT == 0
    return float(_fitted(features[~held_out], inside[~held_out]).score(features[held_out], inside[held_out]))


def _labelled(features: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = np.concatenate([first, second])
    return features[rows].astype(np.float64), np.repeat([True, False], [len(first), len(second)])


def _fitted(features: np.ndarray, inside: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(features, inside)
