"""Concept directions, party by party: planes between concepts and counter-sets, and the score's slope along them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from workbench.data.transfer import TransferSet
from workbench.diagnostics.attribution.measure_layers import layer_gradient
from workbench.diagnostics.attribution.measure_maps import case_of
from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.attribution.measure_scores import Case, Scored
from workbench.diagnostics.attribution.measure_source import Source
from workbench.diagnostics.interaction.measure_components import chunks_of
from workbench.models.layers import penultimate_of
from workbench.models.tracing import Tracer
from workbench.records.selection import Selection

HELD_OUT = 3  # one sample in three
LARGEST = 200
RANDOM_CONCEPTS = 99
STEPS, SMALLEST_STEP = 50, 1e-6


class Sets(NamedTuple):
    """Rows of a concept and of what it is held against, one line per counter-set.

    Attributes:
        inside: (R, m) rows of the concept.
        others: (R, m) as many rows that are not of it.
    """

    inside: np.ndarray
    others: np.ndarray


class Counts(NamedTuple):
    """What R counter-sets found for P parties, K concepts and, for each, B random ones; fields as in ``Concepts``."""

    sign_counts: np.ndarray
    magnitudes: np.ndarray
    accuracies: np.ndarray
    null: np.ndarray
    null_magnitudes: np.ndarray
    null_accuracies: np.ndarray


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
    concepts = drawn(source, selections, sets, plan.seed)
    pool, batch = source.setting.test, data.batch(torch.arange(len(data)))
    case = case_of(source.models["teacher"], batch, source.pool, plan, source.form)
    found, steps = [], len(source.models) * len(concepts)
    for party, model in source.models.items():
        features = np.concatenate(list(chunks_of(model, pool, layers[party])())).astype(np.float64)
        slopes = slopes_of(Scored(model, plan.score, plan.temperature), layers[party], case)
        cells = []
        for own, random in concepts:
            tell((len(found) * len(concepts) + len(cells)) / steps, f"concepts of the {party}")
            null = np.array([measured(features, slopes, each).mean(axis=1) for each in random])
            cells.append((*measured(features, slopes, own), *null.T))
        found.append([np.stack(each) for each in zip(*cells, strict=True)])
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


def drawn(source: Source, selections: Sequence[Selection], sets: int, seed: int) -> list[tuple[Sets, list[Sets]]]:
    """Each concept against random others, ``sets`` times, and likewise ``RANDOM_CONCEPTS`` random concepts of its size.

    Raises:
        ValueError: a concept of fewer than two samples or of nearly all, or names that repeat.
        KeyError: a sample is not one of the test samples.
    """
    names = [selection.name for selection in selections]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"concepts need names of their own, got {names}")
    generator, total = np.random.default_rng(seed), len(source.setting.test)
    place = {int(id): row for row, id in enumerate(source.setting.test.ids.tolist())}
    found = []
    for selection in selections:
        inside = np.array([place[id] for id in source.samples(selection).ids.tolist()])
        if min(len(inside), total - len(inside)) < 2:
            raise ValueError(
                f"concept {selection.name!r} has {len(inside)} of {total} samples; two inside and out needed"
            )
        mixed = [generator.permutation(total)[: len(inside)] for _ in range(RANDOM_CONCEPTS)]
        random = [counter_sets(each, total, sets, generator) for each in mixed]
        found.append((counter_sets(inside, total, sets, generator), random))
    return found


def counter_sets(inside: np.ndarray, total: int, sets: int, generator: np.random.Generator) -> Sets:
    """Rows of a concept and as many random others, ``sets`` times; at most ``LARGEST`` of each, drawn anew each time."""
    others = np.setdiff1d(np.arange(total), inside)
    count = min(len(inside), len(others), LARGEST)
    rows = [[generator.choice(side, count, replace=False) for _ in range(sets)] for side in (inside, others)]
    return Sets(*map(np.stack, rows))


def slopes_of(scored: Scored, layer: str, case: Case) -> np.ndarray:
    """(N, D) gradients of the score with respect to the features."""
    return layer_gradient(scored, case, layer).flatten(1).double().cpu().numpy()


def measured(features: np.ndarray, slopes: np.ndarray, sets: Sets) -> np.ndarray:
    """(3, R) sign counts, magnitudes and held-out accuracies of a concept's directions."""
    along = slopes @ normals(features, sets).T
    return np.stack([(along > 0).mean(0), along.mean(0), told_apart(features, sets)])


def normals(features: np.ndarray, sets: Sets) -> np.ndarray:
    """(R, D) of length 1, from the others towards the concept: those of logistic regressions on standardised features."""
    planes, _ = _planes(*_labelled(features, sets))
    return planes / np.linalg.norm(planes, axis=1, keepdims=True)


def told_apart(features: np.ndarray, sets: Sets) -> np.ndarray:
    """(R,) share of every third sample that the plane of the others puts on its side."""
    rows, inside = _labelled(features, sets)
    held_out = np.arange(len(inside)) % HELD_OUT == 0
    planes, offsets = _planes(rows[:, ~held_out], inside[~held_out])
    said = np.einsum("snd,sd->sn", rows[:, held_out], planes) + offsets[:, None] > 0
    return (said == inside[held_out]).mean(1)


def _labelled(features: np.ndarray, sets: Sets) -> tuple[np.ndarray, np.ndarray]:
    """(R, 2 m, D) features of each pair of sets, and (2 m,) which rows are the concept's."""
    rows = np.concatenate(sets, axis=1)
    return features[rows], np.repeat([True, False], sets.inside.shape[1])


def _planes(rows: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regressions with an L2 penalty of 1 on standardised features, (R, n, D), all at once.

    Newton's method. With more features than rows it works in the span of the rows, which holds the solution.

    Returns:
        (R, D) weights and (R,) offsets for the features as they are.
    """
    centre, scale = rows.mean(1, keepdims=True), rows.std(1, keepdims=True)
    scale = np.where(scale > 0, scale, 1.0)
    points, basis = (rows - centre) / scale, None
    if points.shape[2] > points.shape[1]:
        basis, spanned = np.linalg.qr(points.transpose(0, 2, 1))
        points = spanned.transpose(0, 2, 1)
    points = np.concatenate([points, np.ones((*points.shape[:2], 1))], axis=2)
    penalty = np.append(np.ones(points.shape[2] - 1), 0.0)
    found = np.zeros((len(points), points.shape[2]))
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.einsum("snd,sd->sn", points, found)))
        slope = np.einsum("snd,sn->sd", points, chance - inside) + penalty * found
        bend = points.transpose(0, 2, 1) @ (points * (chance * (1 - chance))[..., None]) + np.diag(penalty)
        step = np.linalg.solve(bend, slope[..., None])[..., 0]
        found -= step
        if np.abs(step).max() < SMALLEST_STEP:
            break
    weights = found[:, :-1] if basis is None else np.einsum("sdk,sk->sd", basis, found[:, :-1])
    weights = weights / scale[:, 0]
    return weights, found[:, -1] - (weights * centre[:, 0]).sum(1)
