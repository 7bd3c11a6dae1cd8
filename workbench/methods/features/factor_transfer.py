"""Teach in other words: first learn to paraphrase the teacher's features, then translate the student's into the paraphrase.

In the first stage a paraphraser, an autoencoder without labels, squeezes the teacher's last features into fewer
channels, the factors, and back. In the second it stands still, and the student through a translator of its own speaks
the factors of its sample, in direction and not in length. The teacher and its factors are detached; besides the
student, paraphraser and translator are learnt.

Formula:
    stage paraphrase: L = mean_b CE(s_b, y_b) + mean_b mean_i | P(F_t) - F_t |_bi
    stage transfer:   L = mean_b CE(s_b, y_b) + weight * mean_b mean_i | f_s / |f_s| - f_t / |f_t| |_bi
    f_t: factors, the middle of the paraphraser P;  f_s: the translator's output;  F_t: last features of the teacher.

Faithful to: Kim, Park and Kwak, NeurIPS 2018, section 3 with p = 1, and the authors' code.
Departs from it: while the paraphraser learns the student learns from the labels instead of waiting; the shares of the
stages are settled here; factors of unequal size are averaged to the smaller; kernels are 1 x 1 where features have one
position.
Cost: some 2 times a step of ``kd`` on small nets: six or nine further convolutions.
Setting: digits. On it we expect: the distance of the factors falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.maps import as_maps, to_common_size
from workbench.methods.method import OF_MAPS, Method
from workbench.methods.parts.adapters import kernel_for
from workbench.methods.parts.layers import example_maps, last_stage_pair
from workbench.methods.ranges import Layer
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class FactorTransfer(Method):
    """Paraphrase, then translate.

    Args:
        paraphrase_share: Share of the run in which the paraphraser learns; 30 of 240 epochs in the benchmark.
        weight: Weight of the factors; 500 in the authors' code, 200 in the benchmark of Tian et al. 2020.
        rate: Channels of the factors per channel of the teacher; 0.5 in the authors' code. Read when the method is built.
        guided: Student layer; None is the last stage.
        hint: Teacher layer; None is the last stage.

    Terms: ``labels``, with ``reconstruction`` in the first stage and ``factors`` in the second, (B,) each; a sample
        without a label takes part in the latter two only.

    Example:
        >>> [(plan.name, plan.share) for plan in FactorTransfer(paraphrase_share=0.25).stages(Facts(100, 10, 1000, 10))]
        [('paraphrase', 0.25), ('transfer', 0.75)]
    """

    citation = Citation(
        "Paraphrasing Complex Network: Network Compression via Factor Transfer",
        "Kim, Park, Kwak",
        "NeurIPS",
        2018,
        "1802.04977",
    )
    evidence = Evidence(
        "code",
        "Jangho-Kim/Factor-Transfer-pytorch (authors), Models/FeatureProjection.py, train_Paraphraser.py and "
        "train_student.py at e8d6ac695ad3817ee65633d8308d2b2b0dcd2c98",
        "shares of the stages; sizes that differ, and nets without maps",
    )
    progress = Progress("factors")
    terms = ("labels", "reconstruction", "factors")
    reads = Reads(
        "one layer of each model, (B, C, H, W), (B, L, D) or (B, D)", student=("layers",), partner=("layers",)
    )
    learns = Learns("encoder and decoder of the paraphraser, and translator", between=("encoder", "decoder"))
    cost = "medium"
    tasks = OF_MAPS
    reads_outputs = False
    aliases = ("ft", "paraphrasing")

    def __init__(
        self,
        paraphrase_share: Annotated[float, Range(0.05, 0.95, 0.05)] = 0.125,
        weight: Annotated[float, Range(0.0, 5000.0, 10.0)] = 500.0,
        rate: Annotated[float, Range(0.05, 4.0, 0.05)] = 0.5,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.paraphrase_share, self.weight, self.rate = paraphrase_share, weight, rate
        self.guided, self.hint = guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes paraphraser and translator."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = last_stage_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        ((given, told),) = example_maps(student_model, teacher_model, ((mine,), (theirs,)), example)
        factors = max(1, round(self.rate * told.shape[1]))
        self.encoder = encoder(told, factors)
        self.decoder = decoder(factors, told)
        self.translator = encoder(given, factors)

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """Paraphrase, then transfer."""
        return StagePlan("paraphrase", self.paraphrase_share), StagePlan("transfer", 1 - self.paraphrase_share)

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels and the term of the stage."""
        labels = self.label_loss(student, batch)
        features = as_maps(teacher[self.teacher_layers[0]].detach())
        if self.stage == "paraphrase":
            error = self.decoder(self.encoder(features)) - features
            return {"labels": labels, "reconstruction": error.abs().flatten(1).mean(1)}
        translated = self.translator(as_maps(student[self.student_layers[0]]))
        factors = to_common_size(translated, self.encoder(features).detach())
        mine, theirs = (F.normalize(side.flatten(1), dim=1) for side in factors)
        return {"labels": labels, "factors": self.weight * (mine - theirs).abs().mean(1)}


def encoder(maps: Tensor, outputs: int) -> nn.Sequential:
    """From the channels of maps (B, C, H, W) to others: three convolutions, each with a leaky rectifier."""
    width, kernel = maps.shape[1], kernel_for(maps)
    pairs = ((width, width), (width, outputs), (outputs, outputs))
    layers = [nn.Conv2d(before, after, kernel, padding=kernel // 2) for before, after in pairs]
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.LeakyReLU(0.1)))).to(maps)


def decoder(inputs: int, maps: Tensor) -> nn.Sequential:
    """And back: three transposed convolutions, each with a leaky rectifier."""
    width, kernel = maps.shape[1], kernel_for(maps)
    pairs = ((inputs, inputs), (inputs, width), (width, width))
    layers = [nn.ConvTranspose2d(before, after, kernel, padding=kernel // 2) for before, after in pairs]
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.LeakyReLU(0.1)))).to(maps)
