"""From finished runs to everything the divergence is estimated from: logits, gaps, readouts and weights.

How it is measured: every student, and every teacher once, answers the test samples and those it learnt from.
When it misleads: a teacher that learnt from more samples than its student has its gap on those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from workbench.diagnostics.bundle import bundle_of, digest
from workbench.diagnostics.divergence.measure_alignment import Weights, aligned, chain_of, check_same_space, weights_of
from workbench.diagnostics.divergence.measure_gaps import Gaps, generalization_gaps
from workbench.diagnostics.divergence.measure_langevin import langevin_chain
from workbench.diagnostics.divergence.measure_steps import BATCH, last_steps
from workbench.diagnostics.flatness.measure_models import loss_of
from workbench.diagnostics.flatness.measure_objective import Loss, pieces_of
from workbench.records.run import Run
from workbench.records.wording import plural

if TYPE_CHECKING:
    from torch import nn

    from workbench.data.transfer import TransferSet
    from workbench.records.revived import Revived
    from workbench.settings.setting import Setting

Tell = Callable[[float, str], object]
Walk = Callable[..., np.ndarray]
FITTED, PROBES = 1000, 40


class Heads(NamedTuple):
    """Inputs and mean logits for ``linear_exact``: (N, D), (N, C), (N, C) and the probes (n, D)."""

    features: np.ndarray
    student_outputs: np.ndarray
    teacher_outputs: np.ndarray
    probes: np.ndarray


class Spaces(NamedTuple):
    """Weights of students and teachers in one space, hidden units in the same order.

    Attributes:
        students: one mapping per seed.
        teachers: likewise.
        steps: (steps, P) weights of the first student and of its teacher after further epochs; None if not asked for.
        chains: (draws, P) those of a Langevin chain; likewise.
    """

    students: list[Weights]
    teachers: list[Weights]
    steps: tuple[np.ndarray, np.ndarray] | None = None
    chains: tuple[np.ndarray, np.ndarray] | None = None


@dataclass
class Collected:
    """What is known of some students and their teachers.

    Attributes:
        student_logits: (m, N, C) on the test samples.
        teacher_logits: (k, N, C), each teacher once.
        gaps: of both sides.
        heads: the readouts; None where there are none.
        spaces: the weights; None likewise.
        reasons: why not, by estimator.
        warnings: what weakens the numbers.
    """

    student_logits: np.ndarray
    teacher_logits: np.ndarray
    gaps: Gaps
    heads: Heads | None = None
    spaces: Spaces | None = None
    reasons: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def collected(
    runs: Sequence[Run], setting: Setting | None = None, tell: Tell | None = None, *, swag: int = 0, sgld: int = 0
) -> Collected:
    """Ask the models of some runs of one setting; what is asked already is kept when ``tell`` raises ``StopIteration``.

    Args:
        runs: of one setting.
        setting: of the runs; made again from the catalogue if None.
        tell: called with the share done in [0, 1] and a message.
        swag: further epochs of the first pair, for the spread of its weights; 0 leaves that out.
        sgld: places of a Langevin chain of the first pair; likewise.

    Raises:
        ValueError: a run cannot be revived, has no teacher, or is no classification.
    """
    tell, warnings, pairs = tell or (lambda share, words: None), [], []
    try:
        for done, run in enumerate(runs):
            tell(done / len(runs), f"asking the models of {run.id}")
            revived = _revived(run, setting)
            setting = revived.setting
            if not revived.reads_teacher:
                warnings.append(f"the student of {run.id} ({run.method['name']}) never heard its teacher")
            pairs.append(_pair(revived, pairs))
    except (KeyboardInterrupt, StopIteration):
        if not pairs:
            raise
        warnings.append(f"stopped after {len(pairs)} of {plural(len(runs), 'run')}")
    names = [*dict.fromkeys(pair.name for pair in pairs)]
    unique = [next(pair for pair in pairs if pair.name == name) for name in names]
    found = Collected(
        student_logits=np.stack([pair.student_test for pair in pairs]),
        teacher_logits=np.stack([pair.teacher_test for pair in unique]),
        gaps=Gaps(
            np.stack([pair.student_gaps for pair in pairs]),
            np.stack([pair.teacher_gaps for pair in unique]),
            np.array([names.index(pair.name) for pair in pairs]),
        ),
        warnings=warnings,
    )
    learnt = [len(data.labelled) for data in (setting.train, setting.teacher_train)]
    if learnt[0] != learnt[1]:
        warnings.append(
            f"the student learnt from {plural(learnt[0], 'label')} and the teacher from {learnt[1]:,}: two data sets"
        )
    _add_heads(found, setting, pairs)
    _add_spaces(found, pairs)
    walks = {"param_swag": ("steps", partial(last_steps, epochs=swag))} if swag else {}
    walks |= {"param_sgld": ("chains", partial(langevin_chain, draws=sgld))} if sgld else {}
    if found.spaces is not None:
        _add_walks(found, walks, partial(_walked, found.spaces, pairs[0], setting, loss_of(runs[0], "kd")), tell)
    return found


class _Pair(NamedTuple):
    """A student and its teacher: the nets, their test logits (N, C), their gaps (2,), and the teacher's digest."""

    student: nn.Module
    teacher: nn.Module
    student_test: np.ndarray
    teacher_test: np.ndarray
    student_gaps: np.ndarray
    teacher_gaps: np.ndarray
    name: str


def _revived(run: Run, setting: Setting | None) -> Revived:
    task = run.setting.get("task", "classification")
    if task != "classification":
        raise ValueError(f"the divergence of probabilities needs classes; run {run.id} is about {task}")
    revived = run.revive(setting)
    if "teacher" not in revived.models:
        raise ValueError(f"run {run.id} has no teacher to diverge from")
    return revived


def _pair(revived: Revived, before: Sequence[_Pair]) -> _Pair:
    """Answers of both nets; a teacher that was asked already is not asked again."""
    student, teacher, name = revived.student, revived.teacher, digest(revived.teacher)
    known = next((pair for pair in before if pair.name == name), None)
    test, gaps = _answers(student, "student", revived.setting)
    asked = _answers(teacher, "teacher", revived.setting) if known is None else (known.teacher_test, known.teacher_gaps)
    return _Pair(student, teacher, test, asked[0], gaps, asked[1], name)


def _answers(model: nn.Module, party: str, setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    learnt = setting.train if party == "student" else setting.teacher_train
    learnt = learnt.subset(learnt.labelled)
    test, train = (bundle_of({party: model}, data) for data in (setting.test, learnt))
    return test.logits[party], generalization_gaps(train.logits[party], train.labels, test.logits[party], test.labels)


def _add_heads(found: Collected, setting: Setting, pairs: Sequence[_Pair]) -> None:
    """Standardised inputs with a column of ones, and the mean centred logits of both sides on training samples."""
    import torch

    train, test = (_inputs_of(data) for data in (setting.train, setting.test))
    if train is None or test is None:
        found.reasons["linear_exact"] = "the inputs of teacher and student are not the same vectors of numbers"
        return
    mean, scale = train.mean(0), np.where(train.std(0) > 0, train.std(0), 1.0)
    fitted, probes = (
        np.hstack([(each - mean) / scale, np.ones((len(each), 1))]) for each in (train[:FITTED], test[:PROBES])
    )
    data = setting.train.subset(torch.arange(len(fitted)))
    students = [_logits(pair.student, data) for pair in pairs]
    taught = {name: _logits(net, data) for name, net in {pair.name: pair.teacher for pair in pairs}.items()}
    sides = [np.mean(group, axis=0) for group in (students, [taught[pair.name] for pair in pairs])]
    found.heads = Heads(fitted, *(side - side.mean(1, keepdims=True) for side in sides), probes)


def _logits(model: nn.Module, data: TransferSet) -> np.ndarray:
    return bundle_of({"net": model}, data).logits["net"]


def _add_walks(
    found: Collected, walks: Mapping[str, tuple[str, Walk]], both: Callable[[Walk], Any], tell: Tell
) -> None:
    """What fails is a reason; what is stopped is left out."""
    try:
        for estimator, (name, walk) in walks.items():
            tell(0.9, f"{name} of the first pair")
            try:
                found.spaces = found.spaces._replace(**{name: both(walk)})
            except ValueError as error:
                found.reasons[estimator] = str(error)
    except (KeyboardInterrupt, StopIteration):
        found.warnings.append("stopped before the walks of the first pair were done")


def _walked(spaces: Spaces, pair: _Pair, setting: Setting, loss: Loss, walk: Walk) -> tuple[np.ndarray, np.ndarray]:
    """The student goes on with its distillation, its teacher with its labels."""
    taught, own = setting.train, setting.teacher_train.as_teacher_sees()
    heard = pieces_of(taught, pair.teacher, samples=len(taught), size=BATCH)
    alone = pieces_of(own, samples=len(own), size=BATCH)
    return (
        walk(pair.student, spaces.students[0], heard, loss),
        walk(pair.teacher, spaces.teachers[0], alone, Loss()),
    )


def _inputs_of(data: TransferSet) -> np.ndarray | None:
    inputs = data.inputs
    if data.teacher_inputs is not None or not hasattr(inputs, "is_floating_point") or not inputs.is_floating_point():
        return None
    return inputs.reshape(len(data), -1).double().cpu().numpy()


def _add_spaces(found: Collected, pairs: Sequence[_Pair]) -> None:
    """All nets in the order of hidden units of the first teacher."""
    students = [weights_of(pair.student) for pair in pairs]
    teachers = [*{pair.name: weights_of(pair.teacher) for pair in pairs}.values()]
    try:
        for student in students:
            check_same_space(student, teachers[0])
    except ValueError as error:
        found.reasons["param_isotropic"] = str(error)
        return
    chain = chain_of(pairs[0].student)
    if chain is None:
        found.warnings.append("no plain chain of layers: hidden units were left in the order they are in")
        found.spaces = Spaces(students, teachers)
        return
    found.spaces = Spaces(*([aligned(each, teachers[0], chain) for each in group] for group in (students, teachers)))
