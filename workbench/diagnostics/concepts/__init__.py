"""Which concepts move a distillation score: does the student use what its teacher uses?"""

from workbench.diagnostics.concepts.measure import Concepts as Concepts
from workbench.diagnostics.concepts.measure import concepts as concepts
from workbench.diagnostics.concepts.measure import concepts_of as concepts_of
