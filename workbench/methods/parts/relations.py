"""What the methods share that compare how samples relate to each other in penultimate features."""

from __future__ import annotations

from torch import Tensor, nn

from workbench.methods.method import OF_FEATURES, Method
from workbench.methods.parts.layers import example_traces, penultimate_pair
from workbench.methods.ranges import Layer
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Reads
from workbench.records.trace import Trace


class PenultimateRelations(Method):
    """Reads what enters the classifiers; a subclass gives ``forward`` and, in its signature, ``guided`` and ``hint``."""

    reads = Reads("the penultimate features of both models, (B, ...)", student=("features",), partner=("features",))
    tasks = OF_FEATURES
    relates_samples = True
    reads_outputs = False
    guided: Layer
    hint: Layer

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Names the two layers, and looks for them."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = penultimate_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        example_traces(student_model, teacher_model, (self.student_layers, self.teacher_layers), example)

    def features(self, student: Trace, teacher: Trace) -> tuple[Tensor, Tensor]:
        """The features of both, (B, ...) each, the teacher's detached."""
        return student[self.student_layers[0]], teacher[self.teacher_layers[0]].detach()
