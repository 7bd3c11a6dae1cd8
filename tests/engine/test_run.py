"""One distillation to its run."""

from __future__ import annotations

import pytest

from workbench.engine import distill, identity
from workbench.engine import run as running
from workbench.engine.store import Store
from workbench.records.budget import Budget
from workbench.settings.two_moons import TwoMoons


def test_the_identity_of_a_run_is_worked_out_once(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = []

    def known(setting, seeds) -> dict:
        times.append(1)
        return identity.known(setting, seeds)

    for module in (distill, running):
        monkeypatch.setattr(module, "known", known)
    setting, budget, store = TwoMoons(), Budget(epochs=1, batch_size=32), Store(folder=tmp_path)
    found = running.run(setting, "labels_only", budget, store=store)
    assert len(times) == 1
    assert running.run(setting, "labels_only", budget, store=store).id == found.id
    assert len(times) == 2
