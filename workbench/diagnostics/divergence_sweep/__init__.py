"""Does a student that diverges more from its teacher also generalise worse than it?"""

from workbench.diagnostics.divergence_sweep.measure import DivergenceSweep as DivergenceSweep
from workbench.diagnostics.divergence_sweep.measure import divergence_sweep as divergence_sweep
from workbench.diagnostics.divergence_sweep.measure import divergence_sweep_of as divergence_sweep_of
from workbench.diagnostics.divergence_sweep.measure_narrowed import narrowed as narrowed
