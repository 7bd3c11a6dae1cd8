"""What do student and teacher say about one sample, beyond its class?"""

from workbench.diagnostics.soft_labels.measure import SoftLabels as SoftLabels
from workbench.diagnostics.soft_labels.measure import soft_labels as soft_labels
from workbench.diagnostics.soft_labels.measure import soft_labels_of as soft_labels_of
