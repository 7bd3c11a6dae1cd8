"""Looks on while a student is trained: the steps of one layer's weights, and knowledge points now and then.

Nothing of the training moves for it: weights are only read, and points are counted in evaluation mode, with random
numbers of their own and without gradients of the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from workbench.diagnostics.knowledge_points.measure import KnowledgePoints, knowledge_points
from workbench.models.layers import evaluating, stages_of
from workbench.models.tracing import Tracer
from workbench.records import events
from workbench.records.parameters import spoken

if TYPE_CHECKING:
    from torch import nn

PARTY = "student"


class Watch:
    """What has been seen of a training so far.

    Args:
        student: gives the net as it stands.
        images: (I, C, H, W).
        layer: whose weights and output; None for the last stage.
        every: so many epochs lie between two looks.
        choices: of ``knowledge_points``.

    Attributes:
        looks: knowledge points at the checkpoints.
        layer: its name, once the student is known.
    """

    def __init__(
        self,
        student: Callable[[], nn.Module],
        images: Tensor,
        layer: str | None,
        every: int,
        choices: Mapping[str, Any],
    ) -> None:
        """Nothing is seen yet."""
        if every < 1:
            raise ValueError(f"every = {every} must be 1 or more epochs")
        self.looks: list[KnowledgePoints] = []
        self.layer, self._every, self._choices = layer or "", every, choices
        self._student, self._images = student, images
        self._lengths, self._at = list[float](), list[int]()
        self._before, self._begun = torch.zeros(0), 0.0
        self._epochs, self._until = 0, 0

    def note(self, event: events.Event) -> float | None:
        """Take an event in; the share of the stage's epochs that is done, where it was a checkpoint.

        Raises:
            TypeError: it is no event.
            ValueError: see ``knowledge_speed_of``.
            RuntimeError: the training failed.
        """
        if not isinstance(event, events.Event):
            raise TypeError(f"training gives {spoken(event)}; events of workbench.records.events are needed")
        if isinstance(event, events.Failed):
            raise RuntimeError(f"the training failed: {event.message}")
        if isinstance(event, events.Started) and event.resumed_at:
            raise ValueError(
                f"this training goes on from step {event.resumed_at}, and the way before is not known; begin it anew, "
                f"as with Conditions(checkpoint=False)"
            )
        if event.party != PARTY:
            return None
        if isinstance(event, events.Stage):
            return self._stage(event)
        if isinstance(event, events.Step):
            self._step()
        return self._epoch() if isinstance(event, events.Epoch) else None

    def found(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points (K, I, G, G), foreground (I, G, G) and path (K,) of the checkpoints.

        Raises:
            ValueError: no step was seen.
        """
        if not self._lengths:
            raise ValueError("no step of a student was seen, so there is nothing to tell of its way")
        path = np.append(0.0, weight_path(self._lengths, self._begun))
        return np.stack([each.points[0] for each in self.looks]), self.looks[0].foreground, path[self._at]

    def _stage(self, event: events.Stage) -> float | None:
        """What happens to the weights between two stages is no step of an optimiser."""
        first, self._until = not self.looks, self._epochs + event.epochs
        self.layer = self.layer or stages_of(self._student())[-1]
        self._before = self._weights()
        if not first:
            return None
        self._begun = float(self._before.norm())
        return self._look()

    def _step(self) -> None:
        now = self._weights()
        self._lengths.append(float((now - self._before).norm()))
        self._before = now

    def _epoch(self) -> float | None:
        self._epochs += 1
        due = self._epochs % self._every == 0 or self._epochs == self._until
        return self._look() if due else None

    def _look(self) -> float:
        model = self._student()
        with evaluating(model):
            tracer, images = Tracer(model, (self.layer,)), self._images.to(next(model.parameters()).device)
            self.looks.append(knowledge_points({PARTY: lambda x: tracer(x)[self.layer]}, images, **self._choices))
        self._at.append(len(self._lengths))
        return self._epochs / max(self._until, 1)

    def _weights(self) -> Tensor:
        """The layer's weight matrices in one row; biases, and gains of normalisations, are left out."""
        model = self._student()
        known = dict(model.named_modules())
        if self.layer not in known:
            Tracer(model, (self.layer,))  # says what there is
            raise ValueError(f"{self.layer!r} is no layer with an output and weights; give its name alone")
        matrices = [p.detach().double().flatten() for p in known[self.layer].parameters() if p.ndim > 1]
        if not matrices:
            with_some = [name for name, part in known.items() if name and any(p.ndim > 1 for p in part.parameters())]
            raise ValueError(f"layer {self.layer!r} has no weight matrix; these have one: {', '.join(with_some)}")
        return torch.cat(matrices)


def weight_path(steps: ArrayLike, begun: float) -> np.ndarray:
    """(S,) way gone after each optimiser step: lengths of the steps added up, over the length at the start.

    Raises:
        ValueError: the weights began at 0.
    """
    if begun <= 0:
        raise ValueError(f"the weights began with a length of {begun}; there is nothing to measure their way by")
    return np.cumsum(np.asarray(steps, float)) / begun
