"""A worker process that is killed costs a study its own cell and no other."""

from __future__ import annotations

import os
import signal

import pytest

from tests.engine.study.conftest import BUDGET
from workbench import methods
from workbench.engine.study.study import KILLED, study
from workbench.methods.logits.kd import KD
from workbench.settings.setting import Setting

pytestmark = pytest.mark.slow


class Deadly(KD):
    """Kills its process, as the system does when memory runs out; in a worker only, never in the one it was made in."""

    name = "deadly"

    def __init__(self, parent: int) -> None:
        super().__init__()
        self.parent = parent

    def forward(self, student, teacher, batch):
        if self.parent != os.getpid():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(student, teacher, batch)


@pytest.mark.filterwarnings("ignore::UserWarning")  # joblib's own about the worker that stopped
def test_a_killed_worker_is_listed_and_the_others_go_on(setting: Setting, store) -> None:
    given = [methods.KD(), Deadly(os.getpid())]
    found = study(setting, given, 2, quick=True, budget=BUDGET, store=store, jobs=2)
    assert found.failures == {f"deadly, seed {seed}": KILLED for seed in (0, 1)}
    assert {name: len(arm.outcomes) for name, arm in found.arms.items()} == {"labels_only": 2, "kd": 2, "deadly": 0}
    assert len(store.runs()) == 4
