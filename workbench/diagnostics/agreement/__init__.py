"""How often do student and teacher say the same, and is that more than their accuracies force?"""

from workbench.diagnostics.agreement.measure import Agreement as Agreement
from workbench.diagnostics.agreement.measure import agreement as agreement
from workbench.diagnostics.agreement.measure import agreement_of as agreement_of
