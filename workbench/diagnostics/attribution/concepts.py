"""Which concepts move a distillation score: does the student use what its teacher uses?

How it is measured: a concept is a saved selection of samples, such as those on which a feature of the interaction tensor is
active (``active_samples``). In a layer, by default the features under the classifier, a linear classifier tells them from
as many random other samples; the normal of its plane is the concept's direction. The score's gradient along this direction
is taken for test samples, which may be of the concept themselves. This is repeated with many random counter-sets, and once
more with pairs of random sets, which show what no concept reaches.

Formula: v = unit normal for the concept; h = features;
    sign_count = share of samples with  dF/dh . v > 0;  magnitude = mean of  dF/dh . v
    two-sided p: Mann-Whitney between the sign counts of the concept and those of random pairs, Holm over concepts.

Reading it: a sign count near 1 means that more of the concept raises the score for nearly every sample, near 0 that it
lowers it; about 0.5 says nothing. Compare the student with its teacher and with the control.
When it misleads: a concept that the features do not separate has a random direction: look at ``accuracy``. Concepts that
go together (round shapes and zeros) share their direction. Where F is linear in the features, all samples of a class
have the same gradient, and counts jump between 0 and 1.
After: Kim et al. 2018 (TCAV), gradients through captum; scores of a distillation as output, random pairs as null and a rank test
instead of the t-test are ours.
Cost: two small logistic regressions for each concept and counter-set; five concepts and three small ConvNets on digits in
1 s of one core.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.diagnostics.attribution.plan import DIVERGENCES, Plan
from workbench.records.interval import Interval
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.statistics.intervals import mean_interval
from workbench.statistics.multiple import holm

if TYPE_CHECKING:
    from workbench.diagnostics.attribution.concepts_measures import Counts
    from workbench.diagnostics.interaction.interaction import Interaction
    from workbench.settings.setting import Setting

LEAST_SETS = 10
SAMPLES = 200
SEPARATED = 0.6
SMALL = 20
PROVENANCE = {
    "paper": "Kim et al.: Interpretability Beyond Feature Attribution (TCAV), ICML 2018, arXiv:1711.11279",
    "fidelity": "proposed",
    "ours": "distillation scores as the output, random pairs as the null, a rank test",
}
Tell = Callable[[float, str], object]


@dataclass(frozen=True)
class Concepts(Result):
    """How K concepts move the score of P parties, with R counter-sets.

    Attributes:
        plan: what was explained; see ``Plan``.
        names: K names of the concepts.
        sizes: (K,) samples of each.
        parties: P names.
        layers: the features by party.
        sign_counts: (P, K, R) share of samples whose score the concept raises.
        magnitudes: (P, K, R) mean gradient along the concept's direction, in units of the score.
        accuracies: (P, K, R) share of held-out samples that the concept's plane tells apart.
        null: (P, R) sign counts of random pairs.
        numbers: by party and concept the means over counter-sets.
        p_values: (P, K) two-sided, Holm over concepts.
        n: samples whose gradients were taken.
        seed: of the counter-sets.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
    """

    plan: dict[str, Any]
    names: tuple[str, ...]
    sizes: np.ndarray
    parties: tuple[str, ...]
    layers: dict[str, str]
    sign_counts: np.ndarray
    magnitudes: np.ndarray
    accuracies: np.ndarray
    null: np.ndarray
    numbers: dict[str, dict[str, Interval]]
    p_values: np.ndarray
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def rows(self) -> list[dict[str, Any]]:
        """The usual numbers, then the sign count of every concept for every party."""
        found = [(f"{party}, {name}", i) for party, each in self.numbers.items() for name, i in each.items()]
        return super().rows() + [{"quantity": q, "value": i.mean, "low": i.low, "high": i.high} for q, i in found]

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        sentences = []
        for k, name in enumerate(self.names):
            counts = ", ".join(f"{self.numbers[party][name].mean:.0%} ({party})" for party in self.parties)
            sure = " and ".join(party for p, party in enumerate(self.parties) if self.p_values[p, k] < 0.05)
            sentences.append(f"More of {name!r} raises {self.plan['score']} for {counts} of the samples")
            sentences[-1] += f"; beyond random sets for {sure}." if sure else "; no more than random sets would."
        return f"{self.n} samples, {self.null.shape[1]} counter-sets. " + " ".join(sentences)


def concepts(counts: Counts, *, names: Mapping[str, int], layers: Mapping[str, str], plan: Plan, n: int) -> Concepts:
    """Test what counter-sets found.

    Args:
        counts: of P parties, K concepts and R counter-sets.
        names: the concepts, and how many samples each has.
        layers: the parties, and the features of each.
        plan: what was explained.
        n: samples whose gradients were taken.

    Raises:
        ValueError: shapes do not fit, or there are fewer counter-sets than ``LEAST_SETS``.
    """
    sign_counts, sets = counts.sign_counts, counts.null.shape[-1]
    shape = (len(layers), len(names), sets)
    if any(each.shape != shape for each in counts[:3]) or counts.null.shape != (shape[0], sets):
        raise ValueError(f"{[each.shape for each in counts]}: {shape} three times and {(shape[0], sets)} are needed")
    _check_sets(sets)
    parties = tuple(layers)
    numbers = {
        party: {name: mean_interval(sign_counts[p, k]) for k, name in enumerate(names)}
        for p, party in enumerate(parties)
    }
    tested = [[_p_value(row, counts.null[p]) for row in sign_counts[p]] for p in range(len(parties))]
    return Concepts(
        plan=plan.to_dict(),
        names=tuple(names),
        sizes=np.array(list(names.values())),
        parties=parties,
        layers=dict(layers),
        numbers=numbers,
        p_values=np.stack([holm(row) for row in tested]),
        n=n,
        seed=plan.seed,
        warnings=_warnings(names, parties, counts.accuracies, plan.score),
        provenance=dict(PROVENANCE),
        **counts._asdict(),
    )


def concepts_of(
    run: Run,
    selections: Sequence[Selection],
    setting: Setting | None = None,
    *,
    control: Run | None = None,
    samples: int | Selection | Sequence[int] = SAMPLES,
    layers: Mapping[str, str] | None = None,
    tell: Tell | None = None,
    **choices: Any,
) -> Concepts:
    """How concepts move the score of a run's student and its teacher, beside a control's student.

    Args:
        run: a finished run of a classification, with its models.
        selections: concepts: named sets of test samples.
        setting: it was run on; made again if None and it is one of the catalogue.
        control: a run of the same student on labels only, of the same seed.
        samples: whose gradients are taken: how many, drawn at random, or which, by id.
        layers: by party, the layer whose features are asked, or ``layer:input``; those under the classifier by default.
        tell: told the share done and what is going on.
        **choices: of the ``Plan`` (score, by default ``dark_logit``, whose gradient does not vanish where student and
            teacher agree; temperature, pair, seed), and ``counter_sets``: how many random sets each concept is held
            against.

    Raises:
        ValueError: fewer than 10 counter-sets, a concept of fewer than two samples or of nearly all, names that repeat,
            a party or a layer that is not there, or as ``attribution_of``.
        KeyError: a sample is not one of the test samples.
    """
    from workbench.diagnostics.attribution.concepts_measures import counted, layers_under
    from workbench.diagnostics.attribution.source import Source

    sets = choices.pop("counter_sets", LEAST_SETS)
    _check_sets(sets)
    source = Source.of(run, setting, control)
    plan = source.plan({"score": "dark_logit", **choices})
    data = source.samples(samples, plan.seed)
    chosen = layers_under(source.models, source.setting.test, layers or {})
    counts = counted(source, selections, data, plan, sets, chosen, tell or (lambda share, words: None))
    names = {selection.name: len(selection) for selection in selections}
    return concepts(counts, names=names, layers=chosen, plan=plan, n=len(data))


def active_samples(found: Interaction, feature: int, model: str | None = None) -> Selection:
    """The samples on which a feature of the interaction tensor is active, as a concept.

    Args:
        found: the interaction tensor.
        feature: its number, from 0.
        model: the one that must use it there; any of them if None.

    Raises:
        KeyError: there is no such feature or model.
    """
    if not 0 <= feature < found.features:
        raise KeyError(f"no feature {feature}; there are {found.features}, numbered from 0")
    if model is not None and model not in found.models:
        raise KeyError(f"the tensor has no model {model!r}; it has {', '.join(found.models)}")
    models = range(len(found.models)) if model is None else [found.models.index(model)]
    return Selection(found.ids[found.omega.union(models)[feature]], f"feature {feature} is active")


def _check_sets(sets: int) -> None:
    if sets < LEAST_SETS:
        raise ValueError(f"{sets} counter-sets; {LEAST_SETS} or more are needed for a test")


def _p_value(counts: np.ndarray, null: np.ndarray) -> float:
    """Two-sided; 1 where all counts are equal, about which ranks say nothing."""
    from scipy.stats import mannwhitneyu

    if np.ptp(np.concatenate([counts, null])) == 0:
        return 1.0
    return float(mannwhitneyu(counts, null, alternative="two-sided").pvalue)


def _warnings(names: Mapping[str, int], parties: Sequence[str], accuracies: np.ndarray, score: str) -> tuple[str, ...]:
    found = [f"concept {name!r} has only {size} samples" for name, size in names.items() if size < SMALL]
    if score in DIVERGENCES:
        found.append(
            f"gradients of {score} vanish where a model agrees with the teacher, so at the teacher itself: use dark_logit"
        )
    for p, party in enumerate(parties):
        vague = [name for k, name in enumerate(names) if accuracies[p, k].mean() < SEPARATED]
        if vague:
            found.append(f"the features of the {party} do not separate {', '.join(vague)}: their directions are random")
    return tuple(found)
