"""Is the gain bigger than the noise? Published gains beside what came out when the same row was run again.

How it is measured: for every method and pair of which more than one number is known, all of them are put beside the
table's plain soft targets and its student without a teacher. The spread is the distance from the lowest to the highest
that was seen, a plus-minus and a range counted with both ends.

Formula:
    gain = published - KD of the same column (- student, for KD itself);  spread = highest - lowest sighting
    neighbours = other methods of the column whose published score lies between the lowest and the highest sighting
    every point is drawn as its distance from KD of the column, so that columns can stand below each other
Reading it: a gain inside its spread would not have been found by somebody else's run. ``survives`` asks a weaker
question: whether the lowest sighting is still above plain KD (the student, for KD). ``neighbours`` asks the one that
matters for a ranking: from how many methods of the table could this one not be told apart?
When it misleads: sightings are few, chosen by who wrote about them, and differ in more than luck: teachers, epochs,
number of devices, best or last epoch. They bound the noise from below; they are no sample of it.
After: tables and threads named beside each number in ``data/reference``; the comparison is ours. Cost: none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.data.reference import causes, reproductions, table_of
from workbench.records.arguments import checked_arguments
from workbench.records.published import Reproduced
from workbench.records.result import Result
from workbench.records.wording import between

BASELINES = ("KD", "Student")
PROVENANCE = {
    "paper": "tables and threads named in data/reference/reproduction_spread.json",
    "fidelity": "proposed",
    "ours": "the comparison of gain and spread",
}


@dataclass(frozen=True)
class Reproduction(Result):
    """N methods on their pairs; scores are in points of accuracy.

    Attributes:
        methods: N names of the tables.
        columns: N columns.
        pairs: N teachers and students.
        published: (N,) the first number.
        lowest, highest: (N,) of all sightings.
        soft_targets: (N,) plain KD in the same column.
        students: (N,) the student without a teacher.
        gains: (N,) published minus KD; for KD minus the student.
        spreads: (N,) highest minus lowest.
        survives: (N,) whether the lowest sighting is still a gain.
        neighbours: (N,) other methods of the column within the spread.
        others: (N,) other methods of the column; teacher and student are none.
        sightings: (K,) every single number, middles of ranges among them.
        sighting_rows: (K,) which of the N each belongs to.
        by: K who reported it.
        n: N.
        causes: what those who ran a method again blame.
        warnings: what weakens the comparison.
        provenance: where it is from.
    """

    methods: tuple[str, ...]
    columns: tuple[str, ...]
    pairs: tuple[str, ...]
    published: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    soft_targets: np.ndarray
    students: np.ndarray
    gains: np.ndarray
    spreads: np.ndarray
    survives: np.ndarray
    neighbours: np.ndarray
    others: np.ndarray
    sightings: np.ndarray
    sighting_rows: np.ndarray
    by: tuple[str, ...]
    n: int
    causes: tuple[str, ...]
    warnings: tuple[str, ...]
    provenance: dict[str, str]

    def explain(self) -> str:
        """What the numbers say, in one paragraph."""
        larger, most = int((self.gains > self.spreads).sum()), int(np.argmax(self.neighbours))
        return (
            f"Of {self.n} published rows with a second sighting, the gain over plain KD is larger than the spread of the "
            f"sightings in {larger}, and in {int(self.survives.sum())} even the lowest sighting is a gain. Spreads: "
            f"{between(self.spreads.min(), self.spreads.max())} points; gains: {between(self.gains.min(), self.gains.max())} "
            f"points. Within the spread of {self.methods[most]} in column {self.columns[most]} lie "
            f"{self.neighbours[most]} of the {self.others[most]} other methods of the table: their order is not known."
        )


@checked_arguments
def reproduction(
    seen: Sequence[Reproduced], scores: Mapping[str, Mapping[str, float]], pairs: Mapping[str, str] | None = None
) -> Reproduction:
    """Compare gains with spreads.

    Args:
        seen: methods with what was seen of them, the published number first.
        scores: by column and method, all published scores, those of ``KD`` and ``Student`` among them.
        pairs: by column, its teacher and student in words.

    Raises:
        ValueError: nothing was seen, a method has a single sighting or starts with a range, or a column lacks a baseline.
    """
    _check(seen, scores)
    published = np.array([row.sightings[0].value for row in seen])
    lowest, highest = np.array([row.ends for row in seen]).T
    soft, students = (np.array([scores[row.column][name] for row in seen]) for name in BASELINES)
    base = np.where([row.method == "KD" for row in seen], students, soft)
    every = [(place, sighting) for place, row in enumerate(seen) for sighting in row.sightings]
    others = [_others(row, scores[row.column]) for row in seen]
    between = zip(lowest, others, highest, strict=True)
    return Reproduction(
        methods=tuple(row.method for row in seen),
        columns=tuple(row.column for row in seen),
        pairs=tuple((pairs or {}).get(row.column, "") for row in seen),
        published=published,
        lowest=lowest,
        highest=highest,
        soft_targets=soft,
        students=students,
        gains=published - base,
        spreads=highest - lowest,
        survives=lowest > base,
        neighbours=np.array([((low <= values) & (values <= high)).sum() for low, values, high in between]),
        others=np.array([len(values) for values in others]),
        sightings=np.array([sum(sighting.ends) / 2 for _, sighting in every]),
        sighting_rows=np.array([place for place, _ in every]),
        by=tuple(sighting.by for _, sighting in every),
        n=len(seen),
        causes=(),
        warnings=_warnings(seen),
        provenance=dict(PROVENANCE),
    )


def published_spread() -> Reproduction:
    """The comparison for everything that ships in ``data/reference/reproduction_spread.json``."""
    tables = {row.column: table_of(row.column) for row in reproductions()}
    columns = {key: table.column(key) for key, table in tables.items()}
    scores = {key: {m: c.value for m, c in cells.items() if c.value == c.value} for key, cells in columns.items()}
    pairs = {key: f"{t.columns[key].teacher} \u2192 {t.columns[key].student}" for key, t in tables.items()}
    return replace(reproduction(reproductions(), scores, pairs), causes=causes())


def _check(seen: Sequence[Reproduced], scores: Mapping[str, Mapping[str, float]]) -> None:
    if not seen:
        raise ValueError("nothing was seen twice; give rows with two sightings or more")
    for row in seen:
        if len(row.sightings) < 2 or np.isnan(row.sightings[0].value):
            raise ValueError(f"{row.method} in column {row.column}: needs a published number and one more sighting")
        if lacking := [name for name in BASELINES if name not in scores.get(row.column, {})]:
            raise ValueError(f"column {row.column!r} has no score of {' or '.join(lacking)} to measure gains from")


def _others(row: Reproduced, scores: Mapping[str, float]) -> np.ndarray:
    return np.array([value for name, value in scores.items() if name not in (row.method, "Teacher", "Student")])


def _warnings(seen: Sequence[Reproduced]) -> tuple[str, ...]:
    few = sum(len(row.sightings) == 2 for row in seen)
    found = [f"{few} of {len(seen)} rows rest on two sightings"] if few else []
    return (*found, *(f"{row.method} in column {row.column}: {row.note}" for row in seen if row.note))
