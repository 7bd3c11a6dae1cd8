"""Working out the id of a run: the digests of all code and state that its numbers depend on."""

from __future__ import annotations

import statistics

from workbench.benchmarks.measurement import Measurement, Size, repeated
from workbench.engine.conditions import Conditions
from workbench.engine.distill import Distillation
from workbench.methods.logits.kd import KD
from workbench.settings.digits import Digits


def identified(size: Size) -> list[Measurement]:
    """The id of a run of ``kd`` on digits: setting, teacher, method and budget, with the data hashed already."""
    setting, method = Digits(), KD()

    def identify() -> None:
        Distillation(setting, method, setting.budget, 0, Conditions())

    identify()
    seconds = repeated(identify, 5 * size.repeats)
    how = f"median of {5 * size.repeats} after one not counted; factories called, data hashed already"
    return [
        Measurement("identity of a run", statistics.median(seconds), "s", 0.005, how, {"largest (s)": max(seconds)})
    ]
