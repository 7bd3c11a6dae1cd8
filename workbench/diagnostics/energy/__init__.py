"""What did it cost to make this student, stage by stage, and how much of that was measured?"""

from workbench.diagnostics.energy.measure import Energy as Energy
from workbench.diagnostics.energy.measure import energy as energy
from workbench.diagnostics.energy.measure import energy_of as energy_of
