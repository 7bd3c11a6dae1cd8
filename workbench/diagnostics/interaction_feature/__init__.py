"""What is one feature about: on which samples is it strongest, of which classes are they, and which models have it?"""

from workbench.diagnostics.interaction_feature.measure import InteractionFeature as InteractionFeature
from workbench.diagnostics.interaction_feature.measure import interaction_feature as interaction_feature
