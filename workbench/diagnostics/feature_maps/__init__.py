"""What in the input drives a feature of the interaction tensor, and how much of a score does each feature carry?"""

from workbench.diagnostics.feature_maps.measure import FeatureMaps as FeatureMaps
from workbench.diagnostics.feature_maps.measure import feature_maps as feature_maps
from workbench.diagnostics.feature_maps.measure import feature_maps_of as feature_maps_of
