"""Which layers of student and teacher hold the same picture of the samples, and more so than without a teacher?"""

from workbench.diagnostics.representation.measure import Representation as Representation
from workbench.diagnostics.representation.measure import representation as representation
from workbench.diagnostics.representation.measure import representation_of as representation_of
