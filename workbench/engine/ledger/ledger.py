"""What a run costs, written down while it goes on: who used the seconds, the processor, the operations and the joules.

A run is a generator of events, and it works only between two of them. So the ledger stands around the generator, looks
at the clock when it is asked for an event and when it hands one over, and charges what passed to the stage that the
event tells of. What the reader of the events does in between, a pause included, is charged to nobody. Operations are
counted at the first step of each input shape, and from then on by tallying steps.

Work inside a run that others may use again (training the teacher, asking it about all samples) has a ledger of its own;
the outer one leaves that time out and takes the rows over, so that every second is in one row only.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar

from workbench.energy.account import Account
from workbench.energy.cost import Cost, together
from workbench.energy.flops import FlopCounter
from workbench.energy.ladder import meters_here, missing_here
from workbench.energy.poller import Poller
from workbench.energy.presets import likely_preset
from workbench.engine.ledger.sensing import Sensing
from workbench.engine.ledger.spending import STAGES, learning
from workbench.records import events

Stream = Generator[events.Event, None, Any]
Namer = Callable[[events.Event], str]
Paid = Literal["now", "earlier", "given"]
Found = TypeVar("Found")

_running = threading.local()


@dataclass(frozen=True)
class Pass:
    """What a step, or a forward pass, of one input shape amounts to."""

    amounts: Mapping[str, int]
    flops: Mapping[str, float]
    uncounted: frozenset[str] = field(default_factory=frozenset)


class Ledger:
    """The rows of one run.

    Args:
        who: whose operations those of the model in hand are.

    Attributes:
        known: what each kind of step and pass amounts to.
        passes: the steps and passes since the last event.
        stepped: whether an optimiser step was among them.
    """

    def __init__(self, who: str = "student") -> None:
        """Inside the work of another ledger, its sensors and its counts are shared."""
        self.who, self._outer = who, running()
        self.known: dict[Hashable, Pass] = {} if self._outer is None else self._outer.known
        self._before: dict[str, Cost] = {}
        self._shared: dict[str, dict[str, Any]] = {}
        self._serving: dict[str, Cost] = {}
        self._tally: dict[str, dict[Hashable, int]] = {}
        self.passes: list[Hashable] = []
        self.stepped = False
        self._sensing, self._sessions, self._began = Sensing(), 1, time.time()

    @cached_property
    def _poller(self) -> Poller:
        return Poller(meters_here()) if self._outer is None else self._outer._poller

    @cached_property
    def _account(self) -> Account:
        return Account(self._poller)

    # --- while the run goes on -----------------------------------------------------------------------------------
    def watch(self, stream: Stream, name: Namer) -> Stream:
        """The same events and the same result; ``name`` tells the stage whose work led to an event."""
        if self._outer is None:
            self._poller.open()
            if self._poller.sensors:
                stream = self._sensing.watch(stream, self._poller.clock)
        stage, account = STAGES[0], self._account
        try:
            while True:
                inside = _stack()
                inside.append(self)
                account.resume()
                try:
                    event = next(stream)
                    stage = learning(event.party) if self.stepped else name(event)
                except StopIteration as done:
                    return done.value
                finally:
                    inside.pop()
                    spent = self.charge(stage)
                    if inside:
                        inside[-1]._account.exclude(*spent)
                yield event
        finally:
            stream.close()
            if self._outer is None:
                self._poller.close()

    def charge(self, stage: str) -> tuple[float, float]:
        """What was done since the last call belongs to this stage; returns its seconds, wall and processor."""
        if self.passes:
            tally = self._tally.setdefault(stage, {})
            for key in self.passes:
                tally[key] = tally.get(key, 0) + 1
            self.passes.clear()
            self.stepped = False
        return self._account.charge(stage)

    def learn(self, key: Hashable, act: Callable[[FlopCounter], Found], who: str, **amounts: int) -> Found:
        """Do something for the first time and remember what it amounts to."""
        with FlopCounter(who) as counter:
            found = act(counter)
        self.known[key] = Pass(amounts, dict(counter.flops), frozenset(counter.uncounted))
        self.passes.append(key)
        return found

    # --- what is bought once and used again ----------------------------------------------------------------------
    def bought(self, what: str, key: str, cost: Cost | None, paid: Paid) -> None:
        """Something that others may use too was made now, was made earlier, or was given.

        Args:
            what: ``teacher`` (its training) or ``teacher_outputs``.
            key: tells several of a kind apart; the same one is not bought twice.
            cost: None if unknown.
            paid: when.
        """
        if key in self._shared.setdefault(what, {}):
            return
        self._shared[what][key] = {"paid": paid, "cost": None if cost is None else cost.to_dict()}
        if paid == "now" and cost is not None:
            self._insert(cost)

    def served(self, party: str, cost: Cost | None, *, new: bool) -> None:
        """A model answered some samples, now or earlier; from this it is known what serving costs."""
        if cost is not None:
            before = self._serving.get(party)
            self._serving[party] = cost if before is None else before.plus(cost)
        if cost is not None and new:
            self._insert(cost)

    def _insert(self, cost: Cost) -> None:
        """A row that was written in between."""
        self._account.timeline.add(cost.wall_s, cost.cpu_s, cost.stage)
        self.take(cost)

    def take(self, cost: Cost) -> None:
        """Add a row that was written elsewhere."""
        before = self._before.get(cost.stage)
        self._before[cost.stage] = cost if before is None else before.plus(cost)

    # --- what is kept --------------------------------------------------------------------------------------------
    def costs(self) -> dict[str, Cost]:
        """The rows so far, in the usual order."""
        found = dict(self._before)
        for stage, tally in self._tally.items():
            self._expand(stage, tally)
        for stage, cost in self._account.costs().items():
            found[stage] = found[stage].plus(cost) if stage in found else cost
        return dict(sorted(found.items(), key=lambda row: STAGES.index(row[0]) if row[0] in STAGES else len(STAGES)))

    def _expand(self, stage: str, tally: Mapping[Hashable, int]) -> None:
        """Write the tallied steps out."""
        row = self._account.row(stage)
        row.amounts.clear()
        row.flops.clear()
        for key, times in tally.items():
            found = self.known[key]
            row.amounts.update({name: times * count for name, count in found.amounts.items()})
            row.flops.update({name: times * count for name, count in found.flops.items()})
            if found.uncounted:
                row.marks[f"operations without a formula: {', '.join(sorted(found.uncounted))}"] = None

    def total(self, stage: str) -> Cost:
        """All rows as one."""
        return together(self.costs().values(), stage)

    def state(self) -> dict[str, Any]:
        """Plain values from which an interrupted run goes on adding."""
        return {
            "stages": [cost.to_dict() for cost in self.costs().values()],
            "shared": {what: dict(found) for what, found in self._shared.items()},
            "serving": {party: cost.to_dict() for party, cost in self._serving.items()},
            "timeline": [list(point) for point in self._account.timeline.points],
            "sensed": self._sensing.curves(self._poller.sensors, self._poller.clock()),
            "sessions": self._sessions,
            "began": self._began,
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Go on from there; the teacher and its answers were bought then, whoever finds them now."""
        if state is None:
            return
        points = state["timeline"]
        self._account.timeline.resume(points)
        self._sensing.resume(state.get("sensed", ()), points[-1][0] if points else 0.0)
        for found in state["stages"]:
            self.take(Cost.from_dict(found))
        for what, found in state["shared"].items():
            self._shared[what] = self._shared.get(what, {}) | found
        self._sessions, self._began = state["sessions"] + 1, state["began"]

    def record(self, *, reads_teacher: bool) -> dict[str, Any]:
        """Everything, as it is kept with the run."""
        machine = {"cores": os.cpu_count(), "preset": likely_preset(), "lacking": dict(missing_here())}
        about = {"version": 1, "ended": time.time(), "reads_teacher": reads_teacher, "machine": machine}
        return {**self.state(), **about}


def running() -> Ledger | None:
    """The ledger of the work that this thread is doing."""
    inside = _stack()
    return inside[-1] if inside else None


def _stack() -> list[Ledger]:
    try:
        return _running.ledgers
    except AttributeError:
        _running.ledgers = found = []
        return found


def metered(stream: Stream, stage: str, who: str = "student") -> Generator[events.Event, None, tuple[Any, Cost]]:
    """Work with a ledger of its own; returns what it returned, and its cost as one row."""
    own = Ledger(who)
    value = yield from own.watch(stream, lambda event: stage)
    return value, own.total(stage)
