"""A loss on fixed samples as a function of a net's weights: its value, slope and curvature wherever one asks.

How it is measured: on a copy of the net in evaluation mode, so that batch norms are frozen and nothing is dropped, in
float64, because a rise of the loss is a small difference of two numbers. The whole set counts, batch by batch.
Reading it: all vectors are flat, (P,), in the order of the parameters that are included.
When it misleads: rectifiers have kinks that second derivatives do not see; weight decay is not part of the loss.
Cost: a product with the Hessian takes three to four times as long as a gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from workbench.models.copies import copied

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

    from workbench.data.transfer import TransferSet

SIZE = 256


class Piece(NamedTuple):
    """Some samples, and what the teacher says about them.

    Attributes:
        inputs: of the net.
        labels: (B,), -1 where there is none; (B, ...) numbers for a regression.
        teacher_logits: (B, C), None for a loss that does not ask.
    """

    inputs: Any
    labels: Tensor
    teacher_logits: Tensor | None = None


@dataclass(frozen=True)
class Loss:
    """Which loss.

    Attributes:
        kind: ``labels`` is the cross-entropy, ``kd`` adds the soft term of Hinton's distillation, ``brier`` is half the
            squared distance of the probabilities from the label, in [0, 1]; ``squared`` is the error of a regression.
        temperature: of the soft term.
        soft_weight: of the soft term.
        label_weight: of the labels beside it.
    """

    kind: Literal["labels", "kd", "brier", "squared"] = "labels"
    temperature: float = 4.0
    soft_weight: float = 0.9
    label_weight: float = 0.1

    def of(self, logits: Tensor, piece: Piece) -> Tensor:
        """Loss of each sample, (B,)."""
        from workbench.maths.divergences import forward_kl, one_hot
        from workbench.maths.tasks import cross_entropy, squared_error

        if self.kind == "squared":
            return squared_error(logits, piece.labels)
        if self.kind == "brier":
            known = (piece.labels >= 0).to(logits)
            wanted = one_hot(piece.labels.clamp(min=0), logits)
            return known * (logits.softmax(1) - wanted).square().sum(1) / 2
        labels = cross_entropy(logits, piece.labels)
        if self.kind == "labels":
            return labels
        soft = self.temperature**2 * forward_kl(logits, piece.teacher_logits, self.temperature)
        return self.label_weight * labels + self.soft_weight * soft

    def root(self, logits: Tensor, piece: Piece, noise: Tensor) -> Tensor:
        """``R u`` with ``R R'`` its second derivative in the logits, (B, C); noise is (2, B, C), one for each term.

        Raises:
            ValueError: the loss is the Brier score.
        """
        from workbench.maths.hessian import softmax_root

        if self.kind == "squared":
            return (2 / logits[0].numel()) ** 0.5 * noise[0]
        if self.kind == "brier":
            raise ValueError(
                "the Brier score is not convex in the logits, so it has no Gauss-Newton matrix of this kind"
            )
        labelled = (piece.labels >= 0).to(logits)[:, None]
        labels = labelled * softmax_root(logits, noise[0])
        if self.kind == "labels":
            return labels
        soft = softmax_root(logits / self.temperature, noise[1])
        return self.label_weight**0.5 * labels + self.soft_weight**0.5 * soft


class Objective:
    """The mean loss over pieces of data, as a function of the weights.

    Args:
        model: copied.
        pieces: of the data.
        loss: has ``of`` and ``root``, as ``Loss``.
        matrices_only: leave biases and norms out: parameters of one dimension.

    Attributes:
        weights: (P,) float64, where the net stands.
        count: samples.

    Raises:
        ValueError: there is no parameter or no sample.
    """

    def __init__(self, model: nn.Module, pieces: Sequence[Piece], loss: Any, *, matrices_only: bool = False) -> None:
        import torch

        from workbench.maths.hessian import flat

        self._model = copied(model).to(device="cpu", dtype=torch.float64).eval().requires_grad_(requires_grad=False)
        chosen = [p for p in self._model.parameters() if p.dim() > 1 or not matrices_only]
        self._parameters = [p.requires_grad_() for p in chosen if p.is_floating_point()]
        self._pieces, self._loss = [_double(piece) for piece in pieces], loss
        self.count = sum(len(piece.labels) for piece in pieces)
        if not self._parameters or not self.count:
            raise ValueError(f"{len(self._parameters)} parameters and {self.count} samples: both are needed")
        self.weights = flat(p.detach() for p in self._parameters).clone()

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the parameters, in the order of the vectors."""
        return [tuple(p.shape) for p in self._parameters]

    def value(self, weights: Tensor | None = None) -> float:
        """Mean loss."""
        import torch

        self._move(weights)
        with torch.no_grad():
            return sum(float(self._sum(piece)) for piece in self._pieces) / self.count

    def slope(self, weights: Tensor | None = None) -> Tensor:
        """Its gradient, (P,)."""
        from workbench.maths.hessian import gradient

        self._move(weights)
        return sum(gradient(self._sum(piece), self._parameters) for piece in self._pieces) / self.count

    def product(self, vector: Tensor) -> Tensor:
        """Hessian at the net's own weights times a (P,) vector."""
        from workbench.maths.hessian import hessian_product

        self._move(None)
        return sum(hessian_product(self._sum(piece), self._parameters, vector) for piece in self._pieces) / self.count

    def gauss_newton_draw(self, generator: Generator) -> float:
        """A random number whose mean is the trace of the Gauss-Newton matrix, for a cross-entropy that of Fisher's."""
        import torch

        from workbench.maths.hessian import gradient

        self._move(None)
        total = torch.zeros_like(self.weights)
        for piece in self._pieces:
            logits = self._outputs(piece)
            noise = torch.randint(0, 2, (2, *logits.shape), generator=generator).to(logits) * 2 - 1
            root = self._loss.root(logits.detach(), piece, noise)
            total += gradient((logits * root).sum(), self._parameters)
        return float(total @ total) / self.count

    def _move(self, weights: Tensor | None) -> None:
        import torch

        from workbench.maths.hessian import parts

        placed = parts(self.weights if weights is None else weights, self._parameters)
        with torch.no_grad():
            for parameter, part in zip(self._parameters, placed, strict=True):
                parameter.copy_(part)

    def _sum(self, piece: Piece) -> Tensor:
        return self._loss.of(self._outputs(piece), piece).sum()

    def _outputs(self, piece: Piece) -> Tensor:
        from torch.nn.attention import SDPBackend, sdpa_kernel

        from workbench.models.layers import call
        from workbench.models.tracing import tensor_of

        with sdpa_kernel(SDPBackend.MATH):  # the fast kernels of attention have no second derivative
            return tensor_of(call(self._model, piece.inputs), "the model")


def pieces_of(
    data: TransferSet, teacher: nn.Module | None = None, *, samples: int = 512, size: int = SIZE, seed: int = 0
) -> list[Piece]:
    """Some samples of a set, the same for the same seed, with the teacher's outputs if there is one.

    Args:
        data: with inputs as the net sees them.
        teacher: asked about the teacher's inputs.
        samples: at most so many, without replacement.
        size: of a piece.
        seed: of the choice.
    """
    import torch

    from workbench.models.tracing import Tracer

    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
    found = []
    for rows in order[:samples].sort().values.split(size):
        batch, logits = data.batch(rows), None
        if teacher is not None:
            with torch.no_grad():
                logits = Tracer(teacher)(batch.for_teacher).outputs
        labels = torch.full((len(rows),), -1) if batch.labels is None else batch.labels
        found.append(Piece(batch.student_inputs, labels, logits))
    return found


def _double(piece: Piece) -> Piece:
    """Everything that is a number with decimals in float64."""

    def wide(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: wide(each) for name, each in value.items()}
        if isinstance(value, tuple):
            return tuple(wide(each) for each in value)
        return value.double() if hasattr(value, "is_floating_point") and value.is_floating_point() else value

    return Piece(wide(piece.inputs), piece.labels, wide(piece.teacher_logits))
