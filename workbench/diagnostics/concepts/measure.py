"""Which concepts move a distillation score: does the student use what its teacher uses?

How it is measured: a concept is a saved selection of samples, such as those on which a feature of the interaction tensor is
active (``active_samples``). In a layer, by default the features under the classifier, a linear classifier separates them
from as many random other samples (a counter-set); the normal of its plane is the concept's direction. The score's gradient
along this direction is taken for test samples, which may be of the concept themselves, and averaged over many counter-sets.
The same is done for 99 random concepts: random samples, as many as the concept has, with as many counter-sets.

Formula: v = unit normal for the concept; h = features;
    sign_count = share of samples with  dF/dh . v > 0;  magnitude = mean of  dF/dh . v;
    t = |mean magnitude over counter-sets| / root mean square of this mean over the concept and its random concepts;
    p = (1 + number of random concepts with a t as large) / (1 + 99), two-sided;
    p adjusted: the same with the largest t over all parties and concepts of each draw (Westfall and Young), which bounds the
    chance of any false claim.

Reading it: a concept is said to move the score if its adjusted p is below 0.05 and its held-out ``accuracy`` exceeds that of
95 % of the random concepts: below that, its direction is as random as theirs. A sign count near 1 then means that more of
the concept goes with a higher score for nearly every sample, near 0 with a lower one. Compare the student with its teacher
and with the control.
When it misleads: concepts that go together (round shapes and zeros) share their direction. Where F is linear in the
features, all samples of a class have the same gradient, and sign counts jump between 0 and 1, for random concepts too; the
test is therefore one of magnitudes. A gradient is no intervention on the concept.
After: Kim et al. 2018 (TCAV), gradients through captum; scores of a distillation as output, whole random concepts as null
and the test of magnitudes are ours.
Cost: two logistic regressions for each counter-set of the concept and of its random concepts; about 5 s per concept and net for
64 features and 35 samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.diagnostics.attribution.measure_plan import DIVERGENCES, Plan
from workbench.maths.intervals import mean_interval
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.records.wording import number, percent, plural

if TYPE_CHECKING:
    from workbench.diagnostics.concepts.measure_numbers import Counts
    from workbench.diagnostics.interaction.measure import Interaction
    from workbench.settings.setting import Setting

LEAST_SETS = 10
SAMPLES = 200
SMALL = 20
SURE = 0.05
PROVENANCE = {
    "paper": "Kim et al.: Interpretability Beyond Feature Attribution (TCAV), ICML 2018, arXiv:1711.11279",
    "fidelity": "proposed",
    "ours": "distillation scores as the output, whole random concepts as the null, a test of magnitudes",
}
Tell = Callable[[float, str], object]


@dataclass(frozen=True)
class Concepts(Result):
    """How K concepts move the score of P parties, with R counter-sets, beside B random concepts each.

    Attributes:
        plan: what was explained; see ``Plan``.
        names: K names of the concepts.
        sizes: (K,) samples of each.
        parties: P names.
        layers: the features by party.
        sign_counts: (P, K, R) share of samples whose score the concept raises.
        magnitudes: (P, K, R) mean gradient along the concept's direction, in units of the score.
        accuracies: (P, K, R) share of held-out samples that the concept's plane tells apart.
        null: (P, K, B) mean sign counts of random concepts as large as each.
        null_magnitudes: (P, K, B) their mean magnitudes.
        null_accuracies: (P, K, B) their mean accuracies.
        numbers: by party and concept the mean sign count; its interval is over counter-sets.
        p_values: (P, K) two-sided, each concept against its random concepts.
        p_adjusted: (P, K) the same for all parties and concepts together.
        separated: (P, K) whether the features tell the concept apart better than 95 % of the random ones.
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
    null_magnitudes: np.ndarray
    null_accuracies: np.ndarray
    numbers: dict[str, dict[str, Interval]]
    p_values: np.ndarray
    p_adjusted: np.ndarray
    separated: np.ndarray
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    @property
    def moves(self) -> np.ndarray:
        """(P, K) whether a concept is said to move the score: told apart, and beyond random concepts."""
        return self.separated & (self.p_adjusted < SURE)

    def rows(self) -> list[dict[str, Any]]:
        """The usual numbers, then the sign count of every concept for every party with its adjusted p value."""
        found = []
        for p, party in enumerate(self.parties):
            for k, (name, i) in enumerate(self.numbers[party].items()):
                row = {"quantity": f"{party}, {name}", "value": i.mean, "low": i.low, "high": i.high}
                found.append(row | {"p": float(self.p_adjusted[p, k])})
        return super().rows() + found

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        sentences = []
        for k, name in enumerate(self.names):
            counts = ", ".join(f"{percent(self.numbers[party][name].mean)} ({party})" for party in self.parties)
            found = [
                f"{party} (p {number(self.p_adjusted[p, k])})"
                for p, party in enumerate(self.parties)
                if self.moves[p, k]
            ]
            sentences.append(f"{self.plan['score']} rises along {name!r} for {counts} of the samples")
            sentences[-1] += (
                f"; beyond random concepts for {' and '.join(found)}." if found else "; as random concepts do."
            )
        return (
            f"{plural(self.n, 'sample')}, {plural(self.sign_counts.shape[2], 'counter-set')}, "
            f"{plural(self.null.shape[2], 'random concept')}. " + " ".join(sentences)
        )


@checked_arguments
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
    sign_counts, (sets, random) = counts.sign_counts, (counts.sign_counts.shape[-1], counts.null.shape[-1])
    cells = (len(layers), len(names))
    if any(each.shape != (*cells, sets) for each in counts[:3]) or any(e.shape != (*cells, random) for e in counts[3:]):
        raise ValueError(
            f"{[each.shape for each in counts]}: {(*cells, sets)} and {(*cells, random)}, three times each, are needed"
        )
    _check_sets(sets)
    parties = tuple(layers)
    numbers = {
        party: {name: mean_interval(sign_counts[p, k], bounds=(0.0, 1.0)) for k, name in enumerate(names)}
        for p, party in enumerate(parties)
    }
    p_values, adjusted = _p_values(counts.magnitudes.mean(axis=2), counts.null_magnitudes)
    separated = counts.accuracies.mean(axis=2) > np.quantile(counts.null_accuracies, 1 - SURE, axis=2)
    return Concepts(
        plan=plan.to_dict(),
        names=tuple(names),
        sizes=np.array(list(names.values())),
        parties=parties,
        layers=dict(layers),
        numbers=numbers,
        p_values=p_values,
        p_adjusted=adjusted,
        separated=separated,
        n=n,
        seed=plan.seed,
        warnings=_warnings(names, parties, separated, plan.score),
        provenance=dict(PROVENANCE),
        **counts._asdict(),
    )


@checked_arguments
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
        tell: called with the share done in [0, 1] and a message.
        **choices: of the ``Plan`` (score, by default ``dark_logit``, whose gradient does not vanish where student and
            teacher agree; temperature, pair, seed), and ``counter_sets``: how many random sets each concept is held
            against.

    Raises:
        ValueError: fewer than 10 counter-sets, a concept of fewer than two samples or of nearly all, names that repeat,
            a party or a layer that is not there, or as ``attribution_of``.
        KeyError: a sample is not one of the test samples.
    """
    from workbench.diagnostics.attribution.measure_source import Source
    from workbench.diagnostics.concepts.measure_numbers import counted, layers_under

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


def _p_values(found: np.ndarray, null: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of draws as far from 0: of each cell's own, and of the largest over all cells.

    A concept that is itself random is exchangeable with its random concepts, so that its p value is below a level at most
    as often as the level says, whatever the distribution.

    Args:
        found: (P, K) what was observed.
        null: (P, K, B) the same of random concepts.
    """
    every = np.abs(np.concatenate([found[..., None], null], axis=-1))
    size = np.sqrt(np.square(every).mean(axis=-1, keepdims=True))
    every = every / np.where(size > 0, size, 1.0)
    seen, drawn = every[..., :1], every[..., 1:]
    largest = drawn.reshape(-1, drawn.shape[-1]).max(axis=0)
    own, joint = ((1 + (each >= seen).sum(axis=-1)) / (1 + drawn.shape[-1]) for each in (drawn, largest))
    return own, joint


def _warnings(names: Mapping[str, int], parties: Sequence[str], separated: np.ndarray, score: str) -> tuple[str, ...]:
    found = [f"concept {name!r} has only {plural(size, 'sample')}" for name, size in names.items() if size < SMALL]
    if score in DIVERGENCES:
        found.append(
            f"gradients of {score} vanish where a model agrees with the teacher, so at the teacher itself: use dark_logit"
        )
    for p, party in enumerate(parties):
        vague = [name for k, name in enumerate(names) if not separated[p, k]]
        if vague:
            found.append(
                f"the features of the {party} separate {', '.join(vague)} no better than random samples: no claim is made"
            )
    return tuple(found)
