"""The kinds of teacher that answer about a batch: frozen, cached, following the student, the student itself, shuffled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from workbench.engine.rows import Rows
from workbench.models.copies import copied
from workbench.models.layers import evaluating
from workbench.models.tracing import Tracer
from workbench.records.batch import Batch
from workbench.records.trace import Trace


class TeacherSwitched(RuntimeError):
    """A method put a part of its teacher into training mode."""


View = Callable[[Batch], Any]
"""What a model is shown of a batch."""


def of_teacher(batch: Batch) -> Any:
    """The teacher's inputs."""
    return batch.for_teacher


class Fixed:
    """Frozen models in evaluation mode; several give a tuple of traces.

    Args:
        models: the teachers.
        layers: what is traced of each.
        views: what each is shown of a batch; None shows all of them the teacher's inputs.
        gradient: True lets gradients pass through to the inputs; the parameters never receive any.
    """

    def __init__(
        self,
        models: list[nn.Module],
        layers: tuple[str, ...],
        *,
        views: list[View] | None = None,
        gradient: bool = False,
    ) -> None:
        """Freezes and hooks them."""
        self.models, self.gradient = models, gradient
        self._views = views or [of_teacher] * len(models)
        self._frozen = [p for model in models for p in model.parameters() if p.requires_grad]
        for parameter in self._frozen:
            parameter.requires_grad = False
        for model in models:
            model.eval()
        parts = [(name, part) for model in models for name, part in model.named_modules()]
        self._parts = [
            (name, part) for name, part in parts if not part.training
        ]  # what stays in training mode is warned of
        self.tracers = [Tracer(model, layers) for model in models]

    def __call__(self, batch: Batch) -> Any:
        """The traces of a batch.

        Raises:
            TeacherSwitched: a teacher was switched out of evaluation mode; the message names the module.
        """
        for name, part in self._parts:
            if part.training:
                where = f"{name!r} ({type(part).__name__})" if name else type(part).__name__
                raise TeacherSwitched(f"the method switched its teacher's module {where} out of eval(); it must not")
        with torch.set_grad_enabled(self.gradient and torch.is_grad_enabled()):
            answers = (tracer(view(batch)) for tracer, view in zip(self.tracers, self._views, strict=True))
            traces = tuple(_countable(answer, batch) for answer in answers)
        return traces[0] if len(traces) == 1 else traces

    def release(self) -> None:
        """Give the models their gradients back: in the next stage they may learn."""
        for parameter in self._frozen:
            parameter.requires_grad_()

    def after_step(self, student: nn.Module) -> None:
        """A fixed teacher does not follow the student."""

    def after_epoch(self, student: nn.Module) -> None:
        """A fixed teacher does not follow the student."""

    def state(self) -> dict[str, Any]:
        """Nothing changes."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to restore."""


def _countable(trace: Trace, batch: Batch) -> Trace:
    """The trace with 0 for outputs that are not finite at positions that do not count, which no loss can ignore.

    A teacher may answer with minus infinity or NaN where a text is padded: 0 times that is NaN.
    """
    mask, outputs = batch.mask, trace.outputs
    if mask is None or mask.dim() != 2 or outputs.dim() != 3 or outputs.shape[:2] != mask.shape:
        return trace
    useless = ~mask.unsqueeze(-1) & ~outputs.isfinite()
    return Trace(outputs.masked_fill(useless, 0.0), trace.features)


class Cached(Fixed):
    """A fixed teacher whose outputs for all rows were computed before.

    Args:
        outputs: (N, ...) in the order of the transfer set.
        ids: (N,) of the transfer set.
        partner: (N,) row whose output each row is given, None for its own.
    """

    def __init__(self, outputs: Tensor, ids: Tensor, partner: Tensor | None) -> None:
        """Puts the outputs in place."""
        super().__init__([], ())
        self.outputs, self.rows = outputs if partner is None else outputs[partner], Rows(ids)

    def __call__(self, batch: Batch) -> Trace:
        """A look-up."""
        return Trace(self.outputs.index_select(0, self.rows(batch.ids)))


class Following(Fixed):
    """A copy of the student that follows it: ``ema`` after each step, ``snapshot`` after each epoch.

    Args:
        student: whom it follows.
        layers: what is traced.
        source: ``ema`` or ``snapshot``.
        decay: of the moving average.
    """

    def __init__(self, student: nn.Module, layers: tuple[str, ...], source: str, decay: float) -> None:
        """Copies the student as it stands."""
        self.source, self.decay = source, decay
        super().__init__([copied(student)], layers)

    @torch.no_grad()
    def after_step(self, student: nn.Module) -> None:
        """The moving average moves; buffers are copied."""
        if self.source != "ema":
            return
        mine, theirs = self.models[0], student
        for own, other in zip(mine.parameters(), theirs.parameters(), strict=True):
            own.lerp_(other, 1 - self.decay)
        for own, other in zip(mine.buffers(), theirs.buffers(), strict=True):
            own.copy_(other)

    def after_epoch(self, student: nn.Module) -> None:
        """A snapshot is taken."""
        if self.source == "snapshot":
            self.models[0].load_state_dict(student.state_dict())

    def state(self) -> dict[str, Any]:
        """The copy's weights."""
        return dict(self.models[0].state_dict())

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.models[0].load_state_dict(state)


class SameWeights(Fixed):
    """The student itself as it stands, asked in evaluation mode and without gradients.

    It sees the teacher's inputs although it was trained on the student's: what it says in another context (with privileged
    information, with a hint in the prompt) is all that it can teach itself.

    Args:
        student: the model.
        layers: what is traced.
    """

    def __init__(self, student: nn.Module, layers: tuple[str, ...]) -> None:
        """Freezes nothing: the student goes on learning."""
        super().__init__([], ())
        self.models, self.tracers = [student], [Tracer(student, layers)]

    def __call__(self, batch: Batch) -> Trace:
        """The trace of a batch; the student is put back as it was."""
        with evaluating(self.models[0]), torch.no_grad():
            return self.tracers[0](batch.for_teacher)


class ShuffledNonTargets:
    """A control: within each row the outputs of all classes but the target change places, always in the same way.

    The target is the label, or the largest output where there is none.

    Args:
        guide: whose outputs are shuffled.
        ids: (N,) of the transfer set.
        classes: columns of the outputs.
        generator: draws the permutations, one per sample.
    """

    def __init__(self, guide: Fixed, ids: Tensor, classes: int, generator: torch.Generator) -> None:
        """Draws one permutation per sample."""
        self.guide, self.rows = guide, Rows(ids)
        self.order = torch.rand(len(ids), classes - 1, generator=generator).argsort(1).to(ids.device)

    def __call__(self, batch: Batch) -> Any:
        """The guide's trace(s) with shuffled outputs."""
        traces = self.guide(batch)
        if isinstance(traces, tuple):
            return tuple(self._shuffle(trace, batch) for trace in traces)
        return self._shuffle(traces, batch)

    def _shuffle(self, trace: Trace, batch: Batch) -> Trace:
        outputs, top = trace.outputs, trace.outputs.argmax(1)
        target = top if batch.labels is None else torch.where(batch.labels >= 0, batch.labels, top)
        columns = torch.arange(outputs.shape[1] - 1, device=outputs.device).expand(len(outputs), -1)
        columns = columns + (columns >= target[:, None])
        shuffled = outputs.gather(1, columns).gather(1, self.order[self.rows(batch.ids)])
        return Trace(outputs.scatter(1, columns, shuffled), trace.features)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the guide's."""
        return getattr(self.guide, name)
