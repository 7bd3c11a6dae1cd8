"""A teacher's answers on disk: used where they are the same, refused where they are not."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.contracts.probes.world import net, play, run, same, setting, start, weights
from workbench.data.transfer import TransferSet
from workbench.engine.conditions import Conditions
from workbench.engine.identity import teacher_identity
from workbench.engine.teacher.cache import CacheMismatch, TeacherCache
from workbench.engine.teacher.kinds import Cached
from workbench.engine.teacher.select import outputs_of
from workbench.engine.training import checkpoint
from workbench.engine.training.checkpoint import CorruptCheckpoint
from workbench.methods.catalog import make
from workbench.methods.method import Method
from workbench.models.mlp import MLP
from workbench.records import events
from workbench.records.batch import Batch
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe

RECIPE = Recipe(partial(MLP, 4, (16,), 3), Budget(epochs=3, batch_size=16))


def finish(generator):
    """What a generator returns in the end, and how much it yielded."""
    count = 0
    while True:
        try:
            next(generator)
            count += 1
        except StopIteration as done:
            return done.value, count


def test_a_hit_gives_the_same_outputs_without_asking():
    where = setting()
    first, asked = finish(outputs_of(net(), where.train, Conditions()))
    again, not_asked = finish(outputs_of(net(), where.train, Conditions()))
    assert (asked > 0, not_asked) == (True, 0)
    assert torch.equal(first, again)
    torch.testing.assert_close(first, net()(where.train.inputs).detach())


def _other_weights(cache, data):
    return "2" * 16, data


def _other_data(cache, data):
    return "1" * 16, TransferSet(data.inputs + 1, data.labels, ids=data.ids)


@pytest.mark.parametrize("other", [_other_weights, _other_data])
def test_an_entry_under_a_wrong_name_is_refused(tmp_path, other):
    cache, data = TeacherCache(tmp_path), setting().train
    cache.keep_outputs("1" * 16, data, torch.zeros(96, 3))
    weights_of_other, data_of_other = other(cache, data)
    wrong = cache._outputs_path(weights_of_other, data_of_other)
    cache._outputs_path("1" * 16, data).rename(wrong)
    with pytest.raises(CacheMismatch, match="was made from"):
        cache.outputs(weights_of_other, data_of_other)


def test_an_entry_for_other_samples_is_refused(tmp_path):
    cache, data = TeacherCache(tmp_path), setting().train
    cache.keep_outputs("1" * 16, data, torch.zeros(96, 3))
    (path,) = tmp_path.iterdir()
    entry = checkpoint.load(path)
    checkpoint.save(entry | {"ids": entry["ids"].flip(0)}, path)
    with pytest.raises(CacheMismatch, match="holds other samples than these 96"):
        cache.outputs("1" * 16, data)


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"\xff" * 64, lambda b: b[:8]])
def test_a_damaged_entry_is_one_clear_error_that_says_what_to_do(home: Path, damage):
    where = setting(teacher=RECIPE)
    run(where, make("kd"))
    for path in (home / "teachers").iterdir():
        whole = path.read_bytes()
        path.write_bytes(damage(whole))
        with pytest.raises(CorruptCheckpoint, match=r"is damaged .* delete it to start over"):
            run(where, make("kd"))
        path.write_bytes(whole)
    run(where, make("kd"))


def test_transforms_and_structures_tell_entries_apart(tmp_path):
    conditions, plain = Conditions(folder=tmp_path), setting().train
    doubled = TransferSet(plain.inputs, plain.labels, ids=plain.ids, transform=_double)
    finish(outputs_of(net(), plain, conditions))
    second, asked = finish(outputs_of(net(), doubled, conditions))
    assert asked
    torch.testing.assert_close(second, net()(2 * plain.inputs).detach())
    tanh = nn.Sequential(nn.Linear(4, 3), nn.Tanh())
    relu = nn.Sequential(tanh[0], nn.ReLU())
    third, fourth = (finish(outputs_of(m, plain, conditions))[0] for m in (tanh, relu))
    assert not torch.equal(third, fourth), "the same weights in another net are another teacher"


def _double(inputs):
    return inputs * 2


def jitter(inputs, generator):
    return inputs + torch.randn(inputs.shape, generator=generator)


class Reading(Method):
    def __init__(self, layers=()):
        super().__init__()
        self.layers = layers

    def build(self, student_model, teacher_model, example, facts):
        super().build(student_model, teacher_model, example, facts)
        self.teacher_layers = self.layers

    def forward(self, student, teacher, batch):
        return {"gap": (student.logits - teacher.logits).square().mean(1)}


class Mixing(Reading):
    def inputs(self, batch, students):
        return batch.but(student_inputs=batch.student_inputs.flip(0))


class Through(Reading):
    teacher_input_gradient = True


@pytest.mark.parametrize(
    ("changes", "method", "kept"),
    [
        ({}, Reading(), True),
        ({"augment": jitter}, Reading(), False),
        ({}, Reading(("0",)), False),
        ({}, Mixing(), False),
        ({}, Through(), False),
    ],
    ids=["plain", "augmentation", "features", "own inputs", "input gradients"],
)
def test_answers_are_kept_only_where_they_depend_on_the_row_alone(home, changes, method, kept):
    teacher = nn.Sequential(nn.Linear(4, 3))
    arm = start(setting(teacher=teacher, **changes), method)
    going = play(arm)
    next(e for e in going if isinstance(e, events.Step))
    assert bool(list((home / "teachers").glob("outputs-*"))) == kept


def test_what_is_kept_changes_no_number():
    where = setting(teacher=nn.Sequential(nn.Linear(4, 3)))
    kept, live = (run(where, method) for method in (Reading(), Reading(("0",))))
    for name, tensor in kept.models["student"].items():
        torch.testing.assert_close(tensor, live.models["student"][name], rtol=1e-5, atol=1e-6)


def test_a_sample_the_teacher_was_never_asked_about_is_an_error():
    guide = Cached(torch.zeros(4, 3), torch.tensor([7, 3, 9, 1]), None)
    guide.outputs[2] = 5.0
    assert guide(Batch(torch.tensor([1, 9]), torch.zeros(2, 1))).outputs[:, 0].tolist() == [0.0, 5.0]
    with pytest.raises(KeyError, match=r"not in the data, ids \[8\]"):
        guide(Batch(torch.tensor([1, 8]), torch.zeros(2, 1)))


def test_a_teacher_is_trained_once_and_shared_by_seeds_and_methods():
    where, trained = setting(teacher=RECIPE), []
    for method, seed in (("kd", 0), ("kd", 1), ("dkd", 0)):
        arm = start(where, make(method), seed=seed)
        trained.append(sum(isinstance(e, events.Step) and e.party == "teacher" for e in play(arm)))
        first = weights(arm.trial.parties["teacher"])
    assert trained == [18, 0, 0]
    fresh = start(where, make("kd"), seed=2)
    list(play(fresh))
    assert same(first, weights(fresh.trial.parties["teacher"]))


def test_what_makes_a_teacher_another_one():
    labels = setting().train.labels
    others = [
        setting(teacher=Recipe(partial(MLP, 4, (17,), 3), RECIPE.budget)),
        setting(teacher=Recipe(RECIPE.factory, Budget(epochs=4, batch_size=16))),
        setting(teacher=RECIPE, augment=jitter),
        setting(teacher=RECIPE, teacher_train=TransferSet(setting().train.inputs, (labels + 1) % 3)),
        setting(teacher=RECIPE, train=TransferSet(setting().train.inputs, labels, transform=_double)),
        setting(teacher=net()),
        setting(teacher=net(seed=2)),
    ]
    identities = [teacher_identity(where, 0) for where in (setting(teacher=RECIPE), *others)]
    assert len({*identities, teacher_identity(setting(teacher=RECIPE), 1)}) == len(others) + 2
    assert teacher_identity(setting(teacher=net()), 0) == teacher_identity(setting(teacher=net()), 1), "given is given"


def test_a_function_is_known_by_its_code_and_its_answers_and_kept_nowhere(home):
    def teacher(inputs):
        return inputs[:, :3]

    first, again = (run(setting(teacher=f), make("kd")) for f in (teacher, teacher))
    assert first.id == again.id
    assert teacher_identity(setting(teacher=teacher), 0) == teacher_identity(setting(teacher=teacher), 0)
    assert teacher_identity(setting(teacher=teacher), 0) != teacher_identity(setting(teacher=lambda x: x[:, 1:]), 0)
    assert not (home / "teachers").exists()
