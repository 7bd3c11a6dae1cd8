"""The contract every distillation method keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from workbench.maths.tasks import task
from workbench.records.arguments import checked_arguments
from workbench.records.batch import Batch
from workbench.records.parameters import Checked, check
from workbench.records.plan import Facts, Player, StagePlan
from workbench.records.provenance import Citation, Cost, Evidence, Progress
from workbench.records.trace import Trace

Traces = Trace | tuple[Trace, ...] | None
TeacherSource = Literal["fixed", "ema", "snapshot", "same_weights"]


OF_FEATURES = ("classification", "multilabel", "regression")
"""The tasks of a method that compares features and reads neither classes nor positions."""
OF_MAPS = (*OF_FEATURES, "dense")
"""Those of one that compares maps of stages, which nets with one answer per pixel have, too."""


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
        """One step of another form, such as a one-step unrolled bilevel problem.

        Args:
            context: the engine's ``Updater``: ``students``, ``players``, ``optimizers``, ``moved`` (parameters) by name;
                ``terms(batch, weights)`` and ``look(batch, weights)`` (traces), with other weights than the students'
                own if wanted; ``ask(batch)`` (the teacher's trace); ``check(terms)``; ``minimise(terms, player)``.
            batch: as ``inputs`` left it.

        Returns:
            The terms as numbers, from ``context.check``; by default every player that is due moves along its terms.
        """
        return context.update(batch)

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
        from workbench.methods.composition import Sum

        return Sum(first, self)


def _changes_others(method: Method) -> bool:
    """Whether it is about how another one matches or moves, whichever of the two is named first."""
    return type(method).added_to is not Method.added_to


def _owner(party: str, parties: tuple[str, ...]) -> Any:
    def owns(term: str) -> bool:
        prefix = term.split(".", 1)[0]
        return (prefix if prefix in parties else "student") == party

    return owns
