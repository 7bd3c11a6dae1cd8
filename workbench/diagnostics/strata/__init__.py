"""On which samples do student and teacher agree less: which classes, how sure the teacher, how hard the sample?"""

from workbench.diagnostics.strata.measure import Strata as Strata
from workbench.diagnostics.strata.measure import strata as strata
from workbench.diagnostics.strata.measure import strata_of as strata_of
