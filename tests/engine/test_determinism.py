"""Same seed, same numbers; the streams do not disturb each other, nor anything outside."""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.contracts.probes.world import nets_for, play, run, same, setting, setting_of, start, weights
from tests.contracts.scene import task_of
from tests.contracts.text import reads_text, text_setting
from workbench.data.transfer import TransferSet
from workbench.engine.distill import distill
from workbench.engine.streams import Streams
from workbench.methods.catalog import catalog, make
from workbench.methods.method import Method
from workbench.records import events
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe


class Restless(Method):
    """Draws random numbers wherever it can."""

    def build(self, student_model, teacher_model, example, facts):
        super().build(student_model, teacher_model, example, facts)
        self.adapter = nn.Sequential(nn.Linear(3, 32), nn.Dropout(0.5), nn.Linear(32, 3))

    def inputs(self, batch, students):
        return batch.but(student_inputs=batch.student_inputs + 0.1 * torch.randn_like(batch.student_inputs))

    def forward(self, student, teacher, batch):
        torch.rand(17)
        gap = (self.adapter(student.logits) - teacher.logits).square().mean(1)
        return {"labels": self.label_loss(student, batch), "gap": gap}

    def after_step(self, student, batch):
        torch.rand(3)

    def after_epoch(self, student, confusion):
        torch.rand(5)


class Dropping(nn.Module):
    """A student with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.body(inputs)


def jitter(inputs: Tensor, generator: torch.Generator) -> Tensor:
    return inputs + 0.1 * torch.randn(inputs.shape, generator=generator)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["restless", *sorted(catalog())])
def test_the_same_seed_gives_the_same_weights_bit_by_bit(name):
    where = setting(student=Dropping, augment=jitter) if name == "restless" else setting()
    cls = catalog().get(name)
    where = (
        text_setting() if reads_text(cls) else setting_of(task_of(cls)) if task_of(cls) != "classification" else where
    )
    where = setting(**nets) if cls is not None and (nets := nets_for(cls)) else where
    budget = Budget(epochs=3, batch_size=16, clip=1.0)
    made = Restless if name == "restless" else partial(make, name)
    first, again, other = (run(where, made(), budget, seed) for seed in (0, 0, 1))
    assert all(same(first.models[party], again.models[party]) for party in first.models)
    assert (first.predictions["student"] == again.predictions["student"]).all()
    assert not same(first.models["student"], other.models["student"])


def test_the_method_that_is_given_is_not_changed():
    method = make("fitnets")
    before = method.config(), len(list(method.parameters()))
    run(setting(), method)
    assert (method.config(), len(list(method.parameters()))) == before


class Watching(Method):
    """Remembers which samples it saw; learns from labels."""

    reads_teacher = False
    met: list[list[int]]

    def forward(self, student, teacher, batch):
        return {"labels": self.label_loss(student, batch)}

    def after_step(self, student, batch):
        self.met = [*getattr(self, "met", []), batch.ids.tolist()]


class WatchingRestless(Restless, Watching):
    reads_teacher = True

    def after_step(self, student, batch):
        Watching.after_step(self, student, batch)
        torch.rand(11)


def test_arms_are_paired_whatever_randomness_a_method_consumes():
    begun, met = {}, {}
    for method in (Watching(), WatchingRestless()):
        arm = start(setting(student=Dropping), method)
        for event in play(arm):
            if isinstance(event, events.Stage):
                begun[type(method)] = weights(arm.trial.parties["student"])
        met[type(method)] = arm.method.met
    assert same(begun[Watching], begun[WatchingRestless])
    assert met[Watching] == met[WatchingRestless]
    assert len(met[Watching]) == 18


def test_streams_are_independent_and_come_back_as_they_were():
    streams, again = (Streams(3, torch.device("cpu")) for _ in range(2))
    with streams.using("method"):
        torch.rand(1000)
    first, second = (torch.rand(4, generator=s["data"]) for s in (streams, again))
    assert torch.equal(first, second)
    state = streams.state()
    drawn = []
    for _ in range(2):
        with streams.using("noise"):
            drawn.append(torch.rand(4))
        drawn.append(torch.rand(4, generator=streams["data"]))
        streams.restore(state)
    assert torch.equal(drawn[0], drawn[2])
    assert torch.equal(drawn[1], drawn[3])
    assert not torch.equal(streams.fresh("a").get_state(), streams.fresh("b").get_state())


def test_global_randomness_is_the_same_before_and_after_every_event():
    where = setting(student=Dropping, augment=jitter, teacher=Recipe(Dropping, Budget(epochs=1)))
    going = distill(where, Restless(), seed=0)
    random.seed(1)
    torch.manual_seed(1)
    before = torch.get_rng_state(), random.getstate()
    kinds = set()
    for event in going:
        kinds.add(type(event))
        assert torch.equal(torch.get_rng_state(), before[0]), event
    assert random.getstate() == before[1]
    assert {events.Started, events.Stage, events.Step, events.Epoch, events.Probe, events.Finished} <= kinds


@pytest.mark.parametrize("kind", [events.Stage, events.Step, events.Probe, events.Epoch])
def test_a_run_that_is_abandoned_leaves_nothing_behind(kind):
    where = setting()
    abandoned, threads = start(where, make("fitnets")), torch.get_num_threads()
    going = play(abandoned)
    state = torch.get_rng_state()
    next(event for event in going if isinstance(event, kind))
    going.close()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    for model in abandoned.trial.parties.values():
        assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
        model(where.test.inputs).sum().backward()
    assert all(p.grad is not None for p in abandoned.trial.parties["teacher"].parameters()), "given back its gradients"


def test_the_users_own_models_are_never_changed():
    teacher, student = Dropping().train(), Dropping().train()
    before = weights(teacher), weights(student)
    run(setting(teacher=teacher, student=student), make("kd"))
    assert same(weights(teacher), before[0])
    assert same(weights(student), before[1])
    assert teacher.training
    assert all(p.requires_grad for p in teacher.parameters())


def test_bfloat16_autocast_on_the_processor_stays_finite():
    result = run(setting(), make("kd"), Budget(epochs=5, batch_size=16, precision="bfloat16"))
    exact = run(setting(), make("kd"), Budget(epochs=5, batch_size=16, precision="float32"))
    assert np.isfinite(result.curves["terms/soft"].values).all()
    assert result.predictions["student"].dtype == np.float32
    np.testing.assert_allclose(
        result.curves["terms/soft"].values, exact.curves["terms/soft"].values, rtol=0.2, atol=0.05
    )
    assert not same(result.models["student"], exact.models["student"])


@pytest.mark.cuda
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_run_on_cuda(precision):
    result = run(setting(), make("kd"), Budget(epochs=3, batch_size=16, precision=precision), device="cuda")
    assert np.isfinite(result.predictions["student"]).all()
    assert result.facts["device"] == "cuda"


def test_two_runs_in_turns_do_not_disturb_each_other():
    where = setting(student=Dropping, augment=jitter)
    left, right = (start(where, Restless(), seed=seed) for seed in (0, 1))
    for _ in zip(play(left), play(right), strict=True):
        torch.rand(1)
    for arm, seed in ((left, 0), (right, 1)):
        alone = run(where, Restless(), seed=seed)
        assert same(weights(arm.trial.parties["student"]), alone.models["student"])


def test_a_transfer_set_smaller_than_a_batch_is_one_batch():
    where = setting()
    few = where.train.subset(torch.arange(10))
    result = run(setting(train=TransferSet(few.inputs, few.labels)), make("kd"), Budget(epochs=4, batch_size=64))
    assert result.facts["steps"] == {"student": 4}


def test_students_of_one_factory_differ_by_seed_and_those_of_a_module_do_not():
    made = {}
    for student in (Dropping, Dropping()):
        for seed in (0, 1):
            arm = start(setting(student=student), make("labels_only"), seed=seed)
            next(e for e in play(arm) if isinstance(e, events.Stage))
            made[isinstance(student, nn.Module), seed] = weights(arm.trial.parties["student"])
    assert not same(made[False, 0], made[False, 1])
    assert same(made[True, 0], made[True, 1])
