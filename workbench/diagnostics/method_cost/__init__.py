"""What does a method cost beside what it brings: time per step, what it learns besides the student, passes of the teacher?"""

from workbench.diagnostics.method_cost.measure import MethodCost as MethodCost
from workbench.diagnostics.method_cost.measure import method_cost as method_cost
from workbench.diagnostics.method_cost.measure import method_cost_of as method_cost_of
