"""Take the student's features for noisy ones of the teacher's, and clean them before they are compared.

A small student's features are like the teacher's with noise on them. A diffusion model that learns what the teacher's
look like takes that noise away in a few strides, after a little more noise has brought each sample to a level the
model knows. The teacher is detached; besides the student the diffusion model, two small maps and an autoencoder of
wide features are learnt.

Formula:
    L = mean_b CE(s_b, y_b) + weight * |P(D(z)) - F_t|^2 + diffusion_weight * |n(x, k) - e|^2,   squares averaged over b and i
    z = g * A(F_s) + (1 - g) * noise, g = g(A(F_s)) in (0, 1);  D: DDIM strides with the noise n guessed by the model
    x = sqrt(a_k) * F_t + sqrt(1 - a_k) * e,  k: random step of 1,000, e: noise;  A, P: 1 x 1 convolutions;  F: last maps;
    where F_t is wide: its code C(F_t), detached, and + reconstruction_weight * |R(C(F_t)) - F_t|^2.

Faithful to: Huang et al., NeurIPS 2023, and the authors' code.
Departs from it: features alone are cleaned, not logits; maps of unequal size are averaged to the smaller.
Cost: some 4 times a step of ``kd``, on nets without maps up to 20: the model runs once for every stride.
Setting: digits. On it we expect: the distance of the cleaned features falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.maps import as_maps, to_common_size
from workbench.maths.tasks import squared_error
from workbench.methods.method import Method
from workbench.methods.parts.adapters import kernel_for
from workbench.methods.parts.draws import Dice, by_id
from workbench.methods.parts.layers import example_traces, last_stage_pair
from workbench.methods.ranges import Layer, Weight
from workbench.models.blocks import GlobalAverage, conv_bn, conv_bn_relu
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace

STEPS = 1000


def kept_signal(like: Tensor) -> Tensor:
    """How much of the variance is still signal after each of 1,000 steps of growing noise, (1000,), falling from 1 to 0.

    The noise of a step grows linearly from 0.0001 to 0.02.

    Args:
        like: a tensor of the type and on the device that is wanted.
    """
    noise = torch.linspace(1e-4, 0.02, STEPS, dtype=torch.float64)
    return (1 - noise).cumprod(0).to(like)


def diffused(clean: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    """Features with noise on them, (B, C, H, W).

    Args:
        clean: (B, C, H, W).
        noise: the same shape, standard normal.
        kept: (B,) share of the variance that is signal.
    """
    share = kept[:, None, None, None]
    return share.sqrt() * clean + (1 - share).sqrt() * noise


def less_noisy(noisy: Tensor, noise: Tensor, kept: Tensor, kept_before: Tensor) -> Tensor:
    """One stride back along the path on which the noise does not change (Song et al., ICLR 2021, Eq. 12, sigma 0).

    Args:
        noisy: (B, C, H, W).
        noise: what is taken to be the noise in it.
        kept: () share of the variance that is signal.
        kept_before: () the same where the stride ends; 1 is no noise.
    """
    clean = (noisy - (1 - kept).sqrt() * noise) / kept.sqrt()
    return kept_before.sqrt() * clean + (1 - kept_before).sqrt() * noise


class _Bottleneck(nn.Module):
    """``x + body(x)`` with a body that is narrower inside.

    Args:
        width: channels.
        reduction: of them inside.
    """

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        inner = max(1, width // reduction)
        self.body = nn.Sequential(*conv_bn_relu(width, inner), *conv_bn_relu(inner, inner, 3), *conv_bn(inner, width))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return maps + self.body(maps)


class _Denoiser(nn.Module):
    """Guesses the noise in maps; every step of the diffusion has a learnt vector that is added to all positions.

    Args:
        width: channels C.
        kernel: 3, or 1 for features with one position.
    """

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.steps = nn.Embedding(STEPS, width)
        around = (_Bottleneck(width, 4), _Bottleneck(width, 4), *conv_bn(width, width))
        self.body = nn.Sequential(*(around if kernel > 1 else _pointwise(width)))

    def forward(self, noisy: Tensor, steps: Tensor) -> Tensor:
        """(B, C, H, W) with (B,) or () int64 in [0, 1000) -> (B, C, H, W)."""
        return self.body(noisy + self.steps(steps)[..., None, None])

    def cleaned(self, noisy: Tensor, strides: int) -> Tensor:
        """Maps (B, C, H, W) without the noise, taken away in equal strides over the less noisy half of the diffusion."""
        kept, stride = kept_signal(noisy), STEPS // (2 * strides)
        for step in range((strides - 1) * stride, -1, -stride):
            guess = self(noisy, torch.tensor(step, device=noisy.device))
            noisy = less_noisy(noisy, guess, kept[step], kept[step - stride] if step else torch.ones_like(kept[0]))
        return noisy


def _pointwise(width: int) -> list[nn.Module]:
    inner = 4 * width
    first, second = (conv_bn_relu(width, inner) for _ in range(2))
    return [*first, *conv_bn(inner, width), *second, nn.Conv2d(inner, width, 1)]


class _Autoencoder(nn.Module):
    """Maps of fewer channels that still tell what the maps were; both ways linear.

    Args:
        outer: channels of the maps.
        inner: channels of the code.
    """

    def __init__(self, outer: int, inner: int) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Sequential(*conv_bn(outer, inner)), nn.Conv2d(inner, outer, 1)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The code, (B, inner, H, W), and what it says the maps were, (B, outer, H, W)."""
        code = self.encoder(maps)
        return code, self.decoder(code)


class NoiseMatcher(nn.Module):
    """How much of a sample's features is to be kept; the rest is filled up with noise.

    Args:
        width: channels C.
        kernel: 3, or 1 for features with one position.
    """

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        narrow, wide = (_Bottleneck(width, 8),), (*conv_bn_relu(width, 2 * width), *conv_bn(2 * width, width))
        self.body = nn.Sequential(*(narrow if kernel > 1 else wide), GlobalAverage(), nn.Linear(width, 2))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) -> (B,) in (0, 1)."""
        return self.body(maps).softmax(1)[:, 0]

    def matched(self, maps: Tensor, noise: Tensor) -> Tensor:
        """Maps filled up with noise of the same shape, (B, C, H, W)."""
        share = self(maps)[:, None, None, None]
        return share * maps + (1 - share) * noise


class Noise(Dice):
    """Draws for every sample of a batch, wherever it stands in it."""

    def draw(self, ids: Tensor, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Two standard normal tensors of the shape of ``like``, (B, ...), and a step of the diffusion, (B,) int64."""
        generator = self.thrown()
        first, second = (torch.randn(like.shape, generator=generator) for _ in range(2))
        steps = torch.randint(STEPS, (len(ids),), generator=generator)
        return by_id(first.to(like), ids), by_id(second.to(like), ids), by_id(steps.to(ids.device), ids)


class DiffKD(Method):
    """Knowledge diffusion.

    Args:
        weight: Weight of the cleaned features; 1.
        diffusion_weight: Weight of the diffusion model's own loss; 1.
        reconstruction_weight: Weight of the autoencoder's loss; 1.
        strides: In which the noise is taken away; 5 in the authors' code.
        width: Channels that are cleaned, in which a wider teacher's are encoded. Read when the method is built.
        guided: Student layer; None is the last stage.
        hint: Teacher layer; None is the last stage.

    Terms: ``labels``, ``features``, ``diffusion`` and, for a wide teacher, ``reconstruction``, (B,) each; no label, no labels.

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
        "weights of the terms; width; sizes that differ; which layer is read",
    )
    progress = Progress("features")
    terms = ("labels", "features", "diffusion", "reconstruction")
    reads = Reads(
        "one layer of each model, (B, C, H, W), (B, L, D) or (B, D)", student=("layers",), partner=("layers",)
    )
    learns = Learns(
        "enter, denoiser, matcher, leave and, for a wide teacher, autoencoder", between=("enter", "denoiser")
    )
    cost = "high"
    reads_outputs = False
    aliases = ("knowledge_diffusion",)

    def __init__(
        self,
        weight: Weight = 1.0,
        diffusion_weight: Weight = 1.0,
        reconstruction_weight: Weight = 1.0,
        strides: Annotated[int, Range(1, 50, 1)] = 5,
        width: Annotated[int, Range(1, 4096, 1)] = 64,
        guided: Layer = None,
        hint: Layer = None,
    ) -> None:
        super().__init__()
        self.weight, self.diffusion_weight, self.reconstruction_weight = weight, diffusion_weight, reconstruction_weight
        self.strides, self.width, self.guided, self.hint = strides, width, guided, hint

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the diffusion model and the maps around it."""
        super().build(student_model, teacher_model, example, facts)
        mine, theirs = last_stage_pair(student_model, teacher_model, self.guided, self.hint)
        self.student_layers, self.teacher_layers = (mine,), (theirs,)
        student, teacher = example_traces(student_model, teacher_model, ((mine,), (theirs,)), example)
        given, told = to_common_size(as_maps(student[mine]), as_maps(teacher[theirs]))
        outer, kernel = told.shape[1], kernel_for(told)
        width = min(self.width, outer)
        self.autoencoder = _Autoencoder(outer, width).to(given) if width < outer else None
        self.enter, self.leave = (nn.Conv2d(inputs, width, 1).to(given) for inputs in (given.shape[1], width))
        self.denoiser, self.matcher = _Denoiser(width, kernel).to(given), NoiseMatcher(width, kernel).to(given)
        self.noise = Noise()
        self.noise.reseed()

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels, the cleaned features and the losses of the diffusion model and the autoencoder."""
        told = as_maps(teacher[self.teacher_layers[0]].detach())
        given, told = to_common_size(as_maps(student[self.student_layers[0]]), told)
        terms = {"labels": self.label_loss(student, batch)}
        if self.autoencoder is not None:
            code, again = self.autoencoder(told)
            terms["reconstruction"] = self.reconstruction_weight * squared_error(again, told)
            told = code.detach()
        noise, error, steps = self.noise.draw(batch.ids, told)
        guessed = self.denoiser(diffused(told, error, kept_signal(told)[steps]), steps)
        cleaned = self.leave(self.denoiser.cleaned(self.matcher.matched(self.enter(given), noise), self.strides))
        terms["features"] = self.weight * squared_error(cleaned, told)
        return {**terms, "diffusion": self.diffusion_weight * squared_error(guessed, error)}

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """The next step draws other noise."""
        self.noise.advance()
