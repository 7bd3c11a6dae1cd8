"""What all methods share that make up their inputs: they are blind to the data, can be resumed, and refuse what they cannot."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from tests.contracts.probes.world import blobs, play, same, setting, start, weights
from tests.methods.case import FACTS
from workbench.data.transfer import TransferSet
from workbench.engine.conditions import Conditions
from workbench.engine.distill import collect, distill
from workbench.engine.training import probes, stage
from workbench.methods.catalog import catalog, make
from workbench.methods.parts.synthesis import DataFreeMethod
from workbench.models.convnet import ConvNet
from workbench.records import events
from workbench.records.batch import Batch
from workbench.records.budget import Budget

DATA_FREE = [key for key, cls in catalog().items() if issubclass(cls, DataFreeMethod)]
every_one = pytest.mark.parametrize("key", DATA_FREE)
FEW = {"deep_inversion": {"iterations": 3, "images": 16, "refresh": 4}}
SHORT = Budget(epochs=2, batch_size=16, learning_rate=0.05)


def made(key):
    return make(key, FEW.get(key))


def images(samples, seed):
    inputs, labels = blobs(samples, seed)
    return inputs[:, :1, None, None] + torch.zeros(1, 8, 8), labels


def convnets():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return {"teacher": ConvNet(1, (4, 5), 3), "student": partial(ConvNet, 1, (2, 3), 3)}


def world(train):
    parts = {name: TransferSet(*images(30, seed)) for name, seed in (("validation", 2), ("test", 1))}
    return setting(train=train, **parts, **convnets())


def test_the_four_are_there():
    assert {"dafl", "zskt", "dfad", "deep_inversion"} <= set(DATA_FREE)


@pytest.fixture
def unprobed(monkeypatch):
    """The engine looks at samples to describe a run; what the method does with them is what counts here."""
    monkeypatch.setattr(probes, "PER_RUN", 0)
    monkeypatch.setattr(stage, "habits", lambda teachers: {})


KNOWN = ("__get__", "is_floating_point", "dim", "__len__", "numel", "element_size", "__iter__", "unbind")
"""What tells shape, type and device, and takes rows apart without looking into them."""


class Wire(Tensor):
    """A tensor of which nothing may be known but its shape, type and device."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func.__name__ not in KNOWN:
            raise AssertionError(f"the transfer set was read: {func.__name__}")
        return super().__torch_function__(func, types, args, kwargs or {})


class Wired(TransferSet):
    """Batches whose inputs and labels must not be touched."""

    def batch(self, rows, **rest):
        batch = super().batch(rows, **rest)
        return Batch(batch.ids, batch.student_inputs.as_subclass(Wire), batch.labels.as_subclass(Wire))


def wired(method):
    """A run that trains on wired data from its first event on; the engine has tried the models on real ones before."""
    arm = start(world(TransferSet(*images(48, 0))), method, SHORT)
    for event in play(arm):
        if isinstance(event, events.Started):
            arm.trial.train = Wired(*images(48, 0))
    assert isinstance(event, events.Finished)
    return arm


@pytest.mark.usefixtures("unprobed")
def test_the_wire_trips_for_a_method_that_reads_the_data():
    with pytest.raises(AssertionError, match="the transfer set was read: conv2d"):
        wired(make("noisy_teacher"))


@pytest.mark.usefixtures("unprobed")
@every_one
def test_neither_inputs_nor_labels_are_touched(key):
    assert wired(made(key)).trial.done == {"student": 6}


@every_one
def test_other_data_make_the_very_same_student(key):
    ends = []
    for seed, shift in ((0, 0), (7, 1)):
        inputs, labels = images(48, seed)
        arm = start(world(TransferSet(inputs * (1 + shift), (labels + shift) % 3)), made(key), SHORT)
        list(play(arm))
        ends.append(weights(arm.trial.parties["student"]))
    assert same(*ends)


@every_one
def test_labels_are_no_term_and_the_teacher_stays_as_it_is(key):
    arm, names = start(world(TransferSet(*images(48, 0))), made(key), SHORT), set()
    before = weights(arm.setting.teacher)
    for event in play(arm):
        if isinstance(event, events.Step):
            names |= set(event.terms)
    assert "labels" not in names
    assert same(weights(arm.trial.parties["teacher"]), before)


@every_one
def test_an_interrupted_run_ends_where_an_undisturbed_one_does(key, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.engine.training.keeper.EVERY", 0.0)
    where = world(TransferSet(*images(48, 0)))
    whole = collect(distill(where, made(key), SHORT, 0, Conditions(folder=tmp_path / "whole")))
    going = distill(where, made(key), SHORT, 0, Conditions(folder=tmp_path / "broken"))
    for event in going:
        if isinstance(event, events.Step) and event.step == 5:
            going.close()
            break
    resumed = collect(distill(where, made(key), SHORT, 0, Conditions(folder=tmp_path / "broken")))
    assert (resumed.predictions["student"] == whole.predictions["student"]).all()


@every_one
def test_what_cannot_be_made_up_is_refused(key):
    with pytest.raises(TypeError, match=f"inputs are torch.int64; {key} makes up one floating-point tensor"):
        built(key, Batch(torch.arange(4), torch.zeros(4, 1, 8, 8, dtype=torch.int64)))
    with pytest.raises(TypeError, match="inputs are tuple"):
        built(key, Batch(torch.arange(4), (torch.zeros(4, 1, 8, 8),)))
    paired = Batch(torch.arange(4), torch.zeros(4, 1, 8, 8), teacher_inputs=torch.zeros(4, 1, 8, 8))
    with pytest.raises(ValueError, match="cannot show the teacher another one"):
        built(key, paired)


def built(key, example):
    method, nets = made(key), convnets()
    method.build(nets["student"](), nets["teacher"], example, FACTS)
    return method


@every_one
def test_targets_cannot_be_permuted(key):
    where = world(TransferSet(*images(48, 0)))
    with pytest.raises(ValueError, match="no control that permutes targets"):
        collect(distill(where, made(key), SHORT, 0, Conditions(checkpoint=False, control="permuted_targets")))
