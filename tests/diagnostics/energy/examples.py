"""Examples of the energy of runs."""

from __future__ import annotations

from tests.diagnostics.energy.ledgers import book, measured, pair
from tests.examples import HOSTILE
from workbench.diagnostics.energy.measure import Energy, energy
from workbench.energy.baseline import Baseline
from workbench.energy.carbon import Grid
from workbench.energy.component import Component


def results() -> list[Energy]:
    package = Component("cpu 0", 300.0, 290.0, 310.0, "rapl", "socket", "measured")
    trace = {"part": "cpu 0", "method": "rapl", "seconds": [0.0, 2.0, 6.6], "joules": [0.0, 90.0, 310.0]}
    sensed = {"kd": [measured(book(4.0, 3.0, 20.0, sensed=[trace]), "student", package)]}
    return [
        energy(sensed, baseline=Baseline({"cpu 0": 20.0}, 20.0)),
        energy(pair(), allocation=0.1, grid=Grid(400.0, "the operator", 2024, "here")),
    ]


def incomplete() -> list[Energy]:
    forgotten = book(4.0, 3.0, score={}, timeline=[])
    forgotten["shared"]["teacher_outputs"]["o"] = {"paid": "earlier", "cost": None}
    nothing = book(0.0) | {"stages": [], "serving": {}, "timeline": []}
    return [energy({"kd": [forgotten]}), energy({"kd": [nothing]}), energy({"a": [forgotten], "b": [nothing]})]


def hostile() -> list[Energy]:
    bad = pair()
    machine = {"cores": 2, "preset": "server", "lacking": {"rapl": HOSTILE}}
    trace = {"part": HOSTILE, "method": HOSTILE, "seconds": [0.0, 6.6], "joules": [0.0, 90.0]}
    return [
        energy(
            {
                HOSTILE: [each | {"machine": machine, "sensed": [trace]} for each in bad["kd"]],
                "labels_only": bad["labels_only"],
            }
        )
    ]
