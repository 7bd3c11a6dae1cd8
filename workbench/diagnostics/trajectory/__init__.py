"""Where do nets lie, of one training or of several seeds, on the plane that shows most of their differences?"""

from workbench.diagnostics.trajectory.measure import Trajectory as Trajectory
from workbench.diagnostics.trajectory.measure import trajectory as trajectory
from workbench.diagnostics.trajectory.measure import trajectory_of as trajectory_of
