"""A few of a run's steps are measured from the graph they have made anyway: the numbers the loss doctor reads.

Nothing of the training moves for it: gradients are asked for without writing them, no pass of the student is added, and
what is asked of the teacher or of a copy of the method draws from random numbers of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

import torch
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.engine.streams import repeatable
from workbench.maths import probing
from workbench.methods.method import Method
from workbench.models.layers import evaluating
from workbench.models.learners import CallableTeacher
from workbench.models.tracing import Tracer
from workbench.records import probes as named
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.trace import Trace

PER_RUN = 10
"""Target number of probed steps of a run; 0 disables probing."""
ROWS = 64
"""Rows of the outputs whose softness and scale are measured."""
HOT = 30.0
"""A temperature is hot when it is so many times the spread of the logits: all powers of it are pure there."""

Terms = dict[str, Tensor]
Ask = Callable[[Method, Any, Any, Batch], Terms]


def spacing(steps: int) -> int:
    """Interval between two probed steps in a run of that many steps, the first of which is probed; 0 disables probing."""
    return max(1, round(steps / PER_RUN)) if PER_RUN else 0


class Probes:
    """Watches one step at a time, if it is told to.

    Args:
        method: of the run.
        learner: whose parameters count.
        moved: the parameters of each player.
        task: of the setting.

    Attributes:
        watching: True from ``watch`` until the step has been measured.
        news: True from then until it is ``taken``.
    """

    def __init__(self, method: Method, learner: nn.Module, moved: Mapping[str, Sequence[Tensor]], task: str) -> None:
        """Finds out which players move the learner."""
        own = {id(parameter) for parameter in learner.parameters()}
        self._watched = {name: [p for p in ps if id(p) in own] for name, ps in moved.items()}
        self._other = {name: [p for p in ps if id(p) not in own] for name, ps in moved.items()}
        self._method, self._rows_are_known = method, task in ("classification", "tokens")
        self.watching, self.news, self._all, self._seen = False, False, False, None
        self._looked_at: bool | None = None
        self._values: dict[str, float] = {}
        self._trouble = ""

    def watch(self, *, everything: bool) -> None:
        """Measure the next step; ``everything`` includes what does not change during a run."""
        self.watching, self._all, self._seen = bool(self._watched), everything, None

    def taken(self) -> tuple[dict[str, float], str]:
        """What was measured since the last call, and why there will be no more; both mostly empty."""
        values, trouble, self._values, self._trouble = self._values, self._trouble, {}, ""
        self._seen, self.news = None, False
        return values, trouble

    def saw(self, student: Any, teacher: Any, batch: Batch) -> None:
        """The traces the terms of this step are made of."""
        self._seen = student, teacher, batch

    def take(self, terms: Terms, player: str, ask: Ask) -> None:
        """The terms of this step, before a player moves along them; only the first that moves the learner is measured.

        Args:
            terms: averaged, with their graph.
            player: who moves.
            ask: (method, student, teacher, batch) -> averaged terms, to ask a copy of the method.
        """
        if not self.watching or not self._watched.get(player):
            return
        self.watching, self.news = False, True
        if any(named.kind_of(name) != "labels" for name in terms):
            try:
                self._values = self._measured(terms, player, ask)
            except RuntimeError as error:  # a graph that can be walked once only, or no memory to walk it twice
                self._trouble = f"the loss doctor sees no more of this stage: {str(error).splitlines()[0]}"
                self._watched = {}

    def _measured(self, terms: Terms, player: str, ask: Ask) -> dict[str, float]:
        found = self._gradients(terms, player)
        if self._seen is not None and self._answers(terms, self._seen[0]):
            found |= self._outputs(*self._seen[:2], self._seen[2].labels)
            if self._all:
                found |= self._exponent(*self._seen, ask)
        return found

    def _gradients(self, terms: Terms, player: str) -> dict[str, float]:
        gram = probing.gradient_gram([*terms.values()], self._watched[player])
        lengths, cosines = probing.length_and_cosines(gram, [*terms])
        found = {f"{named.GRADIENT}{name}": length for name, length in lengths.items()}
        found |= {f"{named.COSINE}{a}{named.AND}{b}": value for (a, b), value in cosines.items()}
        others, lost = self._other[player], [name for name, length in lengths.items() if length == 0]
        if others and lost:
            gram = probing.gradient_gram([terms[name] for name in lost], others)
            lengths, _ = probing.length_and_cosines(gram, lost)
            found |= {f"{named.ELSEWHERE}{name}": length for name, length in lengths.items()}
        return found

    def _answers(self, terms: Terms, student: Any) -> bool:
        """Whether any term of this stage looks at the student's outputs; a layer before them may be all that learns."""
        if not self._rows_are_known or not isinstance(student, Trace) or not student.outputs.requires_grad:
            return False
        if self._looked_at is None:
            grads = (
                torch.autograd.grad(term, student.outputs, retain_graph=True, allow_unused=True)
                for term in terms.values()
                if term.requires_grad
            )
            self._looked_at = any(gradient is not None for (gradient,) in grads)
        return self._looked_at

    @torch.no_grad()
    def _outputs(self, student: Trace, teacher: Any, labels: Tensor | None) -> dict[str, float]:
        parties = {"student": student} | ({"teacher": teacher} if isinstance(teacher, Trace) else {})
        rows = {party: _rows(trace.outputs, labels) for party, trace in parties.items()}
        found: dict[str, float] = {}
        if "teacher" in rows and rows["teacher"].shape == rows["student"].shape:
            found[named.LOGIT_SCALE] = float(probing.logit_scale(rows["student"], rows["teacher"]))
            found[named.EFFECTIVE_TEMPERATURE] = probing.effective_temperature(rows["student"], rows["teacher"])
        if self._all:
            for party, each in rows.items():
                found[named.PROBABILITIES + party] = probing.share_of_probabilities(each)
                found[named.LOG_PROBABILITIES + party] = probing.share_of_log_probabilities(each)
        return found

    def _exponent(self, student: Trace, teacher: Any, batch: Batch, ask: Ask) -> dict[str, float]:
        """The method's distillation terms at two high temperatures, on the outputs of this step."""
        method = _tempered(self._method)
        if method is None or not isinstance(teacher, Trace):
            return {}
        gradients: dict[float, Tensor] = {}
        own: Any = method.temperature
        outputs = student.outputs.detach().float()
        hot = HOT * max(1.0, float(outputs.std()), float(teacher.outputs.std()))
        try:
            with repeatable(outputs.device), torch.enable_grad():
                twin: Any = copy.deepcopy(method)
                for temperature in (hot, 2 * hot):
                    twin.temperature, leaf = temperature, outputs.clone().requires_grad_()
                    terms = ask(twin, Trace(leaf), teacher, batch)
                    soft = reduce(add, [term for n, term in terms.items() if named.kind_of(n) == "distillation"])
                    gradients[temperature] = torch.autograd.grad(soft, leaf)[0]
        except Exception:  # a method of one's own may do anything with its temperature; then this stays unknown
            return {}
        if any(not gradient.any() for gradient in gradients.values()):  # terms that are still warming up
            return {}
        exponent = probing.power_of_temperature(gradients)
        return {named.TEMPERATURE: float(own), named.TEMPERATURE_EXPONENT: exponent}


def _rows(outputs: Tensor, labels: Tensor | None) -> Tensor:
    """Some rows of outputs (B, C) or (B, L, V), of labelled positions only where positions have labels: (N, C)."""
    rows = outputs.float().flatten(0, -2)
    if outputs.dim() == 3 and labels is not None and labels.shape == outputs.shape[:2]:
        rows = rows[(labels.flatten() != UNLABELLED).nonzero().squeeze(1)[:ROWS]]
    return rows[:ROWS]


def _tempered(method: Method) -> Method | None:
    """The part of a method that has a temperature and nothing to remember, so that a copy of it can be asked."""
    for part in method.modules():
        if isinstance(part, Method) and type(getattr(part, "temperature", None)) in (int, float):
            layers = part.student_layers or part.teacher_layers
            return None if layers or any(True for _ in (*part.parameters(), *part.buffers())) else part
    return None


def habits(teachers: Sequence[tuple[nn.Module, TransferSet]]) -> dict[str, float]:
    """Whether teachers in evaluation mode are deterministic and independent of the other samples of a batch.

    Args:
        teachers: as they are, each with samples, of which it is asked about the first four; what a pass changes in them is
            put back.
    """
    found = [
        _habit(teacher, data)
        for teacher, data in teachers
        if not isinstance(teacher, CallableTeacher) and data.paired and not data.full_batch and len(data) > 1
    ]
    if not found:
        return {}
    training, wobble = (max(values) for values in zip(*found, strict=True))
    return {named.TEACHER_TRAINING: training, named.TEACHER_WOBBLE: wobble}


def _habit(teacher: nn.Module, data: TransferSet) -> tuple[float, float]:
    buffers = [(buffer, buffer.clone()) for buffer in teacher.buffers()]
    try:
        with evaluating(teacher), torch.no_grad(), repeatable(data.ids.device):
            training = float(sum(part.training for part in teacher.modules()))
            said = []
            for count in (4, 2):
                rows = torch.arange(min(count, len(data)), device=data.ids.device)
                said.append(Tracer(teacher)(data.batch(rows).for_teacher).outputs.float())
    finally:
        for buffer, before in buffers:
            buffer.copy_(before)
    first, again = said[0][: len(said[1])], said[1]
    if first.shape != again.shape:  # texts that are padded to the longest of their batch
        return training, float("nan")
    return training, float((first - again).abs().max() / first.std().clamp(min=1e-12))
