"""Is the gain bigger than the noise? Published gains beside what came out when the same row was run again."""

from workbench.diagnostics.reproduction.measure import Reproduction as Reproduction
from workbench.diagnostics.reproduction.measure import reproduction as reproduction
