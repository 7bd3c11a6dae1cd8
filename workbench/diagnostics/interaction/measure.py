"""Which features do several models share, how many does a group of models have, and on which samples are they used?

How it is measured: the principal components of a layer of every model are correlated over the samples; components that
correlate are one *feature*, whoever has them. A model uses a feature on the samples where it is most active. The table
of models, samples and features is the interaction tensor.

Formula: see ``interaction_components``, ``interaction_matches`` and ``interaction_activity``.
Reading it: distilled students that have fewer features than students of labels, on more samples each, have become more
alike. The numbers of one model are the same by construction; only groups differ.
When it misleads: all students of one teacher resemble each other because of that one teacher; components of nearly equal
variance turn freely; groups of different size cannot be compared (see ``rarefaction``); the number of features depends on
the threshold and a little on the order, so both are shown.
After: Kang and Kim, ICPR 2026, and their code (``mode="paper"``), on the interaction tensor of Jiang, Baek and Kolter
2023. Signs, thresholds, orders, linkage, independent directions, precision, recall and class information are ours.
Cost: see the parts; 60 models, 10,000 samples and 50 components take about 20 s on two cores, components apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.diagnostics.interaction.measure_activity import Omega
from workbench.diagnostics.interaction.measure_assembly import Samples, assembled
from workbench.diagnostics.interaction.measure_components import Components
from workbench.diagnostics.interaction.measure_construction import CONSTRUCTIONS, Construction, Mode
from workbench.diagnostics.interaction.measure_independent import parts_of
from workbench.diagnostics.interaction.measure_matches import Stack, stack, stacked
from workbench.diagnostics.interaction.measure_models import Layers, Source, Tell, gathered
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval
from workbench.records.result import Result
from workbench.records.wording import number, percent, plural

if TYPE_CHECKING:
    from workbench.settings.setting import Setting

Row = dict[str, Any]

MEASURED = (
    "What this measures: every model has the same share of its activations switched on, and the count of a single model "
    "says nothing; a group has fewer features where the components of its models coincide: unique features count how "
    "consistent seeds are. Models may coincide from having learnt the same thing, or only from having had one and the "
    "same teacher; the students of several teachers tell these apart. The count depends on threshold, sign and order."
)


@dataclass(frozen=True)
class Interaction(Result):
    """The interaction tensor of M models in G groups, with N samples, L components and F features.

    Attributes:
        mode: ``corrected`` or ``paper``.
        features: F.
        threshold: the correlation above which components are one feature.
        models, group_names: M and G names.
        group: (M,) index of each model's group.
        unique: (G,) features in use.
        mean_frequency: (G,) samples per feature in use, by union over the group.
        frequency, model_frequency: (G, F) samples on which the group uses a feature: by union, and the mean of its models.
        per_sample, summed: (G, N) features in use on a sample: by union, and added up over the models.
        common: (F,) bool: in use by every group.
        confidence: (G, N) mean probability of the true class; NaN where it is not known.
        class_information: (F,) what a feature says about the class, in nats; NaN where classes are not known.
        precision, recall: by group, of its models' features against the teachers'.
        order_features, order_unique: (R,) and (R, G) numbers of features when the scan begins elsewhere.
        other: the other mode's threshold and numbers, of the same components, in the same basis.
        other_frequency: (G, F') the same as ``frequency`` in the other mode.
        scores: (L, N) components, models one below the other.
        owner, rank, share, gap: (L,) whose they are, their place, share of variance, gap to the next (NaN if independent).
        feature, sign: (L,) the feature of each, -1 if left out, and how it was turned.
        pair_model, pair_feature, pair_active: (P,), (P,) and (P, N / 8) bits: the tensor itself, see ``omega``.
        construction: the choices behind it.
        ids, labels: (N,) of the samples; labels are -1 where not known.
        class_names: C names.
        n: samples.
        seed: of orders and permutations.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
    """

    mode: str
    features: int
    threshold: float
    models: tuple[str, ...]
    group_names: tuple[str, ...]
    group: np.ndarray
    unique: np.ndarray
    mean_frequency: np.ndarray
    frequency: np.ndarray
    model_frequency: np.ndarray
    per_sample: np.ndarray
    summed: np.ndarray
    common: np.ndarray
    confidence: np.ndarray
    class_information: np.ndarray
    precision: dict[str, Interval]
    recall: dict[str, Interval]
    order_features: np.ndarray
    order_unique: np.ndarray
    other: dict[str, Any]
    other_frequency: np.ndarray
    scores: np.ndarray
    owner: np.ndarray
    rank: np.ndarray
    share: np.ndarray
    gap: np.ndarray
    feature: np.ndarray
    sign: np.ndarray
    pair_model: np.ndarray
    pair_feature: np.ndarray
    pair_active: np.ndarray
    construction: dict[str, Any]
    ids: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    @property
    def omega(self) -> Omega:
        """The tensor, unpacked."""
        active = np.unpackbits(self.pair_active, axis=1, count=self.n).astype(bool)
        return Omega(self.pair_model, self.pair_feature, active, self.features)

    def members(self, group: int) -> np.ndarray:
        """Indices of a group's models."""
        return np.flatnonzero(self.group == group)

    def stack(self) -> Stack:
        """The components with their correlations, computed anew."""
        return stacked(self.scores, self.owner, self.rank)

    def rows(self) -> list[dict[str, Any]]:
        """What is common to all groups, then the numbers of each; ranges over random orders go from least to most."""
        return numbers_of(self)

    def explain(self) -> str:
        """What the numbers say, and what they really measure, in one paragraph."""
        return explained(self)


@checked_arguments
def interaction(
    components: Mapping[str, Components],
    groups: Mapping[str, Sequence[str]],
    *,
    samples: Samples | None = None,
    mode: Mode = "corrected",
    construction: Construction | None = None,
) -> Interaction:
    """The interaction tensor of models whose components are known.

    Args:
        components: by model, of the same N held-out samples.
        groups: names of models by group; every model in one group at most, those in none are left out.
        samples: what is known about the samples.
        mode: the mended construction, or the released one with its quirks.
        construction: other choices than those of the mode.

    Raises:
        ValueError: fewer than two models, a model in two groups, different samples, or a choice that is not allowed.
        KeyError: a group names a model whose components are not there.
    """
    names = [name for members in groups.values() for name in members]
    if len(set(names)) < len(names) or len(names) < 2:
        raise ValueError(f"groups {dict(groups)} must hold two or more models, none of them twice")
    if missing := [name for name in names if name not in components]:
        raise KeyError(f"no components of {missing}; there are those of {list(components)}")
    construction = construction or CONSTRUCTIONS[mode]
    parts, notes = parts_of({name: components[name] for name in names}, construction)
    group = np.repeat(np.arange(len(groups)), [len(members) for members in groups.values()])
    layers = {"share": np.concatenate([p.shares for p in parts]), "gap": np.concatenate([p.gaps for p in parts])}
    found = stack([part.scores for part in parts])
    about = {"models": tuple(names), "group_names": tuple(groups), "group": group, **layers}
    values = assembled(found, about, samples or Samples(), mode, construction)
    return Interaction(**values | {"warnings": (*notes, *values["warnings"])})


@checked_arguments
def interaction_of(
    source: Source,
    setting: Setting | None = None,
    *,
    layers: Layers = "penultimate",
    centred: bool = True,
    mode: Mode = "corrected",
    construction: Construction | None = None,
    tell: Tell | None = None,
) -> Interaction:
    """The interaction tensor of finished runs on their test samples: students by arm, and their teachers.

    Args:
        source: a study (its methods and labels only), runs by the name of their group, or one run.
        setting: of the runs, if it is one of your own.
        layers: the input of the last linear layer, the last stage before it, or the layer's name by group.
        centred: subtract the mean before the components are taken; the authors do in one of their two studies.
        mode: the mended construction, or the released one with its quirks.
        construction: other choices than those of the mode.
        tell: called with the share done in [0, 1] and a message; a ``StopIteration`` from it ends with the models so far.

    Raises:
        ValueError: no two runs, runs on different samples, not a classification, or a layer is not there.
    """
    components, groups, samples, notes = gathered(source, setting, layers, tell, centred=centred)
    found = interaction(components, groups, samples=samples, mode=mode, construction=construction)
    return replace(found, warnings=(*notes, *found.warnings))


def numbers_of(result: Interaction) -> list[Row]:
    """What a group has by construction, by this mode, by the other mode, and of the teachers."""
    found: list[Row] = [
        {"quantity": "features", "group": "", "value": result.features},
        {"quantity": "threshold", "group": "", "value": result.threshold},
    ]
    if len(result.order_features):
        found.append({"quantity": "features in random orders", "group": ""} | _least_to_most(result.order_features))
    other = result.other
    if other:
        found += [
            {"quantity": f"{what}, {other['mode']} form", "group": "", "value": other[what]}
            for what in ("features", "threshold")
        ]
    for g, name in enumerate(result.group_names):
        found += [{"quantity": what, "group": name} | row for what, row in _of_group(result, g, name).items()]
    return found


def _of_group(result: Interaction, g: int, name: str) -> dict[str, Row]:
    used, components = result.frequency[g] > 0, np.isin(result.owner, result.members(g)) & (result.feature >= 0)
    rows: dict[str, Row] = {
        "models": {"value": len(result.members(g))},
        "components": {"value": int(components.sum())},
        "unique features": {"value": int(result.unique[g])},
    }
    if len(result.order_unique):
        rows["unique features in random orders"] = _least_to_most(result.order_unique[:, g])
    if result.other:
        rows[f"unique features, {result.other['mode']} form"] = {"value": result.other["unique"][g]}
    rows["mean frequency"] = {"value": float(result.mean_frequency[g])}
    if result.other:
        rows[f"mean frequency, {result.other['mode']} form"] = {"value": result.other["mean_frequency"][g]}
    single = result.model_frequency[g][used]
    each = len(result.members(g)) * result.n
    rows |= {
        "mean frequency of one model": {"value": float(single.mean()) if len(single) else np.nan},
        "features per sample": {"value": float(result.per_sample[g].mean())},
        "features per sample of one model": {"value": float(result.summed[g].sum() / each)},
        "mean confidence": {"value": float(result.confidence[g].mean())},
        "median gap to the next variance": {"value": float(np.median(result.gap[components]))},
    }
    for what, by_group in (("precision", result.precision), ("recall", result.recall)):
        if name in by_group:
            rows[what] = {"value": by_group[name].mean, "low": by_group[name].low, "high": by_group[name].high}
    return rows | _overlap(result, g, used)


def _overlap(result: Interaction, g: int, used: np.ndarray) -> dict[str, Row]:
    """Share of the group's features that the teachers have, by union on both sides."""
    from workbench.diagnostics.interaction.measure_assembly import TEACHER

    if TEACHER not in result.group_names or result.group_names[g] == TEACHER or not used.any():
        return {}
    taught = result.frequency[result.group_names.index(TEACHER)] > 0
    return {"teacher overlap of the group": {"value": float((used & taught).sum() / used.sum())}}


def _least_to_most(counts: np.ndarray) -> Row:
    return {"value": float(counts.mean()), "low": float(counts.min()), "high": float(counts.max())}


def explained(result: Interaction) -> str:
    """What the numbers say, and what they really measure, in one paragraph."""
    basis = Construction(**result.construction).basis
    text = (
        f"{len(result.owner):,} {basis} components of {plural(len(result.models), 'model')} form {plural(result.features, 'feature')} at a "
        f"correlation above {number(result.threshold)}. "
        f"Features in use: {_in_use(result.group_names, result.unique, result.mean_frequency)}. "
    )
    if len(result.order_features):
        text += f"Scanned in {len(result.order_features)} random orders there are {reach(result.order_features)}. "
    if result.precision:
        shares = ", ".join(f"{name} {percent(found.mean)}" for name, found in result.precision.items())
        recalled = ", ".join(f"{name} {percent(found.mean)}" for name, found in result.recall.items())
        text += f"Share of a model's features that the teachers have too: {shares}. Share of theirs that it has: {recalled}. "
    if result.other:
        counts = _in_use(result.group_names, result.other["unique"], result.other["mean_frequency"])
        text += (
            f"The other construction ({result.other['mode']}) of the same components has {plural(result.other['features'], 'feature')} at "
            f"{number(result.other['threshold'])}; in use: {counts}. "
        )
    return text + MEASURED


def reach(counts: np.ndarray) -> str:
    """From the least to the most, or the one number they all are."""
    low, high = counts.min(), counts.max()
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _in_use(names: Sequence[str], unique: Sequence[int] | np.ndarray, often: Sequence[float] | np.ndarray) -> str:
    found = zip(names, unique, often, strict=True)
    return ", ".join(f"{name} {used:,} on {number(samples)} samples each" for name, used, samples in found)
