"""Which samples does one model win and which does it lose against another?"""

from workbench.diagnostics.flips.measure import Flips as Flips
from workbench.diagnostics.flips.measure import flips as flips
from workbench.diagnostics.flips.measure import flips_of as flips_of
