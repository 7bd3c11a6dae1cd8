"""What a break-even is made of: the energies of both ways, one number per seed, and drawn with their ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.diagnostics.energy.measure_books import (
    BLINK_S,
    Book,
    Books,
    Pricing,
    costs_of,
    joules,
    mixed,
    pricing_of,
    serving_cost,
    shared_cost,
)
from workbench.energy.carbon import Grid
from workbench.energy.component import Component
from workbench.energy.luck import Luck
from workbench.energy.presets import Preset

DRAWS = 400
TERMS = ("preparation", "evaluation", "student", "artefact", "pretraining", "serving")
PAID = {
    "earlier": "a cache that did not note the cost; delete it to have it made and measured again",
    "given": "outside, and nobody told its cost",
}
Sheet = Mapping[str, Sequence[tuple[Component, ...]]]


@dataclass(frozen=True)
class Assumptions:
    """What no ledger can tell.

    Attributes:
        preset: watts of a processor core; what fits the machine if None.
        method: by which the energy is told, ``best`` or one by name.
        allocation: a: share of the teacher's own training that every student is charged; 0 takes the teacher as given.
        runs: r: trainings it takes to get one student, with seeds and sweeps.
        failed: trainings that failed besides, in both arms together; spread evenly over those that did not.
        grid: the electricity; without one there is no carbon.
        seed: of the draws.
    """

    preset: str | Preset | None = None
    method: str = "best"
    allocation: float = 0.0
    runs: float = 1.0
    failed: int = 0
    grid: Grid | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses what cannot be.

        Raises:
            ValueError: an allocation outside [0, 1], fewer than one run, or fewer than no failures.
        """
        if not 0 <= self.allocation <= 1:
            raise ValueError(f"allocation = {self.allocation:g} must lie in [0, 1]: it is a share of the teacher")
        if self.runs < 1 or self.failed < 0:
            raise ValueError(f"{self.runs:g} runs and {self.failed} failed: one run at least, and no fewer than 0")

    def priced_by(self, method: str) -> Assumptions:
        """The same at another price."""
        return replace(self, method=method)


@dataclass(frozen=True)
class Parts:
    """Energies of the ways ``plain`` and ``distilled``, and of asking the ``teacher``.

    Attributes:
        central: by way and term, (n,) joules, one per seed; ``each`` is what every student costs.
        drawn: the same as (draws,) means over resampled seeds at drawn prices.
        names: of the ways.
        n: seeds that both have.
        runs: trainings per student, failures included.
        price: how joules were found.
        warnings: what weakens them.
    """

    central: dict[str, dict[str, np.ndarray]]
    drawn: dict[str, dict[str, np.ndarray]]
    names: dict[str, str]
    n: int
    runs: float
    price: str
    warnings: tuple[str, ...]


def parts_of(books: Books, plain: str, distilled: str, assuming: Assumptions) -> Parts:
    """Both arms at the seeds they share.

    Raises:
        ValueError: they share no seed, or what the teacher did is not known.
        KeyError: no such preset.
    """
    pricing = pricing_of(books, assuming.preset, assuming.method)
    paired = {"plain": books[plain], "distilled": books[distilled]}
    shared = sorted({b["seed"] for b in paired["plain"]} & {b["seed"] for b in paired["distilled"]})
    if not shared:
        raise ValueError(f"{plain!r} and {distilled!r} have no seed in common, so they cannot be paired")
    ordered = {way: [_at(some, seed) for seed in shared] for way, some in paired.items()}
    sheets = {way: _sheet(some, pricing, assuming.allocation) for way, some in ordered.items()}
    sheets["teacher"] = {"serving": [_serving(book, "teacher", pricing) for book in ordered["distilled"]]}
    done = sum(map(len, paired.values()))
    runs = assuming.runs * (done + assuming.failed) / done
    luck, luck_of_seeds = Luck(DRAWS, assuming.seed), np.random.default_rng(assuming.seed)
    drawn_seeds = luck_of_seeds.integers(0, len(shared), (DRAWS, len(shared)))
    central = {
        way: {term: np.array([joules(each) for each in column]) for term, column in sheet.items()}
        for way, sheet in sheets.items()
    }
    drawn = {
        way: {term: _resampled(column, luck, drawn_seeds) for term, column in sheet.items()}
        for way, sheet in sheets.items()
    }
    for each in (central, drawn):
        for way in ("plain", "distilled"):
            each[way] = _nothing_for_missing(each[way])
            each[way]["each"] = _each(each[way], assuming.allocation, runs)
    names = {"plain": plain, "distilled": distilled, "teacher": "teacher"}
    how = "the best method for each part" if pricing.method == "best" else pricing.method
    price = how if how == "flops_model" else f"{how} ({pricing.watts.name} cores)"
    return Parts(central, drawn, names, len(shared), runs, price, _warnings(ordered, sheets, central, assuming))


def _at(books: Sequence[Book], seed: int) -> Book:
    return next(book for book in books if book["seed"] == seed)


def _sheet(books: Sequence[Book], pricing: Pricing, allocation: float) -> Sheet:
    """The components behind each term, book by book."""
    made: dict[str, list[tuple[Component, ...]]] = {term: [] for term in TERMS}
    for book in books:
        rows = {row.stage: row for row in costs_of(book)}
        for term in ("preparation", "evaluation"):
            made[term].append(pricing.components(rows[term]) if term in rows else ())
        learnt = [rows[stage] for stage in ("student", "assistant_training") if stage in rows]
        made["student"].append(tuple(each for row in learnt for each in pricing.components(row)))
        made["artefact"].append(_shared(book, "teacher_outputs", pricing, needed=True))
        made["pretraining"].append(_shared(book, "teacher", pricing, needed=allocation > 0))
        made["serving"].append(_serving(book, "student", pricing))
    return made


def _shared(book: Book, what: str, pricing: Pricing, *, needed: bool) -> tuple[Component, ...]:
    cost, paid = shared_cost(book, what)
    if cost is None and needed:
        words = "its outputs" if what == "teacher_outputs" else "its training, of which a share is charged,"
        raise ValueError(f"what the teacher did is not known: {words} came from {PAID[paid]}")
    return () if cost is None else pricing.components(cost)


def _serving(book: Book, party: str, pricing: Pricing) -> tuple[Component, ...]:
    cost = serving_cost(book, party)
    return () if cost is None else pricing.components(cost)


def _resampled(column: Sequence[tuple[Component, ...]], luck: Luck, seeds: np.ndarray) -> np.ndarray:
    drawn = np.stack([luck.joules(each) if each else np.full(luck.draws, math.nan) for each in column], axis=1)
    return np.take_along_axis(drawn, seeds, axis=1).mean(axis=1)


def _nothing_for_missing(terms: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A stage that a run did not have costs nothing; what serving costs stays unknown."""
    return {term: values if term == "serving" else np.nan_to_num(values) for term, values in terms.items()}


def _each(terms: Mapping[str, np.ndarray], allocation: float, runs: float) -> np.ndarray:
    fixed = terms["preparation"] + terms["evaluation"] + allocation * terms["pretraining"]
    return fixed + runs * terms["student"]


def _warnings(
    ordered: Mapping[str, Sequence[Book]],
    sheets: Mapping[str, Sheet],
    central: Mapping[str, Mapping[str, np.ndarray]],
    assuming: Assumptions,
) -> tuple[str, ...]:
    every = [each for sheet in sheets.values() for column in sheet.values() for some in column for each in some]
    found = []
    if every and not any(each.status == "measured" for each in every):
        found.append("everything is estimated: there is no sensor that this process may read")
    steps = {
        way: {row.steps for book in some for row in costs_of(book) if row.stage == "student"}
        for way, some in ordered.items()
    }
    if len(steps["plain"]) == 1 and steps["plain"] == steps["distilled"]:
        found.append("both arms took the same number of steps: a distilled student can hardly save any training")
    served = [serving_cost(book, party) for book in ordered["distilled"] for party in ("student", "teacher")]
    if any(cost is not None and cost.cpu_s * 1000 < BLINK_S for cost in served) and assuming.method != "flops_model":
        found.append("answers were timed over a short evaluation: see what the operations say")
    if np.isnan(central["teacher"]["serving"]).any() or np.isnan(central["distilled"]["serving"]).any():
        found.append("what an answer costs is not known for all runs")
    return tuple(filter(None, (*found, mixed(every))))
