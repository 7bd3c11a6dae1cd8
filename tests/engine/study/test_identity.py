"""As in a notebook: a cell is edited and run again, and the study of the cell below is another one, or the same."""

from __future__ import annotations

import copy
import threading
from functools import partial

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from tests.engine.study.conftest import clouds, make_setting
from workbench import methods
from workbench.engine.conditions import Conditions
from workbench.engine.distill import collect, distill
from workbench.engine.study.study import plan_study, run_cell, study
from workbench.models.mlp import MLP
from workbench.records import events
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe

BUDGET = Budget(epochs=1, batch_size=32)

CELL = """
import torch
from torch import nn

dropout, noise, factor, scale = {dropout}, {noise}, {factor}, {scale}

class Net(nn.Module):
    def __init__(self, rate):
        super().__init__()
        self.first, self.last, self.rate = nn.Linear(4, 8), nn.Linear(8, 3), nn.Dropout(rate)

    def forward(self, x):
        return self.last(self.rate(torch.{act}(self.first(x))))

def student():
    return Net(dropout)

def augment(x, generator):
    return x + noise * torch.randn(x.shape, generator=generator)

class Scaled(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net, self.scale, self.order = net, scale, {order}

    def forward(self, x):
        return self.scale * self.net(x)[:, self.order]

def softened(term):
    return factor * term

class Mine(KD):
    def forward(self, student, teacher, batch):
        return {{name: softened(term) for name, term in super().forward(student, teacher, batch).items()}}
"""
FIRST = {"dropout": 0.0, "noise": 0.0, "factor": 1.0, "scale": 1.0, "act": "relu", "order": [0, 1, 2]}


def taught() -> nn.Module:
    """A teacher that knows the clouds: its centres."""
    net = nn.Linear(4, 3)
    with torch.no_grad():
        net.weight.copy_(torch.eye(3, 4) * 2)
        net.bias.zero_()
    return net


def cell(names: dict | None = None, **changes: object) -> dict:
    """Run the cell, in a new kernel or in one that has run it before."""
    names = {"__name__": "__main__", "KD": methods.KD} if names is None else names
    exec(CELL.format(**(FIRST | changes)), names)
    return names


def played(names: dict, store, **asked: object):
    """The cell below: a setting of what the first cell made, and its study."""
    where = make_setting(
        student=names["student"], augment=names["augment"], teacher=names["Scaled"](taught()), budget=BUDGET
    )
    return study(where, [names["Mine"]()], 1, store=store, quick=True, **asked)


@pytest.mark.parametrize(
    "change",
    [
        {"act": "tanh"},
        {"dropout": 0.95},
        {"noise": 50.0},
        {"factor": 0.0},
        {"scale": -1.0},
        {"order": [1, 2, 0]},
    ],
    ids=[
        "forward of the student",
        "global of its factory",
        "global of the augmentation",
        "helper of the method",
        "scale",
        "order",
    ],
)
def test_an_edited_cell_is_another_study(store, change) -> None:
    names = cell()
    first, again = played(names, store), played(cell(names), store)
    assert (first.from_store, again.from_store) == ((0, 2), (2, 2)), "the same cell, run again"
    assert again.id == first.id
    other = played(cell(names, **change), store)
    assert other.id != first.id
    assert other.from_store[0] <= 1, "labels only has no teacher and no method of one's own"
    assert other.run("Mine").id != first.run("Mine").id
    assert played(cell(names), store).run("Mine").id == first.run("Mine").id, "and back"


def test_the_numbers_are_those_of_the_edited_cell(store, tmp_path) -> None:
    from workbench.engine.store import Store

    names = cell()
    played(names, store)
    edited = cell(names, noise=50.0, scale=-1.0)
    found, afresh = played(edited, store), played(edited, Store(folder=tmp_path / "empty"))
    assert found.teachers == afresh.teachers
    assert found.arms["Mine"].outcomes[0].last == afresh.arms["Mine"].outcomes[0].last


def test_an_estimator_counts_with_parameters_and_fitted_state() -> None:
    inputs, labels = (part.numpy() for part in clouds(120, 1))
    teachers = [LogisticRegression(C=c).fit(inputs, labels) for c in (1.0, 1.0, 0.01)]
    ids = [plan_study(make_setting(teacher=t), [methods.KD()], 1).id for t in teachers]
    assert ids[0] == ids[1] != ids[2]
    students = [plan_study(make_setting(student=LogisticRegression(C=c)), [methods.KD()], 1).id for c in (1.0, 0.1)]
    assert students[0] != students[1]


def test_the_parameters_of_a_method_that_are_no_arguments_count() -> None:
    joined = [methods.catalog.make("ca_mkd").joined_by(net) for net in (MLP(4, (32,), 3), MLP(4, (32,), 3))]
    own = [copy.deepcopy(joined[0]) for _ in range(2)]
    own[1].anything = 3
    ids = [plan_study(make_setting(), [method], 1, quick=True).id for method in (*joined, *own)]
    assert len(set(ids)) == 3
    assert ids[0] == ids[2]


# --- what cannot be addressed ------------------------------------------------------------------------------------
def test_what_cannot_be_read_is_said_and_computed_afresh(store) -> None:
    lock = threading.Lock()

    def augment(x, generator):
        with lock:
            return x

    where = make_setting(augment=augment, budget=BUDGET)
    first, again = (study(where, [methods.KD()], 1, store=store, quick=True) for _ in range(2))
    assert again.from_store == (0, 2)
    assert first.id != again.id
    (warning,) = again.warnings
    assert "computed afresh" in warning
    assert "augment.lock" in warning


# --- nothing is trained that is somebody else's ------------------------------------------------------------------
NET = MLP(4, (8,), 3)
BACKBONE = nn.Linear(4, 8)
TEACHER = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
POOL = [MLP(4, (8,), 3) for _ in range(2)]


def in_turn() -> nn.Module:
    POOL.append(POOL.pop(0))
    return POOL[0]


SHARING = {
    "one net": ({"student": lambda: NET}, r"returns the same MLP again.*student=model"),
    "nets in turn": ({"student": in_turn}, r"returns the same MLP again"),
    "a common part": (
        {"student": lambda: nn.Sequential(BACKBONE, nn.Linear(8, 3))},
        r"share '0.weight'.*copy.deepcopy",
    ),
    "a part of the teacher": (
        {"student": lambda: nn.Sequential(TEACHER[0], nn.ReLU(), nn.Linear(8, 3)), "teacher": TEACHER},
        r"shares '0.weight' with the teacher",
    ),
    "one net in a recipe": ({"teacher": Recipe(lambda: NET, BUDGET)}, r"teacher's factory returns the same MLP again"),
    "one estimator": ({"student": partial(lambda e: e, LogisticRegression())}, r"returns the same LogisticRegression"),
}


@pytest.mark.parametrize("kind", SHARING)
def test_models_that_share_weights_are_refused_before_training(store, kind) -> None:
    changes, message = SHARING[kind]
    models = (NET, BACKBONE, TEACHER, *POOL)
    before = copy.deepcopy([model.state_dict() for model in models])
    for act in (
        lambda: study(make_setting(**changes), [methods.KD()], 4, store=store),
        lambda: collect(distill(make_setting(**changes), methods.KD(), conditions=Conditions(folder=store.folder))),
    ):
        with pytest.raises(ValueError, match=message):
            act()
    after = [model.state_dict() for model in models]
    assert all(torch.equal(a[key], b[key]) for a, b in zip(before, after, strict=True) for key in a)
    assert not store.runs()


def patched() -> nn.Module:
    net = MLP(4, (8,), 3)
    plain = net.forward
    net.forward = lambda x: 2 * plain(x)
    return net


def hooked() -> nn.Module:
    net = MLP(4, (8,), 3)
    net.register_forward_hook(lambda module, inputs, outputs: outputs + next(net.parameters()).sum())
    return net


@pytest.mark.parametrize("made", [patched, hooked])
def test_a_student_whose_copy_still_computes_with_its_weights_is_refused(made) -> None:
    with pytest.raises(ValueError, match="would still compute with the weights of the one you gave"):
        plan_study(make_setting(student=made()), [methods.KD()], 1)


def test_given_models_stay_as_they_are(store) -> None:
    student = MLP(4, (8,), 3)
    teacher = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    teacher[0].bias.requires_grad_(False)
    before = [copy.deepcopy(model) for model in (student, teacher)]
    study(
        make_setting(student=student, teacher=teacher, budget=BUDGET), [methods.FitNets()], 1, store=store, quick=True
    )
    for model, copied in zip((student, teacher), before, strict=True):
        assert all(
            torch.equal(a, b) for a, b in zip(model.state_dict().values(), copied.state_dict().values(), strict=True)
        )
        assert [m.training for m in model.modules()] == [True for _ in model.modules()]
        assert [p.requires_grad for p in model.parameters()] == [p.requires_grad for p in copied.parameters()]
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


# --- fresh -------------------------------------------------------------------------------------------------------
def test_fresh_computes_everything_again_and_replaces_it(store) -> None:
    where = make_setting(teacher=Recipe(partial(MLP, 4, (16,), 3), BUDGET), budget=BUDGET)
    first = study(where, [methods.KD()], 2, store=store, quick=True)
    kept = {path: path.stat().st_mtime_ns for path in (store.folder / "teachers").iterdir()}
    assert "came from the store" not in repr(first)
    stored = study(where, [methods.KD()], 2, store=store, quick=True)
    assert stored.from_store == (4, 4)
    assert "4 of 4 runs came from the store" in repr(stored)
    assert "4 of 4 runs came from the store" in stored._repr_html_()
    assert [row["stored"] for row in stored.rows()] == [2, 2]
    fresh = study(where, [methods.KD()], 2, store=store, quick=True, fresh=True)
    assert fresh.from_store == (0, 4)
    assert fresh.id == first.id
    assert [o.run for o in fresh.arms["kd"].outcomes] == [o.run for o in first.arms["kd"].outcomes]
    now = {path: path.stat().st_mtime_ns for path in (store.folder / "teachers").iterdir()}
    assert now.keys() == kept.keys()
    assert all(now[path] > kept[path] for path in kept), "teacher and answers are made again"


def test_a_fresh_study_trains_its_teacher_once(store) -> None:
    where = make_setting(teacher=Recipe(partial(MLP, 4, (16,), 3), BUDGET), budget=BUDGET)
    said: list[str] = []
    study(
        where, [methods.KD()], 2, store=store, quick=True, fresh=True, progress=lambda done, of, what: said.append(what)
    )
    assert said.count("teacher 0 is ready") == 1


def test_what_came_from_the_store_says_so_in_its_event(store) -> None:
    where = make_setting(budget=BUDGET)
    plan = plan_study(where, [methods.KD()], 1, quick=True)
    for stored in (False, True):
        *_, last = run_cell(plan, plan.cells[0], store)
        assert isinstance(last, events.Finished)
        assert last.stored == stored


def test_a_fresh_distillation_takes_nothing_that_was_kept(store) -> None:
    where = make_setting(teacher=Recipe(partial(MLP, 4, (16,), 3), BUDGET), budget=BUDGET)

    def steps(**asked: object) -> int:
        going = distill(where, methods.KD(), conditions=Conditions(folder=store.folder, **asked))
        return sum(isinstance(event, events.Step) and event.party == "teacher" for event in going)

    assert steps() > 0
    assert steps() == 0
    assert steps(fresh=True) > 0


# --- what was kept is tried before it is trusted -----------------------------------------------------------------
def test_answers_that_are_not_the_teachers_are_computed_again(store) -> None:
    from workbench.engine.teacher.cache import TeacherCache
    from workbench.records.code import identity_of

    where, teacher = make_setting(teacher=taught(), budget=BUDGET), taught()
    cache = TeacherCache(store.folder / "teachers")
    wrong = torch.full((len(where.train), 3), 7.0)
    cache.keep_outputs(identity_of(teacher.eval()).digest, where.train, wrong)
    run = collect(distill(where, methods.KD(), conditions=Conditions(folder=store.folder)))
    assert any("answers that were kept are not what it answers now" in words for words in run.warnings)
    kept = cache.outputs(identity_of(teacher).digest, where.train).found
    torch.testing.assert_close(kept, teacher(where.train.inputs).detach())
    again = collect(distill(where, methods.KD(), seed=1, conditions=Conditions(folder=store.folder)))
    assert not any("computed again" in words for words in again.warnings)


def test_a_kept_teacher_that_answers_otherwise_is_trained_again(store) -> None:
    from workbench.engine.identity import teacher_identity
    from workbench.engine.teacher.cache import TeacherCache

    where = make_setting(teacher=Recipe(partial(MLP, 4, (16,), 3), BUDGET), budget=BUDGET)
    conditions, key = Conditions(folder=store.folder), teacher_identity(where, 0).digest
    collect(distill(where, methods.KD(), conditions=conditions))
    cache = TeacherCache(store.folder / "teachers")
    kept = cache.weights(key)
    cache.keep_weights(key, MLP(4, (16,), 3).state_dict(), kept.cost, kept.said)
    run = collect(distill(where, methods.KD(), seed=1, conditions=conditions))
    assert any("it is trained again" in words for words in run.warnings)
    assert all(torch.equal(kept.found[name], tensor) for name, tensor in cache.weights(key).found.items())
