"""Loss doctors of a healthy run, of one with faults, of one that was not probed, and of one with hostile names."""

from __future__ import annotations

import numpy as np

from tests.examples import HOSTILE, run
from workbench.diagnostics.loss_doctor.measure import LossDoctor, loss_doctor
from workbench.records.run import Curve


def curves(soft: str = "soft", label_weight: float = 1.0, probes: int = 12) -> dict[str, Curve]:
    """What a run of kd keeps: 460 steps, some of them probed."""
    steps = np.arange(1, 460, 460 // probes)[:probes]
    fade = 1 / (1 + np.arange(probes))
    made = {name: curve for name, curve in run().curves.items() if name.startswith("terms/")}
    made |= {f"terms/{soft}": made.pop("terms/soft")}
    made["terms/labels"] = Curve(made["terms/labels"].steps, label_weight * made["terms/labels"].values)
    course = {
        f"gradient/{soft}": 0.3 + fade,
        "gradient/labels": label_weight * (0.05 + 0.1 * fade),
        f"cosine/labels|{soft}": np.cos(np.linspace(0.3, 1.9, probes)),
        "logit_scale": 1 + 8 * fade**2,
        "effective_temperature": 1.1 + 6 * fade**2,
    }
    once = {
        "temperature": 4.0, "temperature_exponent": 0.0, "probabilities/student": 0.0, "probabilities/teacher": 0.0,
        "teacher_training": 0.0, "teacher_wobble": 1e-7, "teacher_right": 0.97, "teacher_relabelled": 0.97,
        "teacher_asked": 143.0,
    }  # fmt: skip
    made |= {f"probe/{name}": Curve(steps, values) for name, values in course.items()}
    return made | {f"probe/{name}": Curve(steps[:1], np.array([value])) for name, value in once.items()}


def faulty() -> LossDoctor:
    """Everything wrong at once."""
    one = np.array([1])
    bad = {"probabilities/teacher": 1.0, "temperature_exponent": -2.0, "teacher_wobble": 0.7, "teacher_right": 0.01}
    planted = {f"probe/{name}": Curve(one, np.array([value])) for name, value in bad.items()}
    return loss_doctor(curves(label_weight=1000.0) | planted)


def results() -> list[LossDoctor]:
    """A healthy one."""
    return [loss_doctor(curves())]


def incomplete() -> list[LossDoctor]:
    """Faults, a run that was never probed, and one probe only."""
    terms = {name: curve for name, curve in curves().items() if name.startswith("terms/")}
    return [faulty(), loss_doctor(terms), loss_doctor(curves(probes=1))]


def hostile() -> list[LossDoctor]:
    """A term that wants to be a page."""
    return [loss_doctor(curves(soft=HOSTILE))]
