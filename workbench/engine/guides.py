"""Who the teacher of a stage is, and what it says about a batch."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from workbench.models.tracing import Tracer
from workbench.records.batch import Batch
from workbench.records.trace import Trace


class Fixed:
    """Frozen models in evaluation mode; several give a tuple of traces.

    Args:
        models: the teachers.
        layers: what is traced of each.
        gradient: True lets gradients pass through to the inputs; the parameters never receive any.
    """

    def __init__(self, models: list[nn.Module], layers: tuple[str, ...], *, gradient: bool = False) -> None:
        """Freezes and hooks them."""
        self.models, self.gradient = models, gradient
        for model in models:
            model.eval().requires_grad_(requires_grad=False)
        self.tracers = [Tracer(model, layers) for model in models]

    def __call__(self, batch: Batch, rows: Tensor) -> Any:
        """The traces of a batch.

        Raises:
            RuntimeError: a teacher was switched out of evaluation mode.
        """
        for model in self.models:
            if model.training:
                raise RuntimeError(f"the method switched its teacher {type(model).__name__} out of eval(); it must not")
        with torch.set_grad_enabled(self.gradient and torch.is_grad_enabled()):
            traces = tuple(tracer(batch.for_teacher) for tracer in self.tracers)
        return traces if len(traces) > 1 else traces[0]

    def after_step(self, student: nn.Module) -> None:
        """A fixed teacher does not follow the student."""

    def after_epoch(self, student: nn.Module) -> None:
        """A fixed teacher does not follow the student."""

    def state(self) -> dict[str, Any]:
        """Nothing changes."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to restore."""


class Cached(Fixed):
    """A fixed teacher whose outputs for all rows were computed before."""

    def __init__(self, outputs: Tensor, partner: Tensor | None) -> None:
        """``outputs`` is (N, ...) in the order of the transfer set; ``partner`` as in the loader."""
        super().__init__([], ())
        self.outputs = outputs if partner is None else outputs[partner]

    def __call__(self, batch: Batch, rows: Tensor) -> Trace:
        """A look-up."""
        return Trace(self.outputs[rows])


class Following(Fixed):
    """A copy of the student that follows it: ``ema`` after each step, ``snapshot`` after each epoch, or the student itself.

    Args:
        student: whom it follows.
        layers: what is traced.
        source: ``ema``, ``snapshot`` or ``same_weights``.
        decay: of the moving average.
    """

    def __init__(self, student: nn.Module, layers: tuple[str, ...], source: str, decay: float) -> None:
        """Copies the student as it stands."""
        self.source, self.decay = source, decay
        if source == "same_weights":
            self.models, self.gradient, self.tracers = [student], False, [Tracer(student, layers)]
        else:
            super().__init__([copy.deepcopy(student)], layers)

    def __call__(self, batch: Batch, rows: Tensor) -> Any:
        """The trace of a batch; the student itself is asked in evaluation mode and put back into training."""
        if self.source != "same_weights":
            return super().__call__(batch, rows)
        model = self.models[0]
        was_training = model.training
        model.eval()
        try:
            with torch.no_grad():
                return self.tracers[0](batch.for_teacher)
        finally:
            model.train(was_training)

    @torch.no_grad()
    def after_step(self, student: nn.Module) -> None:
        """The moving average moves; buffers are copied."""
        if self.source != "ema":
            return
        for mine, theirs in zip(self.models[0].parameters(), student.parameters(), strict=True):
            mine.lerp_(theirs, 1 - self.decay)
        for mine, theirs in zip(self.models[0].buffers(), student.buffers(), strict=True):
            mine.copy_(theirs)

    def after_epoch(self, student: nn.Module) -> None:
        """A snapshot is taken."""
        if self.source == "snapshot":
            self.models[0].load_state_dict(student.state_dict())

    def state(self) -> dict[str, Any]:
        """The copy's weights."""
        return {} if self.source == "same_weights" else dict(self.models[0].state_dict())

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        if state:
            self.models[0].load_state_dict(state)


class ShuffledNonTargets:
    """A control: within each row the outputs of all classes but the target change places, always in the same way.

    Args:
        guide: whose outputs are shuffled.
        samples: rows of the transfer set.
        classes: columns of the outputs.
        generator: draws the permutations.
    """

    def __init__(self, guide: Fixed, samples: int, classes: int, generator: torch.Generator) -> None:
        """Draws one permutation per sample."""
        self.guide = guide
        self.order = torch.rand(samples, classes - 1, generator=generator).argsort(1)

    def __call__(self, batch: Batch, rows: Tensor) -> Any:
        """The guide's trace(s) with shuffled outputs."""
        traces = self.guide(batch, rows)
        if isinstance(traces, tuple):
            return tuple(self._shuffle(trace, batch, rows) for trace in traces)
        return self._shuffle(traces, batch, rows)

    def _shuffle(self, trace: Trace, batch: Batch, rows: Tensor) -> Trace:
        outputs, top = trace.outputs, trace.outputs.argmax(1)
        target = top if batch.labels is None else torch.where(batch.labels >= 0, batch.labels, top)
        columns = torch.arange(outputs.shape[1] - 1, device=outputs.device).expand(len(outputs), -1)
        columns = columns + (columns >= target[:, None])
        shuffled = outputs.gather(1, columns).gather(1, self.order.to(outputs.device)[rows])
        return Trace(outputs.scatter(1, columns, shuffled), trace.features)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the guide's."""
        return getattr(self.guide, name)
