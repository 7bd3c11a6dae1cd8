"""How often must a teacher's work be shared, or a student asked, before distilling was the cheaper way?

How it is measured: the ledgers of two arms on the same setting and seeds, one trained on labels and one distilled. What
the teacher makes once (its outputs, and the share of its own training that is charged) is set against what each
distilled student saves; what it took to make the student, against what each answer of it saves over the teacher's.

Formula:
    N* = shared / (student plain - student distilled);  T* = extra / (answer of the teacher - answer of the student)
    E(N, V) = preparation + a * pretraining + artefact / N + r * student + evaluation + V * serving
    extra = E(1, 0) of the distilled arm.  Intervals: Fieller's, over seeds. Bands: the price drawn, runs resampled.

Reading it: beyond N* students, or T* answers, distilling is cheaper on average. Where the interval of what is saved
covers 0, no break-even is demonstrated, however large the point estimate; where it lies below 0 there is none.
When it misleads: arms of equal budget take the same number of steps, so a distilled student can hardly save anything; a
break-even by training needs runs that stop by the same rule, each in its own time. Few seeds; short evaluations, from
which the cost of an answer is taken; students of different quality count the same.
After: Lambert & Luccioni et al. 2026 (N*, T*); a, r, V, intervals and the refusal to divide by noise are ours.
Cost: milliseconds once the runs are loaded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.diagnostics.break_even.measure_balance import SHOWN, Balance, balance
from workbench.diagnostics.break_even.measure_curves import curves
from workbench.diagnostics.break_even.measure_parts import Assumptions, Parts, parts_of
from workbench.diagnostics.energy.measure_books import MODELS, Books, books_of
from workbench.diagnostics.study_runs import arm_of
from workbench.energy.carbon import carbon_g
from workbench.records.arguments import checked_arguments
from workbench.records.interval import Interval, bounds, compared
from workbench.records.result import Result
from workbench.records.study import Study
from workbench.records.wording import number

PROVENANCE = {
    "paper": "End-to-End Energy Accounting of Distillation Pipelines, ICML 2026, arXiv:2605.13981",
    "fidelity": "corrected",
    "ours": "intervals, verdicts, allocation, number of runs and served volume; N* and T* are the paper's",
}


@dataclass(frozen=True)
class BreakEven(Result):
    """When distilling pays; energies in joules, per student or per sample.

    Attributes:
        plain: name of the arm on labels.
        distilled: name of the distilled arm.
        shared: what the teacher does once for all students.
        saved: what each distilled student saves.
        students: N*; without bounds where no break-even is demonstrated, infinite where nothing is saved.
        students_verdict: ``demonstrated``, or why not.
        extra: what it takes to make one distilled student.
        saved_per_sample: what each of its answers saves over the teacher's.
        samples: T*, likewise.
        samples_verdict: likewise.
        pipelines: the parts of E(N, V) of each arm, and of the teacher that is asked itself, as plain numbers.
        reuse: (G,) numbers of students, the grid of the curves.
        reuse_j: (2, 3, G) joules per student of both arms: low, central, high.
        served: (G,) samples served by one student.
        served_j: (3, 3, G) joules of plain student, distilled student and teacher: low, central, high.
        cheapest: (G, G) the way that takes least by the central values, rows by ``served`` and columns by ``reuse``: 0
            plain, 1 distilled, 2 the teacher; asking it takes nothing until it is asked. NaN where one is not known.
        at: reuse and volume that were asked for, and the joules of each way there; carbon where a grid was given.
        by_model: N*, T* and the cheaper arm by every model, to see whether the price decides.
        allocation: share of the teacher's training charged to one student's share of the teacher's work.
        runs: trainings per student.
        failed: runs of the two arms that failed; each counts as one more training spread over the others.
        price: how joules were found.
        grid: the electricity in words, empty where none was given.
        n: seeds that both arms have.
        seed: of the bands.
        warnings: what weakens the numbers.
        provenance: the paper, and what is ours.
        books: the ledgers of the two arms, from which the same can be asked with other assumptions.
    """

    plain: str
    distilled: str
    shared: Interval
    saved: Interval
    students: Interval
    students_verdict: str
    extra: Interval
    saved_per_sample: Interval
    samples: Interval
    samples_verdict: str
    pipelines: dict[str, dict[str, float]]
    reuse: np.ndarray
    reuse_j: np.ndarray
    served: np.ndarray
    served_j: np.ndarray
    cheapest: np.ndarray
    at: dict[str, Any]
    by_model: dict[str, dict[str, Any]]
    allocation: float
    runs: float
    failed: int
    price: str
    grid: str
    n: int
    seed: int
    warnings: tuple[str, ...]
    provenance: dict[str, str]
    books: dict[str, Any]

    def explain(self) -> str:
        """What it says, in one paragraph."""
        students = _told("By sharing", "students", self.students, self.students_verdict)
        samples = _told("By answering", "samples", self.samples, self.samples_verdict)
        return (
            f"The teacher's shared work costs {number(self.shared.mean)} J once. A student by {self.distilled} takes "
            f"{compared(self.saved.mirrored(), 'J', 'more', 'less', equal='as much energy')} than one by {self.plain}. {students} "
            f"Making one takes {number(self.extra.mean)} J; energy per answer, teacher minus student: "
            f"{number(self.saved_per_sample.mean)} J ({bounds(self.saved_per_sample)}). {samples} Energy by {self.price}."
        )


@checked_arguments
def break_even(
    books: Books,
    *,
    plain: str | None = None,
    distilled: str | None = None,
    reuse: float = 1.0,
    served: float = 0.0,
    assuming: Assumptions | None = None,
) -> BreakEven:
    """Weigh two arms from their ledgers.

    Args:
        books: by arm, what ``book_of`` made of its runs.
        plain: the arm on labels; the first that reads no teacher if None.
        distilled: the other; the first that reads one if None.
        reuse: N at which both are compared.
        served: V, likewise.
        assuming: prices, allocation and the like.

    Raises:
        KeyError: no such arm, or no such preset.
        ValueError: there is no pair of arms, they share no seed, or what the teacher did for them is not known.
    """
    assuming = assuming or Assumptions()
    plain, distilled = _pair(books, plain, distilled)
    parts = parts_of(books, plain, distilled, assuming)
    sharing, serving = _balances(parts, reuse)
    drawn = curves(parts, reuse, served, sharing.times.mean, serving.times.mean)
    return BreakEven(
        plain=plain,
        distilled=distilled,
        shared=sharing.once,
        saved=sharing.saved,
        students=sharing.times,
        students_verdict=sharing.verdict,
        extra=serving.once,
        saved_per_sample=serving.saved,
        samples=serving.times,
        samples_verdict=serving.verdict,
        pipelines=drawn.pipelines,
        reuse=drawn.reuse,
        reuse_j=drawn.reuse_j,
        served=drawn.served,
        served_j=drawn.served_j,
        cheapest=drawn.cheapest,
        at=drawn.at | {"carbon_g": {name: carbon_g(j, assuming.grid) for name, j in drawn.at["energy_j"].items()}},
        by_model={name: _by(books, plain, distilled, assuming.priced_by(name), reuse) for name in MODELS},
        allocation=assuming.allocation,
        runs=parts.runs,
        failed=assuming.failed,
        price=parts.price,
        grid="" if assuming.grid is None else str(assuming.grid),
        n=parts.n,
        seed=assuming.seed,
        warnings=parts.warnings,
        provenance=dict(PROVENANCE),
        books={name: [dict(book) for book in books[name]] for name in (plain, distilled)},
    )


@checked_arguments
def break_even_of(study: Study, arm: str | None = None, control: str | None = None, **options: Any) -> BreakEven:
    """Weigh an arm of a study against its control.

    Args:
        study: that knows its store.
        arm: the distilled one; the first method if None.
        control: the other; the study's if None.
        **options: of ``break_even``; failed runs are counted from the study unless ``assuming`` says otherwise.

    Raises:
        KeyError: no such arm.
        ValueError: as ``break_even``, or the study knows no store.
    """
    distilled, plain = arm_of(study, arm), control or study.control
    failed = sum(where.partition(",")[0] in (distilled, plain) for where in study.failures)
    options.setdefault("assuming", Assumptions(failed=failed))
    return break_even(books_of(study, [plain, distilled]), plain=plain, distilled=distilled, **options)


def _pair(books: Books, plain: str | None, distilled: str | None) -> tuple[str, str]:
    reads = {name: bool(some) and bool(some[0]["reads_teacher"]) for name, some in books.items()}
    plain = plain or next((name for name, taught in reads.items() if not taught), None)
    distilled = distilled or next((name for name, taught in reads.items() if taught), None)
    if plain is None or distilled is None:
        raise ValueError(
            f"a break-even needs an arm on labels and one that reads a teacher; there are {', '.join(books)}"
        )
    for name in (plain, distilled):
        if name not in books:
            raise KeyError(f"no arm {name!r}; there are {', '.join(books)}")
    return plain, distilled


def _balances(parts: Parts, reuse: float) -> tuple[Balance, Balance]:
    plain, distilled, teacher = (parts.central[name] for name in ("plain", "distilled", "teacher"))
    sharing = balance(distilled["artefact"], plain["each"], distilled["each"])
    made = distilled["each"] + distilled["artefact"] / reuse
    return sharing, balance(made, teacher["serving"], distilled["serving"])


def _by(books: Books, plain: str, distilled: str, assuming: Assumptions, reuse: float) -> dict[str, Any]:
    parts = parts_of(books, plain, distilled, assuming)
    sharing, serving = _balances(parts, reuse)
    one_off = {
        name: float((parts.central[key]["each"] + parts.central[key]["artefact"]).mean())
        for name, key in ((plain, "plain"), (distilled, "distilled"))
    }
    return {
        "students": sharing.times.mean,
        "students_verdict": sharing.verdict,
        "samples": serving.times.mean,
        "samples_verdict": serving.verdict,
        "one_off_j": one_off,
        "cheaper": min(one_off, key=one_off.__getitem__),
    }


def _told(how: str, what: str, times: Interval, verdict: str) -> str:
    """From how many on it pays, or why no number is given."""
    if verdict != SHOWN:
        point = f" (point estimate: {number(times.mean)} {what})" if math.isfinite(times.mean) else ""
        return f"{how}: {verdict}{point}."
    return f"{how} it pays from {number(times.mean)} {what} on ({bounds(times)})."
