"""Which combinations of feature values was the student shown, and does it follow its teacher where it was not?"""

from workbench.diagnostics.coverage.measure import Coverage as Coverage
from workbench.diagnostics.coverage.measure import coverage as coverage
from workbench.diagnostics.coverage.measure import coverage_of as coverage_of
