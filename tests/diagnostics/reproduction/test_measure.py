"""Published gains beside their spread, on numbers that can be checked by hand and on those that ship."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.data.reference import table_of
from workbench.diagnostics.reproduction.measure import published_spread, reproduction
from workbench.records.published import Reproduced, Sighting

SCORES = {"X": {"KD": 70.0, "Student": 68.0, "Teacher": 80.0, "DKD": 72.0, "CRD": 71.2, "RKD": 69.0}}


def row(method: str, *sightings: Sighting, note: str = "") -> Reproduced:
    return Reproduced(method, "dkd", "X", sightings, note)


def test_gain_spread_and_neighbours_by_hand() -> None:
    seen = (Sighting(72.0, by="paper"), Sighting(71.5, spread=0.3, by="a user"), Sighting(low=71.4, high=72.4))
    found = reproduction([row("DKD", *seen)], SCORES)
    assert (found.lowest[0], found.highest[0]) == (pytest.approx(71.2), 72.4)
    assert (found.gains[0], found.spreads[0]) == (2.0, pytest.approx(1.2))
    assert (found.soft_targets[0], found.students[0]) == (70.0, 68.0)
    assert bool(found.survives[0])
    assert (found.neighbours[0], found.others[0]) == (
        1,
        3,
    )  # CRD of KD, CRD and RKD; teacher and student are no methods
    np.testing.assert_allclose(found.sightings, [72.0, 71.5, 71.9])
    assert found.by == ("paper", "a user", "")


def test_the_gain_of_plain_soft_targets_is_over_the_student() -> None:
    found = reproduction([row("KD", Sighting(70.0), Sighting(67.9))], SCORES)
    assert (found.gains[0], bool(found.survives[0])) == (2.0, False)
    assert found.neighbours[0] == 1


def test_it_says_how_little_is_known() -> None:
    two, three = (Sighting(72.0), Sighting(71.0)), (Sighting(72.0), Sighting(71.0), Sighting(73.0))
    found = reproduction([row("DKD", *two, note="other teachers"), row("CRD", *three)], SCORES)
    assert found.warnings == ("1 of 2 rows rest on two sightings", "DKD in column X: other teachers")
    assert reproduction([row("CRD", *three)], SCORES).warnings == ()


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        ([], "nothing was seen twice"),
        ([row("DKD", Sighting(72.0))], "DKD in column X: needs a published number and one more sighting"),
        ([row("DKD", Sighting(low=70.0, high=71.0), Sighting(72.0))], "needs a published number"),
    ],
)
def test_what_cannot_be_compared(seen, message) -> None:
    with pytest.raises(ValueError, match=message):
        reproduction(seen, SCORES)


def test_a_column_without_a_baseline() -> None:
    with pytest.raises(ValueError, match="column 'X' has no score of Student"):
        reproduction([row("DKD", Sighting(72.0), Sighting(71.0))], {"X": {"KD": 70.0}})


def test_what_ships() -> None:
    found = published_spread()
    assert found.n == 11
    place = found.methods.index("DKD")
    column = [
        cell.value for name, cell in table_of("F").column("F").items() if name not in ("DKD", "Teacher", "Student")
    ]
    assert found.neighbours[place] == sum(75.44 <= value <= 76.5 for value in column)
    assert found.gains[place] == pytest.approx(76.32 - 73.33)
    assert found.pairs[place] == "ResNet32x4 \u2192 ResNet8x4"
    assert len(found.causes) == 4
    assert f"Of {found.n} published rows" in found.explain()
