"""Concept directions through captum's TCAV, with counter-sets and random pairs, party by party."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from captum.concept import TCAV, Classifier, Concept
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.diagnostics.attribution.attributors import out_of_place
from workbench.diagnostics.attribution.concepts import LEAST_SETS, Counts
from workbench.diagnostics.attribution.maps import case_of
from workbench.diagnostics.attribution.plan import Plan
from workbench.diagnostics.attribution.scores import Case, Scored
from workbench.diagnostics.attribution.source import Source
from workbench.models.layers import penultimate_of
from workbench.models.tracing import Tracer
from workbench.records.selection import Selection

HELD_OUT = 3  # one sample in three
Sets = list[tuple[np.ndarray, np.ndarray]]
"""Pairs of rows: a concept (or a random set) and what it is held against."""


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
        ValueError: fewer than 10 sets, a concept of fewer than two samples or of nearly all, or names that repeat.
    """
    if sets < LEAST_SETS:
        raise ValueError(f"counter_sets = {sets}; {LEAST_SETS} or more are needed for a test")
    pairs = drawn(source, selections, sets, plan.seed)
    pool, batch = source.setting.test, data.batch(torch.arange(len(data)))
    every = pool.batch(torch.arange(len(pool))).student_inputs
    case = case_of(source.models["teacher"], batch, source.pool, plan, source.form)
    found = []
    for at, (party, model) in enumerate(source.models.items()):
        tell(at / len(source.models), f"concepts of the {party}")
        found.append(scores_of(Scored(model, plan.score, plan.temperature), layers[party], case, every, pairs))
    shape = (len(layers), len(selections), sets)
    flat = np.stack(found, 1)
    inside = shape[1] * sets
    real = [part[:, :inside].reshape(shape) for part in flat]
    return Counts(*real, null=flat[0, :, inside:])


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


def scores_of(scored: Scored, layer: str, case: Case, every: Tensor, pairs: Sets) -> np.ndarray:
    """(3, pairs) sign counts, magnitudes and held-out accuracies of the first set of each pair."""
    name, _, kind = layer.partition(":")
    known: dict[bytes, Concept] = {}

    def concept(rows: np.ndarray) -> Concept:
        made = Concept(len(known), "set", [every[torch.from_numpy(rows)]])
        return known.setdefault(rows.tobytes(), made)

    experiments = [[concept(first), concept(second)] for first, second in pairs]
    classifier = Plane()
    with TemporaryDirectory() as folder:  # captum passes features through files
        tool = TCAV(
            _Column(out_of_place(scored)).eval(),
            [f"scored.model.{name}"],
            classifier=classifier,
            save_path=folder,
            attribute_to_layer_input=kind == "input",
        )
        found = tool.interpret(case.inputs, experiments, target=0, additional_forward_args=tuple(case.asked))
    keys = ["-".join(str(each.id) for each in experiment) for experiment in experiments]
    rows = [found[key][f"scored.model.{name}"] for key in keys]
    signs, sizes = ([float(row[what][0]) for row in rows] for what in ("sign_count", "magnitude"))
    return np.array([signs, sizes, classifier.accuracies])


class _Column(nn.Module):
    """The score as one column, or the logits where nothing is asked (captum only looks at features then)."""

    def __init__(self, scored: Scored) -> None:
        super().__init__()
        self.scored = scored

    def forward(self, inputs: Tensor, *asked: Tensor) -> Tensor:
        """(B, 1)."""
        return self.scored(inputs, *asked)[:, None] if asked else self.scored.model(inputs)


class Plane(Classifier):
    """A logistic regression on standardised features; its normal, of length 1 in the features, is the direction.

    Attributes:
        accuracies: share of held-out samples told apart, for every plane so far.
    """

    def __init__(self) -> None:
        """Nothing is fitted yet."""
        self.accuracies: list[float] = []
        self._normal, self._classes = np.zeros(0), [0, 0]

    def train_and_eval(self, dataloader: Any, **_: Any) -> dict[str, float]:
        """Fit on all samples; the accuracy is that of a second one, fitted without every third."""
        parts = [(features.numpy(), int(label[0])) for features, label in dataloader]
        self._classes = [label for _, label in parts]
        features = np.concatenate([part for part, _ in parts]).astype(np.float64)
        inside = np.repeat([True, False], [len(part) for part, _ in parts])
        held_out = np.arange(len(inside)) % HELD_OUT == 0
        checked = _fitted(features[~held_out], inside[~held_out])
        self.accuracies.append(float(checked.score(features[held_out], inside[held_out])))
        scale, plane = (step for _, step in _fitted(features, inside).steps)
        normal = plane.coef_[0] / scale.scale_
        self._normal = normal / np.linalg.norm(normal)
        return {"accs": self.accuracies[-1]}

    def weights(self) -> Tensor:
        """(2, D) towards the first set, and away from it."""
        return torch.from_numpy(np.stack([self._normal, -self._normal]))

    def classes(self) -> list[int]:
        """The two sets."""
        return self._classes


def _fitted(features: np.ndarray, inside: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(features, inside)
