"""The more combinations of feature values a query set covers, the better the student agrees with its teacher.

Pereira et al. 2026 (TabKD) distill tabular teachers without data, on queries made to cover the cells of all pairs of
features, and report that coverage correlates strongly with agreement. Here a random forest and a boosted ensemble that were
fitted on one part of the breast cancer data teach a small net on query sets of nine kinds and two sizes, and the rank
correlation over these sets of coverage with agreement on unseen real samples is taken for every seed. What else could make
a set good is how close it comes to the real samples: the correlation is also given with that held fixed.

Departs: quantile bins instead of learned ones; sets of fixed kinds instead of a generator trained against the student; the
ten mean measurements of the breast cancer data, two of its four kinds of teachers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from workbench.data.transfer import TransferSet
from workbench.diagnostics.coverage.measure import coverage
from workbench.engine.conditions import Conditions
from workbench.engine.distill import collect, distill
from workbench.findings.paired import Tell
from workbench.maths.intervals import mean_interval
from workbench.methods.logits.kd import KD
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.finding import Finding, outcome_of
from workbench.settings.setting import Setting

CLAIM = (
    "Over query sets of nine kinds and two sizes, the share of the cells of feature pairs that a set covers and the "
    "student's agreement with its teacher on unseen real samples have a rank correlation above 0.5."
)
SOURCE = (
    "Pereira, Khadka, Lei 2026 (arXiv:2603.15481), abstract: coverage strongly correlates with distillation quality"
)
MARGIN = 0.5
SIZES, FEATURES, BATCH, STEPS = (100, 300), 10, 25, 400
CANDIDATES = 10
TEACHERS = ("random forest", "boosting")
Draw = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]


def find(seeds: Sequence[int], tell: Tell | None = None) -> Finding:
    """Distill every teacher on every set, for every seed; ``tell(share, message)`` is called as work proceeds."""
    tell, tables = tell or (lambda share, words: None), []
    for done, seed in enumerate(seeds):
        for place, teacher in enumerate(TEACHERS):
            tell((done + place / len(TEACHERS)) / len(seeds), f"seed {seed}, {teacher}")
            tables.append(_table(teacher, seed))
    shape = (len(seeds), len(TEACHERS))
    found = {name: np.reshape([ask(*table) for table in tables], shape) for name, ask in CORRELATIONS.items()}
    numbers = {name: values.mean(1) for name, values in found.items()}
    first = found["coverage with agreement"]
    numbers |= {f"coverage with agreement, {teacher}": first[:, place] for place, teacher in enumerate(TEACHERS)}
    agreed = np.reshape([table[2] for table in tables], (*shape, -1)).mean(1)
    numbers |= {"agreement, worst set (%)": agreed.min(1), "agreement, best set (%)": agreed.max(1)}
    intervals = {name: mean_interval(values) for name, values in numbers.items()}
    plain, massed, distance, given = list(intervals.values())[:4]
    return Finding(
        name="coverage_and_agreement",
        claim=CLAIM,
        source=SOURCE,
        outcome=outcome_of(plain, MARGIN),
        reading=(
            f"Coverage and agreement have a rank correlation of {plain.mean:.2f} over the sets ({massed.mean:.2f} if only "
            f"cells with real samples count). The distance of the real samples to the set has one of {distance.mean:.2f} with "
            f"agreement. With that distance held fixed, coverage keeps {given.mean:.2f} ({given.low:.2f} to {given.high:.2f})."
        ),
        numbers=intervals,
        per_seed={name: tuple(map(float, values)) for name, values in numbers.items()},
        seeds=tuple(seeds),
        setting=f"breast cancer, {FEATURES} features; forest and boosting teach an MLP {FEATURES}-32-2, {STEPS} steps",
        controls=("the distance of the real samples to the query set, held fixed in a partial rank correlation",),
        notes=(
            "Correlations are over 18 sets per seed and teacher, averaged over the two teachers; intervals are over seeds.",
            "The student sees no label and no real sample, except in the sets of real inputs.",
        ),
    )


def _table(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Coverage, coverage of cells with mass, agreement in percent and distance of every set: (18,) each."""
    known, labels, unseen, answers = _data(seed)
    teacher = _teacher(kind, seed).fit(known, labels)
    rows = []
    for size in SIZES:
        for number, draw in enumerate(KINDS.values()):
            queries = draw(known, size, np.random.default_rng([seed, size, number])).astype(np.float32)
            agrees = _agrees(teacher, queries, (unseen, answers), seed)
            covers = coverage(queries, unseen, agrees)
            gaps = torch.cdist(torch.from_numpy(unseen), torch.from_numpy(queries)).min(1).values
            rows.append((covers.coverage, covers.massed, 100 * float(agrees.mean()), float(gaps.mean())))
    first, second, third, fourth = np.transpose(rows)
    return first, second, third, fourth


def _data(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Standardised inputs and labels of the teacher, and of the samples agreement is measured on."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    inputs, labels = load_breast_cancer(return_X_y=True)
    inputs = inputs[:, :FEATURES].astype(np.float32)
    known, unseen, mine, others = train_test_split(inputs, labels, test_size=0.4, stratify=labels, random_state=seed)
    mean, spread = known.mean(0), known.std(0)
    return (known - mean) / spread, mine, (unseen - mean) / spread, others


def _teacher(kind: str, seed: int) -> Any:
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

    if kind == "boosting":
        return GradientBoostingClassifier(n_estimators=100, max_depth=3, random_state=seed)
    return RandomForestClassifier(n_estimators=100, max_depth=10, random_state=seed)


def _agrees(teacher: Any, queries: np.ndarray, unseen: tuple[np.ndarray, np.ndarray], seed: int) -> np.ndarray:
    """(N,) whether the distilled student picks its teacher's class on unseen samples."""
    test = TransferSet(torch.from_numpy(unseen[0]), torch.from_numpy(unseen[1]))
    unused = torch.arange(len(queries)) % 2  # a setting wants labels; they weigh nothing here
    setting = Setting(
        train=TransferSet(torch.from_numpy(queries), unused),
        test=test,
        validation=test.subset(torch.arange(20)),
        teacher=teacher,
        student=partial(MLP, FEATURES, (32,), 2),
        name="breast_cancer_queries",
        budget=Budget(epochs=max(1, STEPS * BATCH // len(queries)), batch_size=BATCH, learning_rate=0.1),
    )
    method = KD(temperature=2.0, soft_weight=1.0, label_weight=0.0)
    run = collect(distill(setting, method, seed=seed, conditions=Conditions(checkpoint=False)))
    return run.predictions["student"].argmax(1) == run.predictions["teacher"].argmax(1)


def _uniform(known: np.ndarray, size: int, dice: np.random.Generator, part: float = 1.0) -> np.ndarray:
    low, high = known.min(0), known.max(0)
    middle, half = (low + high) / 2, part * (high - low) / 2
    return dice.uniform(middle - half, middle + half, (size, known.shape[1]))


def _normal(known: np.ndarray, size: int, dice: np.random.Generator, spread: float = 1.0) -> np.ndarray:
    return known.mean(0) + spread * known.std(0) * dice.normal(size=(size, known.shape[1]))


def _correlated(known: np.ndarray, size: int, dice: np.random.Generator) -> np.ndarray:
    return dice.multivariate_normal(known.mean(0), np.cov(known.T), size)


def _shuffled(known: np.ndarray, size: int, dice: np.random.Generator) -> np.ndarray:
    """Every feature as it is, their combinations not."""
    return np.stack([dice.choice(column, size) for column in known.T], axis=1)


def _real(known: np.ndarray, size: int, dice: np.random.Generator) -> np.ndarray:
    return known[dice.choice(len(known), size, replace=False)]


def _greedy(known: np.ndarray, size: int, dice: np.random.Generator) -> np.ndarray:
    """Of ten random rows of shuffled features the one that reaches most new cells, again and again."""
    from workbench.diagnostics.coverage.measure_cells import bins_of, edges_of

    edges, features, bins = edges_of(known, 8), known.shape[1], 8
    above = np.triu_indices(features, 1)
    reached, kept = np.zeros((len(above[0]), bins, bins), bool), []
    for _ in range(size):
        offered = _shuffled(known, CANDIDATES, dice)
        cells = bins_of(offered, edges)
        new = [int((~reached[np.arange(len(reached)), row[above[0]], row[above[1]]]).sum()) for row in cells]
        best = int(np.argmax(new))
        reached[np.arange(len(reached)), cells[best][above[0]], cells[best][above[1]]] = True
        kept.append(offered[best])
    return np.array(kept)


def _rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])


def _given(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> float:
    """The partial rank correlation of two quantities with a third held fixed."""
    ab, ac, bc = (_rank_correlation(*pair) for pair in ((first, second), (first, third), (second, third)))
    return (ab - ac * bc) / float(np.sqrt((1 - ac**2) * (1 - bc**2)))


KINDS: dict[str, Draw] = {
    "uniform": _uniform,
    "uniform, inner half": partial(_uniform, part=0.5),
    "normal": _normal,
    "normal, a quarter as wide": partial(_normal, spread=0.25),
    "normal, twice as wide": partial(_normal, spread=2.0),
    "normal with correlations": _correlated,
    "shuffled features": _shuffled,
    "greedy coverage": _greedy,
    "real inputs": _real,
}
CORRELATIONS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], float]] = {
    "coverage with agreement": lambda cells, massed, agreed, gap: _rank_correlation(cells, agreed),
    "coverage of cells with mass with agreement": lambda cells, massed, agreed, gap: _rank_correlation(massed, agreed),
    "distance to the set with agreement": lambda cells, massed, agreed, gap: _rank_correlation(gap, agreed),
    "coverage with agreement, given the distance": lambda cells, massed, agreed, gap: _given(cells, agreed, gap),
}
