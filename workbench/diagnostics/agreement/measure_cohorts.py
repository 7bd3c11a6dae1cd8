"""Which samples are these? Named groups of a run's test samples, ready to be shown wherever a selection is taken.

How it is measured: by the classes that teacher and student pick, by the label, by how sure the teacher is, and by what
another student makes of them.
Reading it: as a filter; the numbers themselves are in ``agreement``.
When it misleads: a group of a few samples is an anecdote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np

from workbench.diagnostics.agreement.measure import OUTCOMES
from workbench.diagnostics.flips.measure import FLIPS, codes_of
from workbench.diagnostics.outputs import outputs_of, pair_of
from workbench.diagnostics.strata.measure_samples import By, grouped
from workbench.records.run import Run
from workbench.records.selection import Selection

Following = Literal["error taken over", "error not taken over", "right answer followed", "right answer not followed"]


def cell_of(run: Run, teacher_class: int, student_class: int) -> Selection:
    """The samples of one cell of the confusion: the teacher picks one class and the student another (or the same).

    Raises:
        KeyError: the run has no outputs of a teacher.
    """
    teacher, student = (outputs_of(run, party).argmax(1) for party in ("teacher", "student"))
    names = run.facts.get("class_names") or range(max(teacher_class, student_class) + 1)
    words = f"teacher {names[teacher_class]}, student {names[student_class]}"
    return Selection(run.test_ids[(teacher == teacher_class) & (student == student_class)], words)


def outcomes_of(run: Run) -> np.ndarray:
    """(N,) index into ``OUTCOMES``: who is right about each sample.

    Raises:
        KeyError: the run has no outputs of a teacher.
    """
    # the outcomes are the flips with the teacher in the baseline's place
    return codes_of(outputs_of(run, "student"), outputs_of(run, "teacher"), run.test_labels)


def outcome_of(run: Run, outcome: str) -> Selection:
    """The samples of one of ``OUTCOMES``.

    Raises:
        KeyError: the run has no outputs of a teacher.
    """
    return Selection(run.test_ids[outcomes_of(run) == OUTCOMES.index(outcome)], outcome.replace("_", " "))


def clicked_of(run: Run, point: Mapping[str, Any]) -> Selection | None:
    """The samples of a cell or an outcome, as the points of the agreement's figure name them; None for other points.

    Raises:
        KeyError: the run has no outputs of a teacher.
    """
    if "outcome" in point:
        return outcome_of(run, point["outcome"])
    return cell_of(run, point["teacher"], point["student"]) if "teacher" in point else None


def stratum_of(run: Run, by: By, position: int, *, baseline: Run | None = None, bins: int = 10) -> Selection:
    """The samples of one group, as ``strata_of`` makes them.

    Raises:
        KeyError: the run has no outputs of a teacher.
        IndexError: there are fewer groups.
        ValueError: as ``strata_of``.
    """
    pair = pair_of(run)
    reference = pair.teacher if baseline is None else pair_of(run, baseline).teacher
    group, names = grouped(pair, by, reference, bins)
    return Selection(pair.ids[group == position], f"{by} {names[position]}")


def flip_of(run: Run, against: Run | None, flip: str) -> Selection:
    """The samples of one of ``FLIPS`` against another run's student, or against the teacher.

    Raises:
        KeyError: the run has no outputs of a teacher.
        ValueError: the runs were tested on different samples, or there is no such flip.
    """
    pair = pair_of(run, against)
    code = FLIPS.index(flip)
    return Selection(pair.ids[codes_of(pair.student, pair.teacher, pair.labels) == code], flip.replace("_", " "))


def following_of(run: Run, following: Following, other: Run | None = None) -> Selection:
    """The samples whose teacher is wrong or right, and on which the student picks its class or not.

    Args:
        run: whose teacher it is.
        following: which of these.
        other: a run whose student is looked at instead.

    Raises:
        KeyError: the run has no outputs of a teacher.
        ValueError: the runs were tested on different samples, or there is no such group.
    """
    if following not in (groups := get_args(Following)):
        raise ValueError(f"no group {following!r}; there are {', '.join(groups)}")
    pair = pair_of(run)
    student = pair.student if other is None else pair_of(run, other).teacher
    taught = pair.teacher.argmax(axis=1)
    code = 2 * (taught == pair.labels) + (student.argmax(axis=1) != taught)
    return Selection(pair.ids[code == groups.index(following)], following)


def within(selection: Selection, other: Selection) -> Selection:
    """What is in both, in the order and with the name of the first."""
    return Selection(selection.ids[np.isin(selection.ids, other.ids)], selection.name)


def without(selection: Selection, other: Selection) -> Selection:
    """What is in the first only, in its order and with its name."""
    return Selection(selection.ids[~np.isin(selection.ids, other.ids)], selection.name)
