"""How often do two students of the same recipe contradict each other, and is that as often as they err?"""

from workbench.diagnostics.seed_disagreement.measure import SeedDisagreement as SeedDisagreement
from workbench.diagnostics.seed_disagreement.measure import seed_disagreement as seed_disagreement
from workbench.diagnostics.seed_disagreement.measure import seed_disagreement_of as seed_disagreement_of
