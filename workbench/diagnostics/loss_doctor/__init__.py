"""Is the loss put together as its author meant it, and which of its terms moves the student?"""

from workbench.diagnostics.loss_doctor.measure import LossDoctor as LossDoctor
from workbench.diagnostics.loss_doctor.measure import loss_doctor as loss_doctor
from workbench.diagnostics.loss_doctor.measure import loss_doctor_of as loss_doctor_of
