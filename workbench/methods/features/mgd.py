"""Regenerate the teacher's whole feature from a part of the student's.

Some channels of the student's last feature are blanked at random, and a small generator must make all of the teacher's
from the rest. To help it each channel of the student has to know about the others. Which channels are blanked depends
on the run, the step and the sample alone. The teacher is detached; besides the student the alignment and the generator
are learnt.

Formula:
    L = mean_b CE(s_b, y_b) + weight * mean_b sum_i ( G( m_b * r(F_s)_b ) - F_t,b )_i^2
    F: last maps (B, C, H, W);  m_b: 0 with probability masked_share for each channel, else 1;  r: 1 x 1 convolution where
    the widths differ;  G: 3 x 3 convolution, rectifier, 3 x 3 convolution.

Faithful to: Yang et al., ECCV 2022, and the authors' code for classification.
Departs from it: maps of unequal size are averaged to the smaller; kernels are 1 x 1 where features have one position.
Cost: some 2 times a step of ``kd`` on small nets: two 3 x 3 convolutions as wide as the teacher.
Setting: digits. On it we expect: the error of the generated features falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.maps import as_maps, to_common_size
from workbench.methods.method import OF_MAPS, Method
from workbench.methods.parts.adapters import kernel_for
from workbench.methods.parts.draws import Dice, by_id
from workbench.methods.parts.layers import example_maps, last_stage_pair
from workbench.methods.ranges import Layer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class MGD(Method):
    """Masked generative distillation.

    Args:
        weight: Weight of the squared error; 0.00007 in the authors' code for classification.
        masked_share: Probability of a channel to be blanked; 0.15 in that code.
        guided: Student layer; None is the last stage.
        hint: Teacher layer; None is the last stage.

    Terms: ``labels`` and ``generated``, (B,) each; a sample without a label takes part in the latter only.

    Example:
        >>> MGD(masked_share=0.5).config()["masked_share"]
        0.5
    """

    citation = Citation("Masked Generative Distillation", "Yang, Li, Shao, Shi, Yuan, Yuan", "ECCV", 2022, "2205.01529")
    evidence = Evidence(
        "code",
        "yzd-v/MGD (authors), cls/mmcls/distillation/losses/mgd.py at 046aba2dc2b067bc3e75ceb8f5e006e922937232 and "
        "cls/configs/distillers/res34_distill_res18_img.py",
        "sizes that differ, and nets without maps",
    )
    progress = Progress("generated")
    terms = ("labels", "generated")
    reads = Reads(
        "one layer of each model, (B, C, H, W), (B, L, D) or (B, D)", student=("layers",), partner=("layers",)
    )
    learns = Learns(
        "align and generator; dice, with which the masks are drawn, is kept with the run",
        between=("align", "generator"),
    )
    cost = "medium"
    tasks = OF_MAPS
    reads_outputs = False
    aliases = ("masked_generative",)

    def __init__(
        self,
        weight: Annotated[float, Range(0.0, 0.1, 0.00001)] = 0.00007,
        masked_share: Annotated[float, Range(0.0, 0.95, 0.05)] = 0.15,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.masked_share, self.guided, self.hint = weight, masked_share, guided, hint
        self.dice = Dice()

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes alignment and generator."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = last_stage_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        (pair,) = example_maps(student_model, teacher_model, ((mine,), (theirs,)), example)
        given, told = to_common_size(*pair)
        inputs, width, kernel = given.shape[1], told.shape[1], kernel_for(given)
        self.align = (nn.Identity() if inputs == width else nn.Conv2d(inputs, width, 1)).to(given)
        first, second = (nn.Conv2d(width, width, kernel, padding=kernel // 2) for _ in range(2))
        self.generator = nn.Sequential(first, nn.ReLU(), second).to(given)
        self.dice.reseed()

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the error of the generated features."""
        features = as_maps(student[self.student_layers[0]]), as_maps(teacher[self.teacher_layers[0]].detach())
        given, told = to_common_size(*features)
        aligned = self.align(given)
        error = self.generator(aligned * self.mask(batch.ids, aligned)[:, :, None, None]) - told
        return {"labels": self.label_loss(student, batch), "generated": self.weight * error.square().flatten(1).sum(1)}

    def mask(self, ids: Tensor, like: Tensor) -> Tensor:
        """This step's mask, (B, C): 0 or 1, the same for an id wherever it stands."""
        kept = torch.rand(like.shape[:2], generator=self.dice.thrown()) >= self.masked_share
        return by_id(kept.to(like), ids)

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """The next step blanks other channels."""
        self.dice.advance()
