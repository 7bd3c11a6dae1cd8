"""What in an image does a net keep, and does its teacher make it keep more of the object, sooner and more steadily?"""

from workbench.diagnostics.knowledge_points.measure import KnowledgePoints as KnowledgePoints
from workbench.diagnostics.knowledge_points.measure import knowledge_points as knowledge_points
from workbench.diagnostics.knowledge_points.measure import knowledge_points_of as knowledge_points_of
