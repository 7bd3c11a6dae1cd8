"""The runs behind a study, one after another, so that only what is asked of each is kept."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.records.run import Run
from workbench.records.study import Study


def runs_of(study: Study, arm: str) -> Iterator[tuple[int, Run]]:
    """Seed and run of every finished seed of an arm, all tested on the same samples.

    Raises:
        KeyError: no such arm.
        ValueError: the study knows no store, or a run was tested on other samples than the first.
    """
    if arm not in study.arms:
        raise KeyError(f"no arm {arm!r}; there are {', '.join(study.arms)}")
    ids = None
    for outcome in study.arms[arm].outcomes:
        run = study.run(arm, outcome.seed)
        if ids is not None and not np.array_equal(ids, run.test_ids):
            raise ValueError(f"run {run.id} was tested on other samples than the other seeds of {arm!r}")
        ids = run.test_ids
        yield outcome.seed, run


def arm_of(study: Study, arm: str | None = None) -> str:
    """The arm asked for, or the first method.

    Raises:
        KeyError: no such arm, or the study has no method.
    """
    methods = [name for name, each in study.arms.items() if each.role == "method"]
    if arm is None and methods:
        return methods[0]
    if arm not in study.arms:
        raise KeyError(f"no arm {arm!r}; there are {', '.join(study.arms)}")
    return arm
