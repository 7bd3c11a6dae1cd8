"""One optimiser step: traces, terms, gradients, players."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import reduce
from operator import add
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from workbench.engine.teacher.kinds import Fixed
from workbench.engine.training.finiteness import (
    EVERY,
    NotFinite,
    Seen,
    advice,
    all_finite,
    broken,
    first_of,
    numbers,
    states,
)
from workbench.engine.training.optimisation import clip, optimizer_for, rate_factor, set_rate
from workbench.engine.training.probes import Probes
from workbench.engine.training.terms import Averages
from workbench.methods.method import Method
from workbench.models.tracing import Tracer
from workbench.records.batch import Batch
from workbench.records.budget import Budget
from workbench.records.plan import Player, StagePlan
from workbench.records.trace import Trace

Weights = Mapping[str, Mapping[str, Tensor]]


class Updater:
    """The students of a stage, their optimisers, and how a batch moves them.

    A method that overrides ``update`` gets this object as ``context`` and makes its step out of ``terms``, ``look``,
    ``ask``, ``check`` and ``minimise``; for all others the step stands here.

    Args:
        method: built.
        students: the models that learn, by party.
        guide: their teacher, None for nobody.
        budget: of the run.
        plan: the stage.
        device: where all of them are.
        averages: how a term becomes a number.

    Attributes:
        students: the models that learn, by party.
        players: parameter groups, by name.
        optimizers: one per player.
        moved: the parameters of each player that can move.
        probes: who measures a step now and then, None for nobody.
    """

    probes: Probes | None = None

    def __init__(
        self,
        method: Method,
        students: Mapping[str, nn.Module],
        guide: Fixed | None,
        budget: Budget,
        plan: StagePlan,
        *,
        device: torch.device,
        averages: Averages,
    ) -> None:
        """Hooks the students and makes the optimisers."""
        self._steps_itself = type(method).update is not Method.update
        self.method, self.students, self.guide = method, dict(students), guide
        self.budget, self.plan, self.averages = budget, plan, averages
        self.tracers = {party: Tracer(model, method.student_layers) for party, model in students.items()}
        self.players: dict[str, Player] = method.players(self.students)
        self.moved = {name: [p for p in player.parameters if p.requires_grad] for name, player in self.players.items()}
        self.optimizers = {
            name: optimizer_for(self.moved[name], budget, player.learning_rate) for name, player in self.players.items()
        }
        self.autocast = _autocast(budget.precision, device)
        self.steps_done = 0
        self._seen: Seen | None = None
        self._before: Batch | None = None

    def step(self, batch: Batch, progress: float, step: int) -> dict[str, float]:
        """Move every player that is due.

        Args:
            batch: as the loader made it.
            progress: share of the stage that is done, for the learning rate.
            step: number of this step in the run, for error messages.

        Returns:
            The weighted terms before the step.

        Raises:
            NotFinite: a term is NaN or infinite; nothing was moved by it. Or a weight is, as is looked at now and then.
        """
        factor = rate_factor(self.budget.schedule, progress)
        for optimizer in self.optimizers.values():
            set_rate(optimizer, factor)
        self._at = step
        batch = self.method.inputs(batch, self.students)
        values = self.method.update(self, batch) if self._steps_itself else self._descend(batch)
        if self.steps_done % EVERY == 0:
            self.check_weights()
        self.steps_done += 1
        self._seen, self._before = None, batch
        with torch.no_grad():
            student = self.students[self.plan.learner]
            self.method.after_step(student, batch)
            if self.guide is not None:
                self.guide.after_step(student)
        return values

    def _descend(self, batch: Batch) -> dict[str, float]:
        """Each player that is due descends (or climbs) the sum of its terms, one after the other."""
        values: dict[str, float] = {}
        for name, player in self.players.items():
            if self.steps_done % player.every:
                continue
            terms = self.terms(batch)
            owned = terms if player.terms is None else {k: v for k, v in terms.items() if player.terms(k)}
            values = self.check(owned) | values
            self.minimise(owned if player.sign == 1 else {k: player.sign * v for k, v in owned.items()}, name)
        return values

    def terms(self, batch: Batch, weights: Weights | None = None) -> dict[str, Tensor]:
        """The method's averaged terms on a batch, with gradients.

        Args:
            batch: what the models see.
            weights: by party and parameter name, tensors to be used instead of the student's own (one unrolled step).

        Raises:
            ValueError: the method returned no terms, or the stage keeps none of them.
        """
        with self.autocast:
            student, teacher = self.look(batch, weights), self.ask(batch)
            self._seen = Seen(student, teacher, batch)
            if self.probes is not None and self.probes.watching and weights is None:
                self.probes.saw(*self._seen)
            return self._averaged(self.method, student, teacher, batch)

    def _averaged(self, method: Method, student: Any, teacher: Any, batch: Batch) -> dict[str, Tensor]:
        raw = method(student, teacher, batch)
        kept = raw if self.plan.terms is None else {k: term for k, term in raw.items() if self.plan.terms(k)}
        if not kept:
            raise ValueError(f"stage {self.plan.name!r} keeps no loss term; {method.name} gave: {', '.join(raw)}")
        return {k: self.averages(k, term, batch) for k, term in kept.items()}

    def asked(self, method: Method, student: Any, teacher: Any, batch: Batch) -> dict[str, Tensor]:
        """As ``terms``, of a copy of the method and on traces that are there already."""
        with self.autocast:
            return self._averaged(method, student, teacher, batch)

    def look(self, batch: Batch, weights: Weights | None = None) -> Trace | tuple[Trace, ...]:
        """The students' traces of a batch: one, or a tuple in the order of the parties; ``weights`` as in ``terms``."""
        if weights is None:
            traces = tuple(tracer(batch.student_inputs) for tracer in self.tracers.values())
        else:
            traces = tuple(_look_with(t, weights.get(party, {}), batch) for party, t in self.tracers.items())
        return traces[0] if len(traces) == 1 else traces

    def ask(self, batch: Batch) -> Any:
        """The teacher's trace of a batch, None where nobody teaches."""
        return None if self.guide is None else self.guide(batch)

    def check(self, terms: dict[str, Tensor]) -> dict[str, float]:
        """The terms as finite numbers.

        Raises:
            NotFinite: one is not.
        """
        values = numbers(terms)
        if (term := first_of(values)) is not None:
            weights = broken(states(self.students))
            raise self._not_finite(f"loss term {term!r}", values[term], weights, term=term)
        return values

    def check_weights(self) -> None:
        """Refuse to go on with weights that are not finite.

        Raises:
            NotFinite: a weight of a learner or of the method is NaN or infinite; the error names it.
        """
        moved = [parameter for parameters in self.moved.values() for parameter in parameters]
        if not all_finite(moved) and (found := broken(states({**self.students, "method": self.method}))):
            raise self._not_finite(*found, found, parameter=found[0])

    def check_everything(self) -> None:
        """Refuse to go on with weights that are not finite, or with NaN in a buffer or in a teacher that follows.

        Raises:
            NotFinite: there is one; the error names it.
        """
        self.check_weights()
        follower = {} if self.guide is None else self.guide.state()
        held = (*states({**self.students, "method": self.method}), *self._following(follower))
        if found := broken(held, infinite=False):
            raise self._not_finite(*found, found, parameter=found[0])

    @staticmethod
    def _following(state: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
        return [(f"{name!r} of the teacher that follows the student", tensor) for name, tensor in state.items()]

    def _not_finite(self, what: str, value: float, weights: tuple[str, float] | None, **about: str) -> NotFinite:
        seen = [] if self._seen is None else [self._seen]
        if self._before is not None:
            with torch.no_grad():
                seen.append(Seen(None, self.ask(self._before), self._before))
        rate = max(group["lr"] for optimizer in self.optimizers.values() for group in optimizer.param_groups)
        details = {"value": str(value), "step": self._at, "stage": self.plan.name}
        return NotFinite(what, advice(seen, weights, rate), **about, **details)

    def minimise(self, terms: dict[str, Tensor], player: str) -> None:
        """One optimiser step of a player down the sum of some terms."""
        optimizer, moved = self.optimizers[player], self.moved[player]
        if self.probes is not None and self.probes.watching:
            self.probes.take(terms, player, self.asked)
        for parameter in moved:  # what zero_grad does, without its 30 microseconds of bookkeeping
            parameter.grad = None
        if (rule := self.method.gradient_rule) is not None:
            self._ruled(rule, terms, player)
        elif terms:
            loss = reduce(add, terms.values())
            if loss.requires_grad:
                loss.backward(inputs=None if len(self.players) == 1 else moved)
        if self.budget.clip is not None:
            clip(moved, self.budget.clip)
        optimizer.step()

    def _ruled(self, rule: Any, terms: dict[str, Tensor], player: str) -> None:
        moved = self.moved[player]
        gradients = {
            name: list(torch.autograd.grad(term, moved, retain_graph=True, allow_unused=True))
            for name, term in terms.items()
            if term.requires_grad
        }
        combined = rule.combine(gradients, player)
        for parameter, gradient in zip(moved, combined, strict=True):
            parameter.grad = gradient

    def state(self) -> dict[str, Any]:
        """Optimisers and cadence."""
        return {"steps_done": self.steps_done, "optimizers": {k: o.state_dict() for k, o in self.optimizers.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.steps_done = state["steps_done"]
        for name, saved in state["optimizers"].items():
            self.optimizers[name].load_state_dict(saved)


class _Look(nn.Module):
    """A tracer as a module, so that its model can be called with other weights."""

    def __init__(self, tracer: Tracer) -> None:
        super().__init__()
        self.model, self.tracer = tracer.module, tracer

    def forward(self, inputs: Any) -> Trace:
        return self.tracer(inputs)


def _look_with(tracer: Tracer, weights: Mapping[str, Tensor], batch: Batch) -> Trace:
    named = {f"model.{name}": tensor for name, tensor in weights.items()}
    return functional_call(_Look(tracer), named, (batch.student_inputs,))


def _autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    if precision == "float32" or (precision == "auto" and device.type != "cuda"):
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
