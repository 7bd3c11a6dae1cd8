"""How do samples lie to each other in a model's outputs, seen in two dimensions?"""

from workbench.diagnostics.projection.measure import Projection as Projection
from workbench.diagnostics.projection.measure import projection as projection
