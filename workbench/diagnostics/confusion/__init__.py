"""Does a student mix up the classes that its teacher finds alike: is confusion the teacher's dark knowledge?"""

from workbench.diagnostics.confusion.measure import Confusion as Confusion
from workbench.diagnostics.confusion.measure import confusion as confusion
from workbench.diagnostics.confusion.measure import confusion_of as confusion_of
