"""What needs a CUDA device, and has not been measured where there is none."""

from __future__ import annotations

import torch

from workbench.benchmarks.measurement import Measurement, Size
from workbench.benchmarks.methods import FEW, measured, place_of
from workbench.engine.conditions import Conditions
from workbench.engine.distill import collect, distill
from workbench.methods.catalog import make
from workbench.methods.logits.kd import KD
from workbench.records.budget import Budget
from workbench.settings.digits import Digits

NEEDS_CUDA = (
    "training and evaluation on CUDA",
    "bfloat16 autocast, which is the default there",
    "bit-identical reruns in deterministic mode",
    "random streams and checkpoints of a CUDA run",
    "teachers' answers that are kept, and their cache, on CUDA",
    "fused optimisers on CUDA",
    "writing texts with a cache of keys and values on CUDA",
    "live agreement, probes and the ledger of a CUDA run",
    "diagnostics of models that were trained on CUDA",
    "energy from the counters of a GPU",
    "step times of the engine against a bare loop on CUDA",
)


def cuda(size: Size) -> list[Measurement]:
    """Whether runs on CUDA can be repeated, and which methods run there; without a device, the list of what is open."""
    how = "largest difference of the student's test outputs between two runs of kd on digits with one seed"
    every = "methods that do not finish a short run on CUDA"
    if not torch.cuda.is_available():
        missing = "no CUDA device here: "
        return [
            Measurement("cuda", None, "", None, missing + how, {"never run": list(NEEDS_CUDA)}),
            Measurement("cuda, methods", None, "", 0, missing + every, {"never run": measured()}),
        ]
    first, second = (_outputs(size) for _ in range(2))
    device = {"device": torch.cuda.get_device_name()}
    failures = {name: trouble for name in measured() if (trouble := _trouble(name, size))}
    return [
        Measurement("cuda", float(abs(first - second).max()), "logits", None, how, device),
        Measurement("cuda, methods", len(failures), "", 0, every, device | failures),
    ]


def _outputs(size: Size) -> object:
    conditions = Conditions(device="cuda", checkpoint=False)
    run = collect(distill(Digits(), KD(), Budget(epochs=min(size.epochs, 5)), conditions=conditions))
    return run.predictions["student"]


def _trouble(name: str, size: Size) -> str:
    """What goes wrong in one epoch; empty if nothing does."""
    setting = place_of(name, size.method_batch).setting
    conditions = Conditions(device="cuda", checkpoint=False)
    try:
        collect(distill(setting, make(name, FEW.get(name)), conditions=conditions))
    except Exception as error:  # every method is to be tried
        return f"{type(error).__name__}: {error}"
    return ""
