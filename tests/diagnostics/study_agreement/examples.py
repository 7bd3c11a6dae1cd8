"""Examples of the agreement over a study, and the study itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.examples import HOSTILE, outputs, run, study
from workbench.diagnostics.study_agreement.measure import StudyAgreement, study_agreement_of
from workbench.records.run import Run
from workbench.records.study import Study

SHARES = {"labels_only": 0.0, "method_1": 0.7, "method_2": 0.3}


def stored(seeds: int = 3, samples: int = 120) -> Study:
    """A study whose runs can be loaded; the students of each arm follow the teacher's noise in part."""
    found = study(seeds=seeds)
    runs, arms = {}, {}
    for name, arm in found.arms.items():
        outcomes = tuple(replace(each, run=f"{name}-{each.seed}") for each in arm.outcomes)
        arms[name] = replace(arm, outcomes=outcomes)
        runs |= {each.run: _run(each.run, SHARES[name], each.seed, samples) for each in outcomes}
    return replace(found, arms=arms).with_runs(runs.__getitem__)


def _run(name: str, follows: float, seed: int, samples: int) -> Run:
    _, teacher, labels = outputs(classes=4, samples=samples)
    other = 3.0 * np.eye(4)[labels] + 2 * np.random.default_rng(seed).normal(size=teacher.shape)
    student = follows * teacher + (1 - follows) * other
    return run(
        classes=4,
        id=name,
        predictions={"student": student, "teacher": teacher},
        test_labels=labels,
        test_ids=1000 + np.arange(samples),
    )


def results() -> list[StudyAgreement]:
    return [study_agreement_of(stored())]


def incomplete() -> list[StudyAgreement]:
    """One seed: no test."""
    return [study_agreement_of(stored(seeds=1))]


def hostile() -> list[StudyAgreement]:
    found = stored()
    arms = {HOSTILE if name == "method_1" else name: arm for name, arm in found.arms.items()}
    return [study_agreement_of(replace(found, arms=arms))]
