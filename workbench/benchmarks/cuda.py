"""What needs a CUDA device, and has not been measured where there is none."""

from __future__ import annotations

import torch

from workbench.benchmarks.measurement import Measurement, Size
from workbench.engine.conditions import Conditions
from workbench.engine.distill import collect, distill
from workbench.methods.logits.kd import KD
from workbench.records.budget import Budget
from workbench.settings.digits import Digits

NEEDS_CUDA = (
    "training and evaluation on CUDA",
    "bfloat16 autocast, which is the default there",
    "bit-identical reruns in deterministic mode",
    "random streams and checkpoints of a CUDA run",
    "fused optimisers on CUDA",
    "step times of the engine against a bare loop on CUDA",
)


def cuda(size: Size) -> list[Measurement]:
    """Whether two runs of the same seed end at the same outputs; without a device, the list of what is open."""
    how = "largest difference of the student's test outputs between two runs of kd on digits with one seed"
    if not torch.cuda.is_available():
        return [Measurement("cuda", None, "", None, f"no CUDA device here: {how}", {"never run": list(NEEDS_CUDA)})]
    first, second = (_outputs(size) for _ in range(2))
    device = {"device": torch.cuda.get_device_name()}
    return [Measurement("cuda", float(abs(first - second).max()), "logits", None, how, device)]


def _outputs(size: Size) -> object:
    conditions = Conditions(device="cuda", checkpoint=False)
    run = collect(distill(Digits(), KD(), Budget(epochs=min(size.epochs, 5)), conditions=conditions))
    return run.predictions["student"]
