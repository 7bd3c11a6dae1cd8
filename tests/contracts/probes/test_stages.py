"""Who trains on what next: hints, generations, assistants, federations."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.contracts.probes.world import net, play, run, same, setting, start, steps, weights
from workbench.methods.catalog import make
from workbench.methods.method import Method
from workbench.models.mlp import MLP
from workbench.models.tracing import stages_of
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.plan import StagePlan


class Answers(Method):
    """The teacher's logits, by squared error; the mean of several teachers' logits."""

    def forward(self, student, teacher, batch):
        if teacher is None:
            return {"labels": self.label_loss(student, batch)}
        teachers = teacher if isinstance(teacher, tuple) else (teacher,)
        target = torch.stack([t.logits for t in teachers]).mean(0)
        return {"answers": (student.logits - target).square().mean(1)}


class Hints(Answers):
    def build(self, student_model, teacher_model, example, facts):
        super().build(student_model, teacher_model, example, facts)
        self.student_layers, self.teacher_layers = (stages_of(student_model)[0],), (stages_of(teacher_model)[0],)
        self.adapter = nn.Linear(8, 16)

    def stages(self, facts):
        return StagePlan("hint", 0.4), StagePlan("answers", 0.6)

    def forward(self, student, teacher, batch):
        if self.stage == "hint":
            guided, hint = student[self.student_layers[0]], teacher[self.teacher_layers[0]]
            return {"hint": (self.adapter(guided) - hint).square().mean(1)}
        return super().forward(student, teacher, batch)


def test_two_stage_hints_first_move_only_what_lies_below_the_hint():
    hints = start(setting(), Hints())
    seen, before, after = [], {}, {}
    for event in play(hints):
        student = hints.trial.parties.get("student")
        if isinstance(event, events.Stage):
            seen.append((event.stage, event.steps))
            before = before or weights(student)
        if isinstance(event, events.Step) and event.stage == "hint":
            after = weights(student)
            assert set(event.terms) == {"hint"}
    assert seen == [("hint", 7), ("answers", 11)]  # 18 steps of the budget, shared out exactly
    head = list(before)[-1].rsplit(".", 1)[0]
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {name for name in before if not name.startswith(head)}


class Generations(Answers):
    def stages(self, facts):
        return (
            StagePlan("first", learner="generation_1", teacher=None),
            StagePlan("second", teacher="generation_1", start="fresh"),
        )


def test_a_generation_teaches_the_next_which_starts_like_any_student():
    where = setting()
    generations = start(where, Generations())
    taught, begun = None, None
    for event in play(generations):
        parties = generations.trial.parties
        if isinstance(event, events.Stage) and event.stage == "second":
            taught, begun = weights(parties["generation_1"]), weights(parties["student"])
    alone = start(where, make("labels_only"))
    events_of_alone = play(alone)
    next(e for e in events_of_alone if isinstance(e, events.Stage))
    assert same(begun, weights(alone.trial.parties["student"])), "the last generation is paired with every other arm"
    assert same(taught, weights(generations.trial.parties["generation_1"])), "a teacher does not move"
    assert all(p.requires_grad for p in generations.trial.parties["generation_1"].parameters())
    assert generations.trial.done == {"generation_1": 18, "student": 18}


class Assistant(Answers):
    def stages(self, facts):
        factory = partial(MLP, 4, (12,), 3)
        return (
            StagePlan("assistant", learner="assistant", factory=factory),
            StagePlan("student", teacher="assistant"),
        )


def test_an_assistant_of_another_size_learns_first_and_then_teaches():
    result = run(setting(), Assistant())
    assert result.facts["parameters"] == {"teacher": 4 * 16 + 16 + 51, "student": 67, "assistant": 4 * 12 + 12 + 39}
    assert set(result.scores) == {"teacher", "student", "assistant"}
    assert result.curves["assistant/terms/answers"].values[-1] < result.curves["assistant/terms/answers"].values[0]


class Federation(Answers):
    """Rounds of clients with data of their own; the server averages them by their sizes, and may then fuse them."""

    def __init__(self, clients, rounds=1, fuse=False):
        super().__init__()
        self.clients, self.rounds, self.fuse, self.seen = clients, rounds, fuse, {}

    def config(self):
        return {"rounds": self.rounds}

    def stages(self, facts):
        shares = {f"client_{k}": float(len(ids)) for k, ids in enumerate(self.clients)}
        plans = []
        for r in range(self.rounds):
            plans += [
                StagePlan(
                    f"{r} {name}",
                    share=0.5 * shares[name] / facts.samples,
                    learner=name,
                    teacher=None,
                    data=ids,
                    start={"student": 1.0},
                )
                for name, ids in zip(shares, self.clients, strict=True)
            ]
            teacher = tuple(shares) if self.fuse else None
            plans.append(StagePlan(f"{r} server", self.fuse / self.rounds, teacher=teacher, start=shares))
        return tuple(plans)

    def after_step(self, student, batch):
        self.seen.setdefault(self.stage, set()).update(batch.ids.tolist())


@pytest.fixture
def clients():
    ids = torch.arange(1000, 1096)
    return [part.numpy() for part in ids.split([56, 30, 10])]


def test_a_federated_round_of_unequal_clients_is_the_literal_weighted_average(clients):
    federation = start(setting(), Federation(clients))
    for event in play(federation):
        if isinstance(event, events.Stage) and event.stage == "0 server":
            assert event.steps == 0
    parties = {name: weights(model) for name, model in federation.trial.parties.items()}
    for name, averaged in parties["student"].items():
        literal = sum(parties[f"client_{k}"][name].double() * n for k, n in enumerate((56, 30, 10))) / 96
        torch.testing.assert_close(averaged.double(), literal, rtol=0, atol=1e-6)
    assert federation.trial.done == {"client_0": 5, "client_1": 3, "client_2": 1}  # half an epoch each, by size
    seen = federation.method.seen
    assert seen["0 client_2"] == set(clients[2].tolist()), "ten samples fill a batch of sixteen by turns"
    assert all(seen[f"0 client_{k}"] <= set(ids.tolist()) for k, ids in enumerate(clients))


def test_clients_of_a_second_round_start_from_the_average(clients):
    federation, server, begun = start(setting(), Federation(clients, rounds=2)), {}, {}
    for event in play(federation):
        if isinstance(event, events.Stage) and event.stage == "1 client_0":
            server, begun = (weights(federation.trial.parties[p]) for p in ("student", "client_0"))
    assert begun
    assert same(server, begun)


def test_a_server_learns_from_several_clients_that_learn_again_later(clients):
    federation = start(setting(), Federation(clients, rounds=2, fuse=True))
    going = play(federation)
    first = next(e for e in going if isinstance(e, events.Step) and e.party == "student")
    clients_then = [p for k in range(3) for p in federation.trial.parties[f"client_{k}"].parameters()]
    assert set(first.terms) == {"answers"}
    assert not any(p.requires_grad for p in clients_then)
    going.close()
    assert all(p.requires_grad for p in clients_then)
    result = run(setting(), Federation(clients, rounds=2, fuse=True))
    assert result.facts["steps"] == {"client_0": 10, "client_1": 6, "client_2": 2, "student": 18}


class Follower(Answers):
    """Remembers what its teacher said."""

    decay = 0.75

    def __init__(self, source):
        super().__init__()
        self.teacher_source = source

    def config(self):
        return {"source": self.teacher_source}

    def forward(self, student, teacher, batch):
        self.asked, self.said = batch.student_inputs, teacher.logits
        return {
            "answers": (student.logits - teacher.logits).square().mean(1),
            "labels": self.label_loss(student, batch),
        }


def test_the_ema_teacher_is_the_moving_average_of_the_student():
    ema, literal = start(setting(), Follower("ema")), None
    for event in play(ema):
        if isinstance(event, events.Stage):
            literal = copy.deepcopy(ema.trial.parties["student"])
        if isinstance(event, events.Step):
            torch.testing.assert_close(ema.method.said, literal(ema.method.asked).detach(), rtol=1e-5, atol=1e-6)
            with torch.no_grad():
                for old, new in zip(literal.parameters(), ema.trial.parties["student"].parameters(), strict=True):
                    old.copy_(0.75 * old + 0.25 * new)
    assert ema.trial.done == {"student": 18}


def test_the_snapshot_teacher_is_the_student_at_the_last_epoch():
    snapshot, literal = start(setting(), Follower("snapshot")), None
    for event in play(snapshot):
        if isinstance(event, events.Stage | events.Epoch):
            literal = copy.deepcopy(snapshot.trial.parties["student"])
        if isinstance(event, events.Step):
            torch.testing.assert_close(snapshot.method.said, literal(snapshot.method.asked).detach())
    assert snapshot.trial.done == {"student": 18}


def test_shares_must_add_up_and_somebody_must_train_the_student():
    class Short(Answers):
        def stages(self, facts):
            return (StagePlan("only", 0.5),)

    class Nobody(Answers):
        def stages(self, facts):
            return (StagePlan("other", learner="other"),)

    with pytest.raises(ValueError, match="must add up to 1"):
        run(setting(), Short())
    with pytest.raises(ValueError, match="no stage trains the student"):
        run(setting(), Nobody())


def test_an_unknown_party_is_an_error_that_lists_the_known_ones():
    class Lost(Answers):
        def stages(self, facts):
            return (StagePlan("only", teacher="grandmother"),)

    with pytest.raises(KeyError, match="asks for 'grandmother'; there are teacher, student"):
        run(setting(), Lost())


def test_ids_that_are_not_in_the_data_are_refused(clients):
    with pytest.raises(ValueError, match=r"ids that are not in the data: \[5\]"):
        run(setting(), Federation([*clients, torch.tensor([5]).numpy()]))


def test_a_stage_too_short_for_the_budget_is_said_to_be_skipped():
    class Sliver(Answers):
        def stages(self, facts):
            return StagePlan("sliver", 0.01), StagePlan("rest", 0.99)

    found = [
        e for e in play(start(setting(), Sliver(), Budget(epochs=1, batch_size=16))) if isinstance(e, events.Warning)
    ]
    assert [e.stage for e in found] == ["sliver"]


def test_answers_fall_and_the_teacher_stays():
    where = setting(teacher=net())
    found = steps(start(where, Answers(), Budget(epochs=10, batch_size=16)))
    assert found[-1].terms["answers"] < 0.5 * found[0].terms["answers"]
    assert same(weights(where.teacher), weights(net()))
    assert F.mse_loss(net()(where.test.inputs), where.teacher(where.test.inputs)) == 0
