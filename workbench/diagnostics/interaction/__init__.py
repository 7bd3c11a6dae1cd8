"""Which features do several models share, how many does a group of models have, and on which samples are they used?"""

from workbench.diagnostics.interaction.measure import Interaction as Interaction
from workbench.diagnostics.interaction.measure import interaction as interaction
from workbench.diagnostics.interaction.measure import interaction_of as interaction_of
