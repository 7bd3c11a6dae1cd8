"""What the weights of samples do to every method: nothing where all are equal, everything where one is 0."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch

from tests.contracts.probes import world
from tests.contracts.scene import kinds_of, rows_of, scene
from workbench.data.transfer import TransferSet
from workbench.engine.training.terms import Averages
from workbench.methods.catalog import catalog, make
from workbench.methods.method import Method
from workbench.methods.parts.joining import joined
from workbench.methods.parts.synthesis import DataFreeMethod
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.events import Warning as Warned

METHODS = catalog()
every_method = pytest.mark.parametrize("cls", METHODS.values(), ids=METHODS)
SILENT = torch.tensor([1, 3, 4, 6])
"""Rows of weight 0."""


def quiet(cls, kind):
    """Without dropout, and without the batch normalisation of adapters, in which samples meet as they do in the student's."""
    here = scene(cls, kind)
    here.method.eval()
    here.student.eval()
    return here


def weighted_scene(cls, kind, weight=None):
    here = quiet(cls, kind)
    if weight is None:
        weight = torch.ones(8, dtype=torch.float64)
        weight[SILENT] = 0
    here.batch = here.batch.but(weight=weight)
    return here


def averaged(here, batch):
    return {
        name: Averages(everyone_labelled=False)(name.rpartition("/")[2], term, batch)
        for name, term in here.terms(batch).items()
        if term.dim() == 0 or len(term) == len(batch.ids)
    }


def with_other_rows(batch):
    """The batch with other inputs and labels where nothing weighs."""
    order = torch.arange(8)
    order[SILENT] = SILENT.roll(1)
    turned = rows_of(batch, order)

    def other(name, given):
        if isinstance(given, dict):
            return {key: other(key, part) for key, part in given.items()}
        return given * 3 if isinstance(given, torch.Tensor) and given.is_floating_point() else given

    kept = {"ids": batch.ids, "weight": batch.weight}
    shown = other("student_inputs", turned.student_inputs)
    if isinstance(shown, torch.Tensor):
        shown = torch.where((batch.weight == 0).view(-1, *[1] * (shown.dim() - 1)), shown, batch.student_inputs)
    return turned.but(student_inputs=shown, **kept)


@every_method
def test_what_a_sample_of_weight_0_holds_changes_nothing_unless_samples_are_declared_to_be_related(cls):
    if issubclass(cls, DataFreeMethod):
        return  # what it is shown it makes up
    changed = []
    for kind in kinds_of(cls):
        here, there = weighted_scene(cls, kind), weighted_scene(cls, kind)
        one, other = averaged(here, here.batch), averaged(there, with_other_rows(there.batch))
        changed += [name for name in one if not torch.allclose(one[name], other[name])]
    assert bool(changed) == cls.relates_samples, changed


@every_method
def test_equal_weights_are_no_weights(cls):
    for kind in kinds_of(cls):
        here, there = weighted_scene(cls, kind, torch.full((8,), 0.3, dtype=torch.float64)), quiet(cls, kind)
        torch.testing.assert_close(averaged(here, here.batch), averaged(there, there.batch))


@every_method
def test_no_field_of_a_batch_is_lost_where_a_method_makes_the_inputs(cls):
    if cls.own_inputs and cls.update is not Method.update:
        return  # it makes its inputs when asked for a step
    here = weighted_scene(cls, kinds_of(cls)[0])
    here.batch = here.batch.but(extras={**here.batch.extras, "told": torch.arange(8)})
    for _, learners, _ in here.stages():
        for _ in range(2):  # the second step may hold the first
            seen = here.method.inputs(here.batch, learners)
            for name in (field.name for field in fields(Batch)):
                made_up = name == "labels" and issubclass(cls, DataFreeMethod)
                assert made_up or getattr(here.batch, name) is None or getattr(seen, name) is not None, name
            assert seen.extras["told"].tolist() == [here.batch.ids.tolist().index(i) for i in seen.ids.tolist()]
            weights = dict(zip(here.batch.ids.tolist(), here.batch.weight.tolist(), strict=True))
            assert seen.weight.tolist() == [weights[i] for i in seen.ids.tolist()]


# --- runs ---------------------------------------------------------------------------------------------------------
RUN = ("kd", "dlb", "data_distortion", "rkd", "crd", "function_matching", "born_again", "projector_ensemble")


def data(rows, weight=None):
    inputs, labels = world.blobs(96)
    return TransferSet(inputs[rows], labels[rows], ids=1000 + rows, weight=weight)


@pytest.mark.parametrize("name", RUN)
def test_a_run_with_weights_of_0_is_the_run_without_those_samples(name):
    kept = torch.arange(96)[torch.arange(96) % 3 != 1]
    weight = torch.ones(96).index_fill(0, torch.arange(1, 96, 3), 0.0)
    runs = [world.run(world.setting(train=train), make(name)) for train in (data(torch.arange(96), weight), data(kept))]
    assert world.same(*({k: torch.as_tensor(v) for k, v in run.models["student"].items()} for run in runs))


@pytest.mark.parametrize("name", ["dlb", "rkd"])
def test_a_run_with_equal_weights_is_the_run_without_any_to_the_last_bit(name):
    every = torch.arange(96)
    runs = [
        world.run(world.setting(train=train), make(name))
        for train in (data(every, torch.full((96,), 0.3)), data(every))
    ]
    assert world.same(*(run.models["student"] for run in runs))


@pytest.mark.parametrize(("name", "warned"), [("kd", False), ("rkd", True), ("kd+rkd", True)])
def test_unequal_weights_of_a_method_that_relates_samples_are_warned_of_once(name, warned):
    weighted = world.setting(train=data(torch.arange(96), torch.arange(96.0)))
    messages = [e.message for e in world.play(world.start(weighted, make(name))) if isinstance(e, Warned)]
    assert [m for m in messages if "weight scales its own share only" in m] == (messages[-1:] if warned else [])


def test_two_batches_as_one_keep_every_field():
    def made(start, **more):
        ids = torch.arange(start, start + 2)
        return Batch(ids, ids[:, None].float(), alignment=torch.tensor([1, -1]), **more)

    extras = {"names": ["a", "b"], "groups": {"x": torch.arange(2)}, "own": torch.arange(2)}
    first = made(0, labels=torch.tensor([3, 4]), extras=extras)
    second = made(5, weight=torch.tensor([2.0, 0.5]), teacher_inputs=torch.ones(2, 1), mask=torch.zeros(2, 3) > 0)
    second = second.but(extras={"names": ["c", "d"], "groups": {"x": torch.arange(2)}})
    both = joined(first, second)
    assert both.ids.tolist() == [0, 1, 5, 6]
    assert both.labels.tolist() == [3, 4, UNLABELLED, UNLABELLED]
    assert both.weight.tolist() == [1, 1, 2, 0.5]
    assert both.teacher_inputs.tolist() == [[0], [1], [1], [1]]
    assert both.mask.any(1).tolist() == [True, True, False, False]
    assert both.alignment.tolist() == [1, -1, 3, -1]
    assert both.extras["names"] == ["a", "b", "c", "d"]
    assert both.extras["groups"]["x"].tolist() == [0, 1, 0, 1]
    assert "own" not in both.extras
