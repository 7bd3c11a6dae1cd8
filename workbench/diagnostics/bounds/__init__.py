"""What does the divergence of students from teachers allow their generalization gaps to be?"""

from workbench.diagnostics.bounds.measure import Bounds as Bounds
from workbench.diagnostics.bounds.measure import bounds as bounds
from workbench.diagnostics.bounds.measure import bounds_of as bounds_of
