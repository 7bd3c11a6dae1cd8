"""Do students that were taught agree with their teacher more than students that were not, over several seeds?"""

from workbench.diagnostics.study_agreement.measure import StudyAgreement as StudyAgreement
from workbench.diagnostics.study_agreement.measure import study_agreement_of as study_agreement_of
