"""Examples of the calibration."""

from __future__ import annotations

import numpy as np

from tests.examples import HOSTILE, outputs
from workbench.diagnostics.calibration.measure import Calibration, calibration


def results() -> list[Calibration]:
    student, teacher, labels = outputs()
    held_out = {"student": student[:90], "teacher": teacher[:90]}
    tested = {"student": student[90:], "teacher": teacher[90:]}
    return [calibration(tested, labels[90:], validation=held_out, validation_labels=labels[:90])]


def incomplete() -> list[Calibration]:
    """One sample, in one of all bins."""
    return [calibration({"student": np.array([[2.0, 0.0]])}, [0])]


def hostile() -> list[Calibration]:
    student, _, labels = outputs()
    return [calibration({HOSTILE: student}, labels)]
