"""What does the loss look like around each net, and on the way from one to another?"""

from workbench.diagnostics.landscape.measure import Landscape as Landscape
from workbench.diagnostics.landscape.measure import landscape as landscape
from workbench.diagnostics.landscape.measure import landscape_of as landscape_of
