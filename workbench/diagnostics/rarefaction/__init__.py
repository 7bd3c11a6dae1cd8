"""How many features would a smaller group of models have, and does a group have fewer because its models are alike?"""

from workbench.diagnostics.rarefaction.measure import Rarefaction as Rarefaction
from workbench.diagnostics.rarefaction.measure import rarefaction as rarefaction
from workbench.diagnostics.rarefaction.measure import rarefaction_of as rarefaction_of
