"""When a model says 90 %, is it right in 90 % of the cases, and does the student doubt where its teacher doubts?"""

from workbench.diagnostics.calibration.measure import Calibration as Calibration
from workbench.diagnostics.calibration.measure import calibration as calibration
from workbench.diagnostics.calibration.measure import calibration_of as calibration_of
