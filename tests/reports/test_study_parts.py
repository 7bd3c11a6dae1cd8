"""The table of a study's page: every difference stands in the row it is about, or says whose it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests import examples
from workbench.maths.verdict import compare_all
from workbench.records.study import Study
from workbench.reports.study_parts import scores


def _with_permuted_control() -> Study:
    study = examples.study(arms=2)
    reached = np.array([outcome.last for outcome in study.arms["method_1"].outcomes])
    shuffled = replace(study.arms["method_1"], name="method_1 permuted", role="permuted_targets", of=("method_1",))
    lower = reached - 79.67 + 0.1 * np.arange(len(reached))
    further = {"method_1": {"method_1 permuted": compare_all({"method_1": reached}, lower)["method_1"]}}
    return replace(study, arms={**study.arms, shuffled.name: shuffled}, further=further)


def test_the_row_of_a_permuted_control_says_whose_difference_it_shows() -> None:
    page = str(scores(_with_permuted_control()))
    row = page[page.index("method_1 permuted</th>") :]
    row = row[: row.index("</tr>")]
    assert "(method_1 minus this arm)" in row
    assert "<td>better</td>" not in row
    assert "method_1: better" in row
