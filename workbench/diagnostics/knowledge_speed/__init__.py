"""When and how steadily a net finds what it keeps: knowledge points over the checkpoints of a training."""

from workbench.diagnostics.knowledge_speed.measure import KnowledgeSpeed as KnowledgeSpeed
from workbench.diagnostics.knowledge_speed.measure import knowledge_speed as knowledge_speed
from workbench.diagnostics.knowledge_speed.measure import knowledge_speed_of as knowledge_speed_of
