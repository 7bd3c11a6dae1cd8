"""Inputs are dreamt up from noise until the teacher takes them for its training data, and the student learns on them.

Batch normalisation remembers mean and variance of every channel over the training data. Pixels are moved until the
teacher sees a given class in them, its layers see the channels' remembered statistics, neighbouring pixels are alike,
and the student, as it now stands, disagrees with the teacher (adaptive deep inversion). After ``refresh`` steps of the
student new inputs are dreamt up. No data are needed. The teacher is detached in the student's term; the student does
not move while inputs are made.

Formula:
    student:   T^2 * mean_b KL( softmax(t_b / T) || softmax(s_b / T) )
    inputs x:  mean_b CE(t_b, y_b) + norm_weight * sum_l ( |mean_l(x) - mean_l| + |var_l(x) - var_l| )
               + smoothness * TV(x) + competition * mean_b (1 - JS(softmax(s_b / T), softmax(t_b / T)))
    s, t: logits (B, C);  y: classes in turn;  l: batch norms of the teacher, statistics of their inputs over the batch
    TV: norms of the differences to the neighbours across, below and on both diagonals, summed, for (B, C, H, W) only.

Faithful to: Yin et al., CVPR 2020, the authors' code for CIFAR-10, jitter included.
Departs from it: JS is exact, where the code clamps and turns the divergences round; no L2 term, whose weight is 0 there;
200 iterations instead of 2000, new inputs take the place of the old ones, and the student learns while they are made anew.
Cost: ``iterations`` passes of ``images`` inputs through both models and back every ``refresh`` steps, as much as
thousands of steps of ``kd``; memory for the inputs that are kept.
Setting: fashion. On it we expect: the soft term falls below that of a student that does not learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from workbench.maths.divergences import forward_kl, log_probabilities
from workbench.methods.parts.memory import refuse_larger
from workbench.methods.parts.synthesis import DataFreeMethod
from workbench.methods.ranges import Temperature
from workbench.models.layers import evaluating, layers_of, listing
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace

PIXEL_RATE = 0.1
"""Learning rate of Adam on the inputs, as in the authors' code of DeepInversion."""
JITTER = 2
"""Pixels by which images are shifted at most before each pass, as there."""


class NormStatistics(nn.Module):
    """Copies of the running means and variances of a model's batch normalisations.

    Args:
        model: whose they are.

    Attributes:
        layers: the features to trace, what enters each of them.

    Raises:
        ValueError: there are none; the message lists the model's layers.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        norms = {n: m for n, m in model.named_modules() if isinstance(m, _BatchNorm) and m.running_mean is not None}
        if not norms:
            raise ValueError(
                f"{type(model).__name__} has no batch normalisation with running statistics, from which inputs could be "
                "made; use a teacher such as ConvNet or a ResNet, or a method with a generator such as zskt; its layers: "
                f"{listing(layers_of(model))}"
            )
        self.layers = tuple(f"{name}:input" for name in norms)
        for index, norm in enumerate(norms.values()):
            self.register_buffer(f"mean_{index}", norm.running_mean.clone())
            self.register_buffer(f"variance_{index}", norm.running_var.clone())

    def distance(self, trace: Trace) -> Tensor:
        """How far the statistics of a batch are from those remembered, summed over the layers, ()."""
        known = [(getattr(self, f"mean_{k}"), getattr(self, f"variance_{k}")) for k in range(len(self.layers))]
        pairs = zip(self.layers, known, strict=True)
        return torch.stack([_moment_distance(trace[name], *moments) for name, moments in pairs]).sum()


def _inverted(context: Any, start: Batch, iterations: int, dice: Generator) -> Tensor:
    """Inputs that make all terms but ``soft`` small for the labels of a batch, found by Adam; the student stays as it is.

    Args:
        context: the engine's ``Updater``.
        start: inputs to start from, with the labels they are made for.
        iterations: how often they are moved.
        dice: of the jitter.
    """
    pixels = start.student_inputs.clone().requires_grad_()
    optimizer = torch.optim.Adam([pixels], lr=PIXEL_RATE)
    with evaluating(context.students["student"]):
        for _ in range(iterations):
            terms = context.terms(start.but(student_inputs=_jittered(pixels, JITTER, dice)))
            cost = sum(term for name, term in terms.items() if name != "soft")
            (pixels.grad,) = torch.autograd.grad(cost, pixels)
            optimizer.step()
    return pixels.detach()


class DeepInversion(DataFreeMethod):
    """Inputs from the statistics of the teacher's batch normalisation.

    Args:
        images: Inputs made at a time and kept, fixed when the method is built; 256 in the authors' code.
        iterations: Steps in which they are made; 2000 in the authors' code.
        refresh: Steps of the student until new ones are made; settled here.
        norm_weight: Weight of the layers' statistics; 10 in the authors' command for the paper's CIFAR-10 runs.
        smoothness: Weight of the total variation; 2.5e-5 in the authors' code.
        competition: Weight of the student's disagreement; 0.01 in the authors' code.
        temperature: Softens both distributions; 3 in the authors' code.

    Terms: ``soft``, ``classes`` and ``competition``, (B,) each, ``batch_norm`` and, for images, ``smoothness``, ().

    Example:
        >>> DeepInversion(iterations=500).config()["iterations"]
        500
    """

    citation = Citation(
        "Dreaming to Distill: Data-free Knowledge Transfer via DeepInversion",
        "Yin, Molchanov, Alvarez, Li, Mallya, Hoiem, Jha, Kautz",
        "CVPR",
        2020,
        "1912.08795",
    )
    evidence = Evidence(
        "code",
        "NVlabs/DeepInversion (authors), cifar10/deepinversion_cifar10.py at abafd38ec97aa0ef37d9af948dd72f00600b199a",
        "how student and inversion take turns, and the temperature of the student's term",
    )
    progress = Progress("soft")
    terms = ("soft", "classes", "competition", "batch_norm", "smoothness")
    needs = ("batch norm",)
    reads = Reads(
        "logits, and the inputs of the teacher's batch norms with their statistics; of the data only a sample's shape",
        partner=("layers", "logits"),
    )
    learns = Learns(
        "pool, the inputs, and wanted, their classes; dice, with which they are drawn, is kept with the run"
    )
    cost = "high"
    aliases = ("adaptive_deep_inversion", "adi")

    def __init__(
        self,
        images: Annotated[int, Range(8, 4096, 8)] = 256,
        iterations: Annotated[int, Range(1, 20_000, 100)] = 200,
        refresh: Annotated[int, Range(1, 10_000, 10)] = 100,
        norm_weight: Annotated[float, Range(0.0, 100.0, 0.5)] = 10.0,
        smoothness: Annotated[float, Range(0.0, 0.01, 1e-5)] = 2.5e-5,
        competition: Annotated[float, Range(0.0, 20.0, 0.01)] = 0.01,
        temperature: Temperature = 3.0,
    ) -> None:
        super().__init__()
        self.images, self.iterations, self.refresh, self.temperature = images, iterations, refresh, temperature
        self.norm_weight, self.smoothness, self.competition = norm_weight, smoothness, competition

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Copies the teacher's statistics, and makes room for the inputs.

        Raises:
            ValueError: the teacher has no batch normalisation with running statistics.
        """
        super().build(student_model, teacher_model, example, facts)
        self.statistics = NormStatistics(teacher_model)
        self.teacher_layers = self.statistics.layers
        refuse_larger(
            "the inputs that are kept", (self.images, *self.shape), example.student_inputs, "make fewer images"
        )
        self.register_buffer("pool", torch.zeros(self.images, *self.shape, **self.form))
        self.register_buffer("wanted", torch.arange(self.images) % facts.classes)

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """As many of the inputs that are kept as the batch has samples."""
        drawn = torch.randint(len(self.pool), (len(batch.ids),), generator=self.dice.thrown())
        rows = drawn.to(self.pool.device)
        return self.made(batch, self.pool[rows], self.wanted[rows])

    def update(self, context: Any, batch: Batch) -> dict[str, float]:
        """New inputs where they are due, then a step of the student."""
        if int(self.dice.step) % self.refresh == 0:
            self._refresh(context, batch)
            batch = self.inputs(batch, context.students)
        terms = context.terms(batch)
        values = context.check(terms)
        context.minimise({"soft": terms["soft"]}, "student")
        return values

    def _refresh(self, context: Any, batch: Batch) -> None:
        dice = self.dice.thrown()
        noise = torch.randn(self.pool.shape, generator=dice, dtype=self.pool.dtype).to(self.pool)
        ids = batch.ids.repeat(-(-len(noise) // len(batch.ids)))[: len(noise)]  # the guide is asked by ids it knows
        self.pool.copy_(_inverted(context, Batch(ids, noise, self.wanted), self.iterations, dice))

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The student's term, and those of the inputs."""
        soft = forward_kl(student.logits, teacher.logits.detach(), self.temperature)
        apart = jensen_shannon(student.logits, teacher.logits, self.temperature)
        terms = {
            "soft": self.temperature**2 * soft,
            "classes": F.cross_entropy(teacher.logits, batch.labels, reduction="none"),
            "batch_norm": self.norm_weight * self.statistics.distance(teacher),
            "competition": self.competition * (1 - apart),
        }
        if batch.student_inputs.dim() == 4:
            terms["smoothness"] = self.smoothness * total_variation(batch.student_inputs)
        return terms


def _channel_moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of each channel over everything else, (B, C, ...) -> (C,) and (C,)."""
    others = [axis for axis in range(features.dim()) if axis != 1]
    return features.mean(others), features.var(others, unbiased=False)


def _moment_distance(features: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Distance of the channels' means to given ones plus that of their variances, (B, C, ...), (C,), (C,) -> ()."""
    own_mean, own_variance = _channel_moments(features)
    return torch.linalg.vector_norm(own_mean - mean) + torch.linalg.vector_norm(own_variance - variance)


def total_variation(images: Tensor) -> Tensor:
    """Sum of the norms of the differences to the neighbours across, below and on both diagonals, (B, C, H, W) -> ()."""
    across = images[..., :, 1:] - images[..., :, :-1]
    below = images[..., 1:, :] - images[..., :-1, :]
    falling = images[..., 1:, 1:] - images[..., :-1, :-1]
    rising = images[..., 1:, :-1] - images[..., :-1, 1:]
    return sum(torch.linalg.vector_norm(difference) for difference in (across, below, falling, rising))


def jensen_shannon(student_logits: Tensor, teacher_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Jensen-Shannon divergence at a temperature in nats, symmetric and at most log 2, (B, C) and (B, C) -> (B,)."""
    both = log_probabilities(torch.stack([student_logits, teacher_logits]), temperature, dim=2)
    middle = both.logsumexp(0)  # of the mixture, up to a constant; exact where a probability vanishes
    return (forward_kl(middle, both[0]) + forward_kl(middle, both[1])) / 2


def _jittered(inputs: Tensor, reach: int, generator: Generator) -> Tensor:
    """Images (B, C, H, W) moved round by up to ``reach`` pixels in each direction, all alike; other inputs as they are."""
    if inputs.dim() != 4:
        return inputs
    shift = torch.randint(-reach, reach + 1, (2,), generator=generator).tolist()
    return inputs.roll(shift, (2, 3))
