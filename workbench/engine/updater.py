"""One optimiser step: traces, terms, gradients, players."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from workbench.engine.guides import Fixed
from workbench.engine.optimisation import optimizer_for, rate_factor, set_rate
from workbench.engine.terms import average, check_finite
from workbench.methods.method import Method
from workbench.models.tracing import Tracer
from workbench.records.batch import Batch
from workbench.records.budget import Budget
from workbench.records.plan import Player, StagePlan


class Updater:
    """The students of a stage, their optimisers, and how a batch moves them.

    A method with an ``update`` of its own is handed this object and calls what it needs of it.

    Attributes:
        students: the models that learn, by party.
        players: parameter groups, by name.
        optimizers: one per player.
    """

    def __init__(
        self,
        method: Method,
        students: Mapping[str, nn.Module],
        guide: Fixed | None,
        budget: Budget,
        plan: StagePlan,
        *,
        device: torch.device,
        everyone_labelled: bool,
    ) -> None:
        """Hooks the students and makes the optimisers."""
        self.method, self.students, self.guide = method, dict(students), guide
        self.budget, self.plan, self.everyone_labelled = budget, plan, everyone_labelled
        self.tracers = [Tracer(student, method.student_layers) for student in students.values()]
        self.players: dict[str, Player] = method.players(self.students)
        self.optimizers = {
            name: optimizer_for(player.parameters, budget, player.learning_rate)
            for name, player in self.players.items()
        }
        self.autocast = _autocast(budget.precision, device)
        self.steps_done = 0

    def step(self, batch: Batch, rows: Tensor, progress: float, step: int) -> dict[str, float]:
        """Move every player that is due.

        Args:
            batch: as the loader made it.
            rows: where its samples stand in the transfer set.
            progress: share of the stage that is done, for the learning rate.
            step: number of this step in the run, for error messages.

        Returns:
            The weighted terms before the step.

        Raises:
            NotFinite: a term is NaN or infinite; nothing was moved by it.
        """
        factor = rate_factor(self.budget.schedule, progress)
        for optimizer in self.optimizers.values():
            set_rate(optimizer, factor)
        batch, self._rows, self._at = self.method.inputs(batch), rows, step
        own = getattr(self.method, "update", None)
        values = own(self, batch) if own is not None else self.update(batch)
        self.steps_done += 1
        with torch.no_grad():
            student = next(iter(self.students.values()))
            self.method.after_step(student, batch)
            if self.guide is not None:
                self.guide.after_step(student)
        return values

    def update(self, batch: Batch) -> dict[str, float]:
        """The default: each player in turn descends (or climbs) the sum of its terms."""
        values: dict[str, float] = {}
        for name, player in self.players.items():
            if self.steps_done % player.every:
                continue
            terms = self.terms(batch)
            owned = {k: v for k, v in terms.items() if player.terms is None or player.terms(k)}
            values |= self.check(owned)
            self.minimise({k: player.sign * v for k, v in owned.items()}, name)
        return values

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """The method's averaged terms on a batch, with gradients."""
        with self.autocast:
            raw = self.method(self.look(batch), self.ask(batch), batch)
            keep = self.plan.terms
            return {
                name: average(name, term, batch, everyone_labelled=self.everyone_labelled)
                for name, term in raw.items()
                if keep is None or keep(name)
            }

    def look(self, batch: Batch) -> Any:
        """The students' traces of a batch: one, or a tuple in the order of the parties."""
        traces = tuple(tracer(batch.student_inputs) for tracer in self.tracers)
        return traces if len(traces) > 1 else traces[0]

    def ask(self, batch: Batch) -> Any:
        """The teacher's trace of a batch, None where nobody teaches."""
        return None if self.guide is None else self.guide(batch, self._rows)

    def check(self, terms: dict[str, Tensor]) -> dict[str, float]:
        """The terms as finite numbers.

        Raises:
            NotFinite: one is not.
        """
        if not terms:
            return {}
        stacked = torch.stack([term.detach().float() for term in terms.values()])
        values = dict(zip(terms, stacked.tolist(), strict=True))
        check_finite(values, self._at, self.plan.name)
        return values

    def minimise(self, terms: dict[str, Tensor], player: str) -> None:
        """One optimiser step of a player down the sum of some terms."""
        optimizer = self.optimizers[player]
        moved = [p for group in optimizer.param_groups for p in group["params"]]
        optimizer.zero_grad(set_to_none=True)
        if self.method.gradient_rule is not None:
            self._ruled(terms, moved)
        elif terms:
            loss = sum(terms.values())
            if loss.requires_grad:
                loss.backward(inputs=moved if len(self.players) > 1 else None)
        if self.budget.clip is not None:
            nn.utils.clip_grad_norm_(moved, self.budget.clip)
        optimizer.step()

    def _ruled(self, terms: dict[str, Tensor], moved: list[nn.Parameter]) -> None:
        gradients = {
            name: list(torch.autograd.grad(term, moved, retain_graph=True, allow_unused=True))
            for name, term in terms.items()
            if term.requires_grad
        }
        for parameter, gradient in zip(moved, self.method.gradient_rule.combine(gradients), strict=True):
            parameter.grad = gradient

    def state(self) -> dict[str, Any]:
        """Optimisers and cadence."""
        return {"steps_done": self.steps_done, "optimizers": {k: o.state_dict() for k, o in self.optimizers.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.steps_done = state["steps_done"]
        for name, saved in state["optimizers"].items():
            self.optimizers[name].load_state_dict(saved)


def _autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    if precision == "float32" or (precision == "auto" and device.type != "cuda"):
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
