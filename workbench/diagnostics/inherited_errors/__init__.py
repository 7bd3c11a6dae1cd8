"""Where the teacher is wrong, does the student follow it, more than a student that never met it?"""

from workbench.diagnostics.inherited_errors.measure import InheritedErrors as InheritedErrors
from workbench.diagnostics.inherited_errors.measure import inherited_errors as inherited_errors
from workbench.diagnostics.inherited_errors.measure import inherited_errors_of as inherited_errors_of
