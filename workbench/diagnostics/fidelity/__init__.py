"""How faithfully does the student repeat what its teacher says, beyond the class it picks?"""

from workbench.diagnostics.fidelity.measure import Fidelity as Fidelity
from workbench.diagnostics.fidelity.measure import fidelity as fidelity
from workbench.diagnostics.fidelity.measure import fidelity_of as fidelity_of
