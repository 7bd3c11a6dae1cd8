"""Examples of published gains beside their spread."""

from __future__ import annotations

from tests.examples import HOSTILE
from workbench.diagnostics.reproduction.measure import Reproduction, published_spread, reproduction
from workbench.records.published import Reproduced, Sighting


def results() -> list[Reproduction]:
    return [published_spread()]


def hostile() -> list[Reproduction]:
    seen = Reproduced(HOSTILE, "kd", HOSTILE, (Sighting(74.0, by=HOSTILE), Sighting(73.0, by=HOSTILE)), HOSTILE)
    return [reproduction([seen], {HOSTILE: {"KD": 73.0, "Student": 70.0}}, {HOSTILE: HOSTILE})]
