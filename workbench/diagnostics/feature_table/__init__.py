"""All features of an interaction tensor in one table: who has each, how often, for which class, strongest on which samples?"""

from workbench.diagnostics.feature_table.measure import FeatureTable as FeatureTable
from workbench.diagnostics.feature_table.measure import feature_table as feature_table
