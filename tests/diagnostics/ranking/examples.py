"""Examples of rankings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.examples import HOSTILE
from workbench.diagnostics.ranking.measure import Ranking, ranking
from workbench.records.published import Sighting

OURS = {"kd": 91.0, "dkd": 92.0, "fitnets": 90.5, "crd": 91.7, "rkd": 90.2, "labels_only": 89.0}
THEIRS = {"kd": 73.33, "dkd": 76.32, "fitnets": 73.5, "crd": 75.51, "rkd": 71.9, "labels_only": 72.5}
SEEN = {"dkd": (Sighting(76.32), Sighting(75.44)), "crd": (Sighting(75.51), Sighting(low=74.9, high=75.6))}


def made(seeds: int = 5, name: str = "crd") -> Ranking:
    noise = np.random.default_rng(0).normal(size=(6, seeds))
    scores = {name if m == "crd" else m: mean + noise[k] for k, (m, mean) in enumerate(OURS.items())}
    theirs = {name if m == "crd" else m: score for m, score in THEIRS.items()}
    seen = {name if m == "crd" else m: each for m, each in SEEN.items()}
    return ranking(scores, theirs, sightings=seen, from_memory=["fitnets"])


def results() -> list[Ranking]:
    return [replace(made(), column="F", title="CIFAR-100", score="accuracy", left_out=("vid",))]


def incomplete() -> list[Ranking]:
    return [made(seeds=1), ranking({"kd": [90.0, 91.0], "dkd": [90.0, 91.0]}, {"kd": 73.0, "dkd": 73.0})]


def hostile() -> list[Ranking]:
    return [replace(made(name=HOSTILE), column=HOSTILE, title=HOSTILE, score=HOSTILE)]
