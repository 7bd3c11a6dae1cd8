"""How far is what a student learns from what its teacher learns, as far as one can tell from outside?"""

from workbench.diagnostics.divergence.measure import Divergence as Divergence
from workbench.diagnostics.divergence.measure import divergence as divergence
from workbench.diagnostics.divergence.measure import divergence_of as divergence_of
