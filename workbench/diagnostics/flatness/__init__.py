"""How flat is the loss around the student, its teacher and its control?"""

from workbench.diagnostics.flatness.measure import Flatness as Flatness
from workbench.diagnostics.flatness.measure import flatness as flatness
from workbench.diagnostics.flatness.measure import flatness_of as flatness_of
