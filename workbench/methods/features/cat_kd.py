"""Match where the teacher finds each class, not only how much of it there is.

A linear classifier on averaged maps scores every position before it averages: these are class activation maps. Attention to
the regions that tell classes apart is what the student is to learn, so the maps are averaged to a coarse grid first and
compared as unit vectors, which say where and not how much. The teacher is detached; nothing is learnt besides the student.

Formula:
    L = mean_b CE(s_b, y_b) + weight * mean_b mean_{c, i} ( A_s[c] / |A_s[c]| - A_t[c] / |A_t[c]| )_bi^2
    A[c]_i = w_c . F_i averaged over the cells i of a grid;  F: last maps (B, D, H, W);  w: classifier (C, D), no bias.

Faithful to: Guo et al., CVPR 2023, and the authors' code.
Departs from it: the nets are not rebuilt with a convolution as classifier; the maps are made from the linear one, with
which the student goes on learning. In a net without maps, (B, D), the scores of the classes are compared as they are.
Setting: digits. On it we expect: the distance of the maps falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.maps import as_maps, averaged
from workbench.methods.method import Method
from workbench.methods.parts.layers import example_traces
from workbench.methods.parts.reuse import before_pooling, classifier_of
from workbench.methods.ranges import Layer
from workbench.models.tracing import penultimate_of
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class CATKD(Method):
    """Class attention transfer.

    Args:
        weight: Weight of the maps; 400 by default in the authors' code, which sets it for each pair.
        grid: Cells of the maps in either direction; 2 by default in the authors' code.
        normalised: Bring each class's map to length 1; the authors' recipes for pairs of one design do not.
        guided: Student layer whose average enters its classifier; None is the last stage, or what enters it.
        hint: Teacher layer whose average enters its classifier; None is the last stage, or what enters it.

    Terms: ``labels`` and ``class_maps``, (B,) each; a sample without a label takes part in the latter.

    Example:
        >>> CATKD(grid=4).config()["grid"]
        4
    """

    citation = Citation(
        "Class Attention Transfer Based Knowledge Distillation", "Guo, Yan, Li, Lin", "CVPR", 2023, "2304.12777"
    )
    evidence = Evidence(
        "code",
        "GzyAftermath/CAT-KD (authors), mdistiller/distillers/CAT_KD.py at 2657a680c7a627ebf49331ac592fc561b1026d9c, "
        "mdistiller/engine/cfg.py and mdistiller/models/cifar/resnet.py",
        "nets without maps",
    )
    progress = Progress("class_maps")
    terms = ("labels", "class_maps")
    reads = Reads(
        "one layer of each model, (B, D, H, W), (B, L, D) or (B, D), and both classifiers",
        student=("layers",),
        partner=("layers",),
    )
    learns = Learns("nothing besides the student; a copy of the teacher's classifier is kept with the run")
    cost = "low"
    reads_outputs = False
    aliases = ("class_attention_transfer",)

    def __init__(
        self,
        weight: Annotated[float, Range(0.0, 2000.0, 5.0)] = 400.0,
        grid: Annotated[int, Range(1, 16, 1)] = 2,
        *,
        normalised: bool = True,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.grid, self.normalised, self.guided, self.hint = weight, grid, normalised, guided, hint
        self._classifier: tuple[nn.Module, ...] = ()

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Finds both classifiers and what enters them.

        Raises:
            ValueError: a classifier does not fit the layer that is to enter it.
        """
        super().build(student_model, teacher_model, example, facts)
        mine = before_pooling(student_model, example.student_inputs, self.guided)
        theirs = before_pooling(teacher_model, example.for_teacher, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        self.register_buffer("teacher_classifier", classifier_of(teacher_model, teacher[theirs], teacher)[0])
        entry = penultimate_of(student_model)
        classifier = student_model.get_submodule(entry.removesuffix(":input"))
        width = as_maps(student[mine]).shape[1]
        if classifier.in_features != width:
            raise ValueError(
                f"the student's classifier takes {classifier.in_features} features and {mine!r} has {width}; name what "
                f"enters it with guided={entry!r}"
            )
        self._classifier = (classifier,)  # in a tuple: it stays the student's, not a part of the method

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the distance of the maps."""
        mine = class_maps(student[self.student_layers[0]], self._classifier[0].weight)
        theirs = class_maps(teacher[self.teacher_layers[0]].detach(), self.teacher_classifier)
        distance = class_map_distance(mine, theirs, self.grid, normalised=self.normalised)
        return {"labels": self.label_loss(student, batch), "class_maps": self.weight * distance}


def class_maps(features: Tensor, weight: Tensor) -> Tensor:
    """Scores of all classes at every position, without the bias, (B, C, H, W); their mean are the logits without it.

    Args:
        features: (B, D, H, W), (B, L, D) or (B, D), averaged over positions before they are classified.
        weight: (C, D) of the classifier.
    """
    return F.conv2d(as_maps(features), weight[:, :, None, None])


def class_map_distance(student: Tensor, teacher: Tensor, grid: int, *, normalised: bool) -> Tensor:
    """Mean squared difference of class maps that are averaged over the cells of a grid first, (B,).

    Args:
        student: (B, C, H, W).
        teacher: (B, C, H', W').
        grid: cells in either direction; fewer where a map has fewer positions.
        normalised: brings each class's map to length 1; not where there is one cell only, of which the sign would be left.
    """
    height, width = (min(grid, mine, theirs) for mine, theirs in zip(student.shape[2:], teacher.shape[2:], strict=True))
    mine, theirs = (averaged(maps, (height, width)).flatten(2) for maps in (student, teacher))
    if normalised and height * width > 1:
        mine, theirs = F.normalize(mine, dim=2), F.normalize(theirs, dim=2)
    return (mine - theirs).square().mean((1, 2))
