"""What does a linear student lose to a teacher whose every quantity is known: bias, bottleneck, misalignment, variance?"""

from workbench.diagnostics.linear_gaussian.measure import LinearGaussian as LinearGaussian
from workbench.diagnostics.linear_gaussian.measure import linear_gaussian as linear_gaussian
