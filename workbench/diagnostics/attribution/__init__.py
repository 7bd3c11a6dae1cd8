"""Does the student look where its teacher looks, when it takes over what the teacher says beyond the label?"""

from workbench.diagnostics.attribution.measure import Attribution as Attribution
from workbench.diagnostics.attribution.measure import attribution as attribution
from workbench.diagnostics.attribution.measure import attribution_of as attribution_of
