"""Examples of a board."""

from __future__ import annotations

import math

from tests.examples import HOSTILE
from workbench.diagnostics.board.measure import Board, board
from workbench.records.interval import Interval

ARMS = {
    "labels_only": {
        "score": [82.0, 83.5, 81.0],
        "agreement": [0.81, 0.83, 0.80],
        "ece": [0.061, 0.055, 0.07],
        "divergence": Interval(0.41, 0.36, 0.46, 3, "t"),
        "flatness": [41.0, 55.0, 47.0],
        "energy": Interval(1.2, 0.7, 1.9, 3, "percentile"),
    },
    "kd": {
        "score": [91.5, 92.0, 91.0],
        "agreement": [0.94, 0.95, 0.93],
        "ece": [0.021, 0.03, 0.024],
        "divergence": Interval(0.08, 0.06, 0.10, 3, "t"),
        "flatness": [12.0, 15.0, 11.0],
        "energy": Interval(1.6, 0.9, 2.4, 3, "percentile"),
    },
    "dkd": {"score": [91.0, 93.0, 92.5], "agreement": [0.95, 0.95, 0.95], "flatness": [30.0, 22.0, 27.0]},
}


def results() -> list[Board]:
    return [board(ARMS, scored="accuracy", missing={"dkd: energy": "no ledger"})]


def incomplete() -> list[Board]:
    unknown = Interval(math.nan, math.nan, math.nan, 0, "none")
    return [board({"labels_only": {"score": [80.0]}, "kd": {"score": [81.0], "energy": unknown}}), board({"a": {}})]


def hostile() -> list[Board]:
    return [board({HOSTILE: ARMS["labels_only"], f"{HOSTILE}2": ARMS["kd"]}, scored=HOSTILE)]
