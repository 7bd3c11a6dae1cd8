"""Which layers of student and teacher hold the same picture of the samples, and more so than without a teacher?

How it is measured: the features of both nets on the same samples are compared layer by layer, by measures that do not care
what single units mean. ``cka`` with the unbiased estimate is the one to read; the others are there because papers use them.

Formula:
    cka = hsic(K, L) / sqrt(hsic(K, K) hsic(L, L)),  K = X X', L = Y Y', X: (N, D) and Y: (N, E) features
    hsic: the unbiased estimate, (1 / (N (N - 3))) sum_ij k_ij l_ij of U-centred kernels; cka_biased centres instead
    svcca, pwcca: mean and weighted mean canonical correlation of the directions holding 99 % of the variance
    rsa: Spearman's correlation of all distances; procrustes: |X'Y|_* / (|X| |Y|)
    mutual_neighbours: share of the ten nearest samples in common; gaussian_cka: cka with Gaussian kernels

Reading it: 1 is the same up to rotation and scale (up to order and scale of the units for ``pwcca``). Unrelated nets on the same data are far above 0, for they see the same
classes; only a difference to a control student, trained alike without the teacher, can be due to the teacher. The p value is about
the samples: it asks whether their order matters at all, and is small for almost any two trained nets. The best of many
pairs must be judged by ``p_adjusted``: by the largest cka of each permutation (Westfall and Young 1993), which bounds
false finds as Holm does.
When it misleads: ``cka_biased``, ``svcca``, ``pwcca`` and ``procrustes`` near 1 mean nothing where layers are as wide as there
are samples: unrelated tables of 64 samples and 512 units have a biased cka of 0.89. A few directions of large variance
decide cka; what differs in the small ones does not show.
After: Kornblith et al. 2019 (cka), Song et al. 2012 and Nguyen et al. 2021 (unbiased, by batches), Raghu et al. 2017,
Morcos et al. 2018, Kriegeskorte et al. 2008, Huh et al. 2024. Hints, p values and intervals are ours.
Cost: O(N^2) memory and O(N^3) time per layer; 2 s for two nets of 3 layers and 512 samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.diagnostics.representation.measure_layers import (
    Features,
    Tell,
    bounds_of,
    check,
    hints_of,
    measures,
    p_values_of,
    portraits,
    table_of,
    warnings_of,
)
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, bounds, estimate
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.wording import number, plural, signed

if TYPE_CHECKING:
    from workbench.settings.setting import Setting

SAMPLES = 512
PROVENANCE = {
    "paper": "Kornblith et al.: Similarity of Neural Network Representations Revisited, ICML 2019, arXiv:1905.00414",
    "fidelity": "corrected",
    "ours": "unbiased estimate as the default, p values, intervals and suggested hint layers",
}


@dataclass(frozen=True)
class Representation(Result):
    """Similarity of S layers of a student with T layers of its teacher on n samples.

    Attributes:
        student_layers: S names.
        teacher_layers: T names.
        measures: M names; ``cka`` comes first.
        table: (M, S, T).
        control: (M, S, T) of a control student with the same teacher; NaN where there is none.
        low, high: (S, T) bounds of ``cka`` from a jackknife over ten groups of samples.
        difference_low, difference_high: (S, T) bounds of student minus control, paired by sample, from the same jackknife;
            NaN where there is no control.
        p_values: (S, T) share of permutations of the samples with as large a ``cka``.
        p_adjusted: (S, T) share of them with as large a ``cka`` in any pair: for looking at all pairs at once.
        hints: the best teacher layer for each student layer, the best pair first: ``student``, ``teacher``,
            ``cka``, ``p`` (adjusted, since it was chosen among all).
        n: samples.
        seed: of the samples that were drawn, and of the permutations.
        warnings: what weakens the numbers.
        provenance: the papers, and what is ours.
    """

    student_layers: tuple[str, ...]
    teacher_layers: tuple[str, ...]
    measures: tuple[str, ...]
    table: np.ndarray
    control: np.ndarray
    low: np.ndarray
    high: np.ndarray
    difference_low: np.ndarray
    difference_high: np.ndarray
    p_values: np.ndarray
    p_adjusted: np.ndarray
    hints: tuple[dict[str, Any], ...]
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    @property
    def has_control(self) -> bool:
        """Whether a control student was compared, too."""
        return bool(np.isfinite(self.control).any())

    def of(self, measure: str, *, control: bool = False) -> np.ndarray:
        """One measure, (S, T).

        Raises:
            KeyError: no such measure; the message lists them.
        """
        if measure not in self.measures:
            raise KeyError(f"no measure {measure!r}; there are {', '.join(self.measures)}")
        return (self.control if control else self.table)[self.measures.index(measure)]

    def rows(self) -> list[dict[str, Any]]:
        """One row per pair of layers."""
        return [
            {
                "quantity": f"{mine} ~ {theirs}",
                "value": float(self.table[0, i, j]),
                "low": float(self.low[i, j]),
                "high": float(self.high[i, j]),
                "p": float(self.p_values[i, j]),
                "p_adjusted": float(self.p_adjusted[i, j]),
                "control": float(self.control[0, i, j]),
                "difference": float(self.difference[i, j]),
                "difference_low": float(self.difference_low[i, j]),
                "difference_high": float(self.difference_high[i, j]),
                **{name: float(self.table[m, i, j]) for m, name in enumerate(self.measures) if m},
            }
            for i, mine in enumerate(self.student_layers)
            for j, theirs in enumerate(self.teacher_layers)
        ]

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        best = self.hints[0]
        i, j = self.student_layers.index(best["student"]), self.teacher_layers.index(best["teacher"])
        text = (
            f"On {plural(self.n, 'sample')} the student's {best['student']} and the teacher's {best['teacher']} are the most "
            f"similar pair of layers: cka {estimate(self._interval(self.table[0], self.low, self.high, i, j))}; p "
            f"{number(self.p_adjusted[i, j])} for any pair to reach this with shuffled samples."
        )
        if self.has_control:
            found = self._interval(self.difference, self.difference_low, self.difference_high, i, j)
            text += (
                f" The control student has a cka of {number(self.control[0, i, j])} there; student minus control: "
                f"{signed(found.mean)} ({bounds(found, signed)})."
            )
        excess = (self.of("cka_biased") - self.of("cka"))[np.isfinite(self.of("cka_biased") - self.of("cka"))]
        if not excess.size:
            return text
        return f"{text} Bias of cka from the number of units: at most {number(excess.max())} over all pairs."

    @property
    def difference(self) -> np.ndarray:
        """(S, T) ``cka`` of the student minus that of the control; NaN where there is none."""
        return self.table[0] - self.control[0]

    def _interval(self, value: np.ndarray, low: np.ndarray, high: np.ndarray, i: int, j: int) -> Interval:
        """One pair of layers as an interval over samples."""
        return Interval(float(value[i, j]), float(low[i, j]), float(high[i, j]), self.n, "t")


@checked_arguments
def representation(
    student: Features,
    teacher: Features,
    control: Features | None = None,
    *,
    ids: tuple[ArrayLike, ArrayLike] | None = None,
    seed: Seed = 0,
    tell: Tell | None = None,
) -> Representation:
    """Compare layers.

    Args:
        student: by layer, (N, ...) features.
        teacher: by layer, (N, ...) features of the same samples in the same order.
        control: as ``student``, of a student without the teacher, with the same layers.
        ids: the samples' ids as the student's and the teacher's features have them; compared.
        seed: of the permutations and of the groups of the jackknife.
        tell: called with the share done in [0, 1] and a message.

    Raises:
        ValueError: no layer, other samples, other numbers of samples, fewer than 4 of them, a value that is not finite,
            or features that are the same for all samples.
    """
    tell = tell or (lambda share, words: None)
    sides = {"student": student, "teacher": teacher} | ({} if control is None else {"control": control})
    check(sides, ids)
    tables = {side: portraits(side, features, tell) for side, features in sides.items()}
    mine, theirs, alone = tables["student"], tables["teacher"], tables.get("control")
    table = table_of(mine, theirs)
    tell(0.6, "permuting samples")
    n = len(next(iter(mine.values())).features)
    p_values, p_adjusted = p_values_of(mine, theirs, seed)
    own, apart = bounds_of(mine, theirs, table[0], alone, seed)
    return Representation(
        student_layers=tuple(mine),
        teacher_layers=tuple(theirs),
        measures=measures(),
        table=table,
        control=np.full_like(table, np.nan) if alone is None else table_of(alone, theirs),
        low=own[0],
        high=own[1],
        difference_low=apart[0],
        difference_high=apart[1],
        p_values=p_values,
        p_adjusted=p_adjusted,
        hints=hints_of(tuple(mine), tuple(theirs), table[0], p_adjusted),
        n=n,
        seed=seed,
        warnings=warnings_of(n, [*mine.values(), *theirs.values()]),
        provenance=dict(PROVENANCE),
    )


@checked_arguments
def representation_of(
    run: Run,
    setting: Setting | None = None,
    control: Run | None = None,
    *,
    layers: Mapping[str, Sequence[str]] | None = None,
    samples: int = SAMPLES,
    seed: Seed = 0,
    tell: Tell | None = None,
) -> Representation:
    """Compare the layers of a run's student with its teacher's on test samples.

    Args:
        run: with its models.
        setting: of the run; from the catalogue if None.
        control: the same student trained without this teacher.
        layers: by ``student`` and ``teacher``, what to compare; by default the stages of each.
        samples: at most so many, drawn with the seed.
        seed: of the draw and the permutations.
        tell: called with the share done in [0, 1] and a message.

    Raises:
        ValueError: the run cannot be revived, or a model has no stages and none are named.
    """
    import torch

    from workbench.diagnostics.bundle import bundle_of
    from workbench.models.layers import stages_of

    revived = run.revive(setting)
    models = {"student": revived.models["student"]}
    if "teacher" not in revived.models:
        raise ValueError(f"run {run.id} has no teacher to compare its student's layers with")
    models["teacher"] = revived.models["teacher"]
    if control is not None:
        models["control"] = control.revive(setting).models["student"]
    wanted = {side: list((layers or {}).get(side, ())) or stages_of(model) for side, model in models.items()}
    wanted["control"] = wanted["student"]
    test = revived.setting.test
    rows = torch.randperm(len(test), generator=torch.Generator().manual_seed(seed))[:samples].sort().values
    bundle = bundle_of(models, test.subset(rows), {side: wanted[side] for side in models}, tell=tell)
    found = {side: bundle.features[side] for side in models}
    return representation(found["student"], found["teacher"], found.get("control"), seed=seed, tell=tell)
