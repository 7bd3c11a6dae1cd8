"""Take the student's features for noisy ones of the teacher's, and clean them before they are compared.

A small student's features are like the teacher's with noise on them. A diffusion model that learns what the teacher's look
like takes that noise away in a few strides, after a little more noise has brought each sample to a level the model knows.
What is compared then carries what matters. The teacher is detached; besides the student the diffusion model and three small
maps are learnt. The model runs once for every stride, so a step costs several times one of kd, by its mathematics.

Formula:
    L = mean_b CE(s_b, y_b) + weight * mean_b mean_i ( P(D(z)) - F_t )_bi^2 + diffusion_weight * mean_b mean_i ( n(x_b, k_b) - e_b )_i^2
    z = g * A(F_s) + (1 - g) * noise, g = g(A(F_s)) in (0, 1);  D: DDIM strides with the noise n guessed by the model
    x = sqrt(a_k) * F_t + sqrt(1 - a_k) * e,  k: random step of 1,000, e: noise;  A, P: 1 x 1 convolutions;  F: last maps.

Faithful to: Huang et al., NeurIPS 2023, and the authors' code.
Departs from it: features alone are cleaned, not logits; there is no autoencoder of the teacher's features, as by default in
the code; maps of unequal size are averaged to the smaller; convolutions before a batch norm have no bias.
Setting: digits. On it we expect: the distance of the cleaned features falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor, nn

from workbench.functional.diffusion import diffused, kept_signal
from workbench.functional.maps import as_maps, to_common_size
from workbench.methods.adapters import kernel_for
from workbench.methods.denoising import Denoiser, Noise, NoiseMatcher
from workbench.methods.layers import example_traces, last_stage_pair
from workbench.methods.method import Method
from workbench.methods.ranges import Layer, Weight
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class DiffKD(Method):
    """Knowledge diffusion.

    Args:
        weight: Weight of the cleaned features; 1.
        diffusion_weight: Weight of the diffusion model's own loss; 1.
        strides: In which the noise is taken away; 5 in the authors' code.
        guided: Student layer; None is the last stage.
        hint: Teacher layer; None is the last stage.

    Terms: ``labels``, ``features`` and ``diffusion``, (B,) each; a sample without a label takes part in the latter two.
    Reads: one layer of each model, (B, C, H, W), (B, L, D) or (B, D).
    Learns: ``enter``, ``denoiser``, ``matcher`` and ``leave``, all of the teacher's width.

    Example:
        >>> DiffKD(strides=3).config()["strides"]
        3
    """

    citation = Citation(
        "Knowledge Diffusion for Distillation",
        "Huang, Zhang, Zheng, You, Wang, Qian, Xu",
        "NeurIPS",
        2023,
        "2305.15712",
    )
    evidence = Evidence(
        "code",
        "hunto/DiffKD (authors), diffkd.py at 2393a4abfc1dd9507faf10a44db33070cc5f8373, diffkd_modules.py and "
        "scheduling_ddim.py",
        "weights of the terms; sizes that differ; which layer is read",
    )
    progress = Progress("features")
    reads_outputs = False
    aliases = ("knowledge_diffusion",)

    def __init__(
        self,
        weight: Weight = 1.0,
        diffusion_weight: Weight = 1.0,
        strides: Annotated[int, Range(1, 50, 1)] = 5,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.diffusion_weight, self.strides = weight, diffusion_weight, strides
        self.guided, self.hint = guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the diffusion model and the maps around it."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = last_stage_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        given, told = to_common_size(as_maps(student[mine]), as_maps(teacher[theirs]))
        width, kernel = told.shape[1], kernel_for(told)
        self.enter, self.leave = (nn.Conv2d(inputs, width, 1).to(given) for inputs in (given.shape[1], width))
        self.denoiser, self.matcher = Denoiser(width, kernel).to(given), NoiseMatcher(width, kernel).to(given)
        self.noise = Noise()

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels, the cleaned features and the diffusion model's own loss."""
        features = as_maps(student[self.student_layers[0]]), as_maps(teacher[self.teacher_layers[0]].detach())
        given, told = to_common_size(*features)
        noise, error, steps = self.noise.draw(batch.ids, told)
        guessed = self.denoiser(diffused(told, error, kept_signal(told)[steps]), steps)
        entered = self.enter(given)
        share = self.matcher(entered)[:, None, None, None]
        cleaned = self.leave(self.denoiser.cleaned(share * entered + (1 - share) * noise, self.strides))
        return {
            "labels": self.label_loss(student, batch),
            "features": self.weight * (cleaned - told).square().flatten(1).mean(1),
            "diffusion": self.diffusion_weight * (guessed - error).square().flatten(1).mean(1),
        }

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """The next step draws other noise."""
        self.noise.advance()
