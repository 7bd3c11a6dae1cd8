"""Operations, samples and tokens of steps and forward passes: counted once per input shape, then tallied."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from math import lcm
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

from workbench.energy.flops import FlopCounter
from workbench.engine.ledger.ledger import running
from workbench.models.size import parameters
from workbench.models.tracing import Tracer
from workbench.records.batch import Batch
from workbench.records.trace import Trace

if TYPE_CHECKING:
    from workbench.engine.training.updater import Updater


class Step(Protocol):
    """What ``Updater.step`` is."""

    def __call__(self, batch: Batch, progress: float, step: int) -> dict[str, float]:
        """Move every player that is due."""
        ...


def stepper(updater: Updater) -> Step:
    """An updater's step that is counted at the first batch of each shape, and at each turn of players that wait.

    The operations under ``ask`` are the teacher's; all others are the student's, adapters and losses included.
    """
    ledger, probes = running(), updater.probes
    if ledger is None:
        return updater.step
    take, ask, mark = updater.step, updater.ask, object()
    period = lcm(*(player.every for player in updater.players.values()))

    def counted(batch: Batch, progress: float, step: int) -> dict[str, float]:
        ledger.stepped = True
        probed = probes is not None and probes.watching  # asks for more gradients than others
        key = (mark, probed, updater.steps_done % period, shapes(batch.student_inputs))
        if key in ledger.known:
            ledger.passes.append(key)
            return take(batch, progress, step)
        return ledger.learn(
            key, lambda counter: first(counter, batch, progress, step), ledger.who, steps=1, **_amounts(batch)
        )

    def first(counter: FlopCounter, batch: Batch, progress: float, step: int) -> dict[str, float]:
        def asked(batch: Batch) -> Any:
            with counter.asking("teacher"):
                return ask(batch)

        updater.ask = asked
        try:
            return take(batch, progress, step)
        finally:
            updater.ask = ask

    return counted


def looker(tracer: Tracer, *, teacher: bool) -> Callable[[Batch], Trace]:
    """A forward pass over the inputs of a batch, counted at the first batch of each shape."""
    ledger = running()
    if ledger is None:
        return lambda batch: tracer(batch.for_teacher if teacher else batch.student_inputs)
    who, size = "teacher" if teacher else ledger.who, 0 if tracer.module is None else parameters(tracer.module)

    def look(batch: Batch) -> Trace:
        inputs = batch.for_teacher if teacher else batch.student_inputs
        key = (who, size, shapes(inputs))
        if key in ledger.known:
            ledger.passes.append(key)
            return tracer(inputs)
        return ledger.learn(key, lambda _: tracer(inputs), who, **_amounts(batch))

    return look


def shapes(inputs: Any) -> Hashable:
    """The shape of a batch, which decides how many operations it needs."""
    if isinstance(inputs, Tensor):
        return inputs.shape
    if isinstance(inputs, Mapping):
        return tuple((name, shapes(part)) for name, part in inputs.items())
    return tuple(map(shapes, inputs)) if isinstance(inputs, tuple | list) else type(inputs).__name__


def _amounts(batch: Batch) -> dict[str, int]:
    """Samples, and tokens where the inputs are texts: integers of shape (B, L)."""
    inputs = batch.student_inputs
    first = next(iter(inputs.values() if isinstance(inputs, Mapping) else inputs), None)
    first = inputs if isinstance(inputs, Tensor) else first
    if isinstance(first, Tensor) and first.dim() == 2 and not first.is_floating_point():
        return {"samples": len(batch.ids), "tokens": first.numel()}
    return {"samples": len(batch.ids), "tokens": 0}
