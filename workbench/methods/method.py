"""The contract every distillation method keeps."""

from __future__ import annotations

# pyright: reportArgumentType=true, reportAssignmentType=true, reportAttributeAccessIssue=true, reportCallIssue=true
# pyright: reportGeneralTypeIssues=true, reportIndexIssue=true, reportOperatorIssue=true, reportReturnType=true
# pyright: reportOptionalMemberAccess=true, reportOptionalSubscript=true
import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from workbench.maths.tasks import task
from workbench.records.arguments import checked_arguments
from workbench.records.batch import Batch
from workbench.records.parameters import Checked, check
from workbench.records.plan import Facts, Player, StagePlan
from workbench.records.provenance import Citation, Cost, Evidence, Learns, Need, Progress, Reads
from workbench.records.trace import Trace

PUBLISHED: Mapping[frozenset[str], Mapping[str, float]] = {
    frozenset({"kd", "crd"}): {"kd.label_weight": 1.0, "kd.soft_weight": 1.0, "crd.weight": 0.8},
    frozenset({"kd", "norm_direction"}): {"kd.label_weight": 1.0, "kd.soft_weight": 1.0, "norm_direction.weight": 1.0},
}
"""The weights of what was published as a sum, whose parts alone have others.

- CRD+KD: HobbitLong/RepDistiller (authors), scripts/run_cifar_distill.sh at b0722bc8ae38f374958797e73e04ab0ec9b1b69d.
- KD++: WangYZ1608/Knowledge-Distillation-via-ND (authors), CIFAR/train_cifar_kd.py at
  3b2ff1be19ad17a7a08e6a056478a590a7a76a82, its defaults; CIFAR/README.md and train_cifar.sh have others for some pairs.
"""
Traces = Trace | tuple[Trace, ...] | None
TeacherSource = Literal["fixed", "ema", "snapshot", "same_weights"]
OF_FEATURES = ("classification", "multilabel", "regression")  # of a method that reads neither classes nor positions
OF_MAPS = (*OF_FEATURES, "dense")  # of one that compares maps of stages, which nets with an answer per pixel have, too
SEAMS = ("stages", "players", "inputs", "prepare", "deployed", "update", "students", "teacher_source")
"""Hooks that a method must not override if it is to be added to another."""
ANY_OF_A_SUM = ("reads_teacher", "relates_samples", "own_inputs", "teacher_input_gradient")


class Method(nn.Module, metaclass=Checked):
    """One distillation method: what the student is asked to match.

    The constructor only stores its arguments; its signature is the configuration. Arguments are checked against its
    annotations before it runs. Every number in it may be moved while a run is going on, so ``forward`` reads it
    afresh. All state is in ``state_dict``.

    Class attributes a method declares:
        citation: the paper of record.
        evidence: what was read, and what was filled in.
        progress: the term that must move if it works, and where to.
        cost: how long its run takes beside one of ``kd``, as ``workbench bench --methods`` measures; None was not measured.
        aliases: acronyms it is also found under.
        tasks: the tasks whose output layout it accepts.
        reads_teacher: False for methods without a teacher; they are called with ``teacher=None``.
        reads_outputs: False for methods that look at a teacher's features only, never at its outputs.
        teacher_source: who the teacher is; ``fixed`` is the stage's teacher, frozen.
        teacher_input_gradient: True lets gradients flow through the teacher to its inputs.
        own_inputs: True if both models are shown what the method makes itself, so that nobody can be given the teacher's
            answer to another sample.
        relates_samples: True if what it asks of a sample depends on the others in the batch; the weight of a sample then scales
            its own share of a term, not what it is to the others.
        students: how many students learn together; with more than one, ``student`` is a tuple of traces.
        terms: names of the loss terms that ``forward`` may return, ``peer_k`` standing for every peer.
        reads: what it looks at in the nets.
        learns: what is trained besides the student.
        partner: who the student is matched with, for pictures; None if that follows from the attributes above.
        needs: what a net must have beyond inputs and outputs; ``build`` refuses one that lacks it.

    Attributes:
        stage: name of the stage that runs.
        student_layers: features to record of each student; ``build`` names them.
        teacher_layers: features to record of each teacher.
        gradient_rule: None, or an ``nn.Module`` (its buffers are kept with the run) whose ``combine(gradients, player)``
            takes, for each term, the gradients of the player's parameters (None where one does not depend on it), and
            returns one gradient for each parameter.
    """

    citation: ClassVar[Citation]
    evidence: ClassVar[Evidence]
    progress: ClassVar[Progress]
    cost: ClassVar[Cost | None] = None
    aliases: ClassVar[tuple[str, ...]] = ()
    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    reads_teacher: ClassVar[bool] = True
    reads_outputs: ClassVar[bool] = True
    teacher_source: ClassVar[TeacherSource] = "fixed"
    teacher_input_gradient: ClassVar[bool] = False
    own_inputs: ClassVar[bool] = False
    relates_samples: ClassVar[bool] = False
    students: ClassVar[int] = 1
    terms: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[Reads] = Reads()
    learns: ClassVar[Learns] = Learns()
    partner: ClassVar[str | None] = None
    needs: ClassVar[tuple[Need, ...]] = ()

    def __init__(self) -> None:
        """Nothing but defaults; ``build`` makes what depends on the models."""
        super().__init__()
        self.stage = ""
        self.gradient_rule: nn.Module | None = None
        self.student_layers: tuple[str, ...] = ()
        self.teacher_layers: tuple[str, ...] = ()
        self._label_loss = task("classification").label_loss

    # --- configuration -------------------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        """The catalogue's key, which is the name of its file; of one's own methods the name of the class."""
        package, _, file = type(self).__module__.rpartition(".")
        return file if package.startswith("workbench.methods.") else type(self).__name__

    @property
    def leaks_test(self) -> bool:
        """Whether it looks at test data on purpose while training, as its authors did; bars it from studies."""
        return False

    def config(self) -> dict[str, Any]:
        """The constructor's arguments as they stand now.

        Raises:
            TypeError: The constructor does not store an argument under its own name.
        """
        names = [*type(self).__signature__.parameters]
        missing = [name for name in names if not hasattr(self, name)]
        if missing:
            name = missing[0]
            raise TypeError(
                f"{type(self).__name__} does not store its argument {name!r}, which is part of its configuration: "
                f"write self.{name} = {name} in its constructor"
            )
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        """How to make it again: the class with its configuration, ``?`` for an argument that is not kept."""
        names = type(self).__signature__.parameters
        values = [f"{name}={getattr(self, name)!r}" if hasattr(self, name) else f"{name}=?" for name in names]
        return f"{type(self).__name__}({', '.join(values)})"

    @checked_arguments
    def checked(self, name: str, value: Any) -> Any:
        """A value that ``change`` would take, as the type it has there.

        Raises:
            KeyError: no such parameter; the message lists them.
            ValueError: outside its annotated range or choices.
        """
        return check(type(self), name, value)

    @checked_arguments
    def change(self, name: str, value: Any) -> None:
        """Move one parameter of the configuration; takes effect at the next step; refuses what ``checked`` refuses."""
        setattr(self, name, self.checked(name, value))

    # --- seams with defaults -------------------------------------------------------------------------------------
    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Make adapters and banks, and name the layers to be traced; extend, do not replace.

        Args:
            student_model: the student as ``prepare`` left it (with several students, the first).
            teacher_model: the teacher, None for methods without one.
            example: a batch of two or more samples.
            facts: sizes and lengths of the run.
        """
        if facts.task not in self.tasks:
            raise ValueError(f"{self.name} works on {', '.join(self.tasks)}; this setting's task is {facts.task}")
        self._label_loss = task(facts.task).label_loss

    def prepare(self, student: nn.Module) -> nn.Module:
        """The student that is trained; may wrap or extend the one given."""
        return student

    def deployed(self, student: nn.Module) -> nn.Module:
        """The student that is scored, counted and saved."""
        return student

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """The batch all models see: mixup, other views, synthesised queries, text sampled from a student.

        A method that overrides it always asks its teacher afresh; nothing it says is kept.
        """
        return batch

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """Who trains on what next; one stage unless the paper needs more."""
        return (StagePlan(teacher="teacher" if self.reads_teacher else None),)

    def schedule(self, progress: float) -> None:
        """Called before each step with the share of the run that is done, in [0, 1)."""

    def players(self, students: Mapping[str, nn.Module]) -> dict[str, Player]:
        """Parameter groups, each with its own optimiser; by default each student, the first with the adapters.

        With several students a term ``<party>.<name>`` belongs to that party, any other to ``student``.
        """
        owned = {party: [*model.parameters()] for party, model in students.items()}
        owned[next(iter(owned))] += self.parameters()
        if len(owned) == 1:
            return {party: Player(ps) for party, ps in owned.items()}
        return {party: Player(ps, terms=_owner(party, tuple(students))) for party, ps in owned.items()}

    def update(self, context: Any, batch: Batch) -> dict[str, float]:
        """One step of another form, such as a bilevel one; without it every player that is due moves along its terms.

        Args:
            context: the engine's ``Updater``: ``students``, ``players``, ``optimizers``, ``moved`` (parameters) by name;
                ``terms(batch, weights)`` and ``look(batch, weights)`` (traces), with other weights than the students'
                own if wanted; ``ask(batch)`` (the teacher's trace); ``check(terms)``; ``minimise(terms, player)``.
            batch: as ``inputs`` left it.

        Returns:
            The terms as numbers, from ``context.check``.
        """
        raise NotImplementedError

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """Called after each optimiser step, without gradients."""

    def after_epoch(self, student: nn.Module, confusion: Tensor | None) -> None:
        """Called after each epoch.

        Args:
            student: as it stands.
            confusion: counts, (C, C) rows by label, of validation samples; of test samples if the method ``leaks_test``;
                None where the task has no classes.
        """

    def targets(self, teacher: Trace, batch: Batch) -> tuple[Tensor, Tensor]:
        """Soft targets (B, C) and sample weights (B,), for students that are fitted instead of trained by gradients.

        Raises:
            TypeError: the method is more than a set of targets.
        """
        raise TypeError(f"{self.name} is not a method of pure targets; students without gradients need one such as kd")

    def forward(self, student: Traces, teacher: Traces, batch: Batch) -> dict[str, Tensor]:
        """Named, already weighted terms of shape () or (B,).

        ``labels`` is the task loss, ``reg_*`` are regularisers, everything else is distillation.
        """
        raise NotImplementedError

    # --- for the writers of methods ------------------------------------------------------------------------------
    def label_loss(self, student: Trace, batch: Batch) -> Tensor:
        """The task's loss per sample, (B,); 0 where a sample has no label."""
        if batch.labels is None:
            return student.outputs.new_zeros(len(batch.ids))
        return self._label_loss(student.outputs, batch.labels)

    def __add__(self, other: Method) -> Method:
        """A composition: by default a sum of terms with prefixed names and one ``labels`` term, the first method's.

        Terms and weights do not depend on the order, but for the weight of the labels: it is the first method's own, unless
        the sum was published with another one, as in ``composition.PUBLISHED``. Two methods that are both about another one
        act in their order.
        """
        if _changes_others(self) and not _changes_others(other):
            return self.added_to(other)
        return other.added_to(self)

    def added_to(self, first: Method) -> Method:
        """What ``first + self`` is; overridden where a method is about how another one matches or moves."""
        return Sum(first, self)


def _changes_others(method: Method) -> bool:
    """Whether it is about how another one matches or moves, whichever of the two is named first."""
    return type(method).added_to is not Method.added_to


def _owner(party: str, parties: tuple[str, ...]) -> Any:
    def owns(term: str) -> bool:
        prefix = term.split(".", 1)[0]
        return (prefix if prefix in parties else "student") == party

    return owns


class Sum(Method):
    """``kd + crd``: the first method's labels term, and every method's other terms under its name.

    The order says whose labels term there is, with that method's own weight, and how the sum is called; nothing else depends
    on it. A pair in ``PUBLISHED`` whose methods both have their default configuration gets the weights of that publication.

    Args:
        methods: two or more methods of one stage and one student each.

    Raises:
        ValueError: more than one has a gradient rule, or one has stages, players or inputs of its own.
    """

    def __init__(self, *methods: Method) -> None:
        """Keeps the methods; nested sums are flattened."""
        super().__init__()
        flat = [m for given in methods for m in (given.parts if isinstance(given, Sum) else [given])]
        self.methods = nn.ModuleList(_as_published(flat))
        if len({m.name for m in flat}) < len(flat):
            raise ValueError(f"each method once in a sum; given: {', '.join(m.name for m in flat)}")
        rules = [m for m in flat if m.gradient_rule is not None]
        if len(rules) > 1:
            raise ValueError(f"at most one gradient rule in a sum; given: {', '.join(m.name for m in rules)}")
        self.gradient_rule = rules[0].gradient_rule if rules else None
        for seam in SEAMS:
            owners = [m.name for m in flat if getattr(type(m), seam) is not getattr(Method, seam)]
            if owners:
                raise ValueError(f"{', '.join(owners)} brings its own {seam} and cannot be added to another method")
        about: dict[str, Any] = {name: any(getattr(m, name) for m in flat) for name in ANY_OF_A_SUM}
        tasks = tuple(t for t in flat[0].tasks if all(t in m.tasks for m in flat))
        outputs = any(m.reads_teacher and m.reads_outputs for m in flat)
        for name, value in {**about, "tasks": tasks, "reads_outputs": outputs}.items():
            setattr(self, name, value)

    @property
    def parts(self) -> list[Method]:
        """The methods."""
        return [part for part in self.methods if isinstance(part, Method)]

    @property
    def name(self) -> str:
        """The names joined by a plus."""
        return "+".join(m.name for m in self.parts)

    @property
    def leaks_test(self) -> bool:
        """Whether one of them does."""
        return any(m.leaks_test for m in self.parts)

    def config(self) -> dict[str, Any]:
        """Every method's configuration, keys prefixed by its name."""
        return {f"{m.name}.{key}": value for m in self.parts for key, value in m.config().items()}

    def __repr__(self) -> str:
        """The methods joined by a plus."""
        return " + ".join(map(repr, self.methods))

    @checked_arguments
    def checked(self, name: str, value: Any) -> Any:
        """A value for ``method.parameter``."""
        owner, parameter = self._owner(name)
        return owner.checked(parameter, value)

    @checked_arguments
    def change(self, name: str, value: Any) -> None:
        """Move ``method.parameter``."""
        owner, parameter = self._owner(name)
        owner.change(parameter, value)

    def _owner(self, name: str) -> tuple[Method, str]:
        owner, _, parameter = name.partition(".")
        found = [m for m in self.parts if m.name == owner]
        if not found:
            raise KeyError(f"no parameter {name!r}; known: {', '.join(self.config())}")
        return found[0], parameter

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Builds each and unites the layers they read."""
        super().build(student_model, teacher_model, example, facts)
        for method in self.parts:
            method.build(student_model, teacher_model, example, facts)
        self.student_layers = tuple(dict.fromkeys(layer for m in self.parts for layer in m.student_layers))
        self.teacher_layers = tuple(dict.fromkeys(layer for m in self.parts for layer in m.teacher_layers))

    def schedule(self, progress: float) -> None:
        """Passed on."""
        for method in self.parts:
            method.schedule(progress)

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """Passed on."""
        for method in self.parts:
            method.after_step(student, batch)

    def after_epoch(self, student: nn.Module, confusion: Tensor | None) -> None:
        """Passed on."""
        for method in self.parts:
            method.after_epoch(student, confusion)

    def forward(self, student: Traces, teacher: Traces, batch: Batch) -> dict[str, Tensor]:
        """The united terms."""
        terms: dict[str, Tensor] = {}
        for method in self.parts:
            for key, value in method(student, teacher if method.reads_teacher else None, batch).items():
                if key == "labels":
                    terms.setdefault("labels", value)
                else:
                    terms[f"{method.name}.{key}"] = value
        return terms


def _as_published(methods: Sequence[Method]) -> Sequence[Method]:
    """The methods; if they were published together and stand at their defaults, copies with the weights of that."""
    weights = PUBLISHED.get(frozenset(m.name for m in methods), {})
    if not weights or any(m.config() != type(m)().config() for m in methods):
        return methods
    made = {m.name: copy.deepcopy(m) for m in methods}
    for key, value in weights.items():
        name, _, parameter = key.partition(".")
        made[name].change(parameter, value)
    return [*made.values()]
