"""What does a distilled student know that the same student without a teacher does not, and where in the picture is it?"""

from workbench.diagnostics.unicam.measure import UniCAM as UniCAM
from workbench.diagnostics.unicam.measure import unicam as unicam
from workbench.diagnostics.unicam.measure import unicam_of as unicam_of
