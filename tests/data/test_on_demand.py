"""Data that is read batch by batch: mapped files, data sets, loaders and streams."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset, WeightedRandomSampler

from workbench.data.convert import as_transfer_set
from workbench.data.on_demand import OnDemand
from workbench.engine.distill import collect, distill
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.records.run import Run
from workbench.settings.setting import Setting

N = 48
Y = np.arange(N) % 3
X = (np.eye(3)[Y] + np.random.default_rng(0).normal(scale=0.3, size=(N, 3))).astype(np.float32)
TEST = X[:12] + 0.1, Y[:12]
BUDGET = Budget(epochs=3, batch_size=8)


class Pairs(Dataset):
    """Items of the arrays, with noise if asked for; every read is written down."""

    def __init__(self, noise: float = 0.0, source: str = "torch", count: int = N) -> None:
        self.noise, self.source, self.count, self.asked = noise, source, count, []

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if index >= self.count:
            raise IndexError(index)
        self.asked.append(index)
        return torch.tensor(X[index % N] + self.noise * self.draw()), int(Y[index % N])

    def draw(self) -> np.ndarray:
        if self.source == "torch":
            return torch.randn(3).numpy()
        if self.source == "numpy":
            return np.random.randn(3).astype(np.float32)  # noqa: NPY002 - as users write it
        return np.array([random.random() for _ in range(3)], np.float32)


class Listed(Pairs):
    """As those of torchvision."""

    targets = Y.tolist()


class Flow(IterableDataset):
    """The pairs one after the other."""

    def __init__(self, noise: float = 0.0, count: int = N) -> None:
        self.noise, self.count = noise, count

    def __iter__(self) -> Iterator[tuple[Tensor, int]]:
        for k in range(self.count):
            yield torch.tensor(X[k % N]) + self.noise * torch.randn(3), int(Y[k % N])


class Sized(Flow):
    """A stream without end that says how long an epoch is."""

    def __len__(self) -> int:
        return N

    def __iter__(self) -> Iterator[tuple[Tensor, int]]:
        while True:
            yield from super().__iter__()


def net() -> nn.Module:
    torch.manual_seed(0)
    return MLP(3, (8,), 3)


def own(train: Any, **changes: Any) -> Setting:
    parts = {"test": TEST, "teacher": net(), "student": partial(MLP, 3, (4,), 3), "budget": BUDGET, "threads": 1}
    return Setting(train=train, **(parts | changes))


def trained(train: Any, method: str = "kd", **changes: Any) -> Run:
    return collect(distill(own(train, **changes), make(method), seed=0))


def weights(run: Run) -> list[np.ndarray]:
    return [np.asarray(value) for value in run.models["student"].values()]


def same(one: Run, other: Run) -> bool:
    return all(map(np.array_equal, weights(one), weights(other)))


def mapped(folder: Path, values: np.ndarray = X) -> np.ndarray:
    path = folder / "inputs.npy"
    np.save(path, values)
    return np.load(path, mmap_mode="r")


# --- the same numbers as in memory -------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["labels_only", "kd", "ps_kd"])
def test_a_run_on_what_is_read_is_the_run_on_what_is_in_memory(method: str, tmp_path: Path) -> None:
    expected = trained((X, Y), method)
    for data in ((mapped(tmp_path), Y), Pairs(), Listed(), DataLoader(Pairs(), batch_size=5, shuffle=True)):
        assert same(trained(data, method), expected)


def test_workers_read_ahead_and_change_nothing() -> None:
    for noise in (0.0, 0.5):
        alone, ahead = (trained(DataLoader(Pairs(noise), batch_size=4, num_workers=n)) for n in (0, 1))
        assert same(alone, ahead)


def test_a_tensor_data_set_is_in_memory_already() -> None:
    tensors = TensorDataset(torch.tensor(X), torch.tensor(Y))
    assert isinstance(as_transfer_set(tensors).inputs, Tensor)
    assert as_transfer_set(Subset(tensors, [3, 1])).inputs.tolist() == X[[3, 1]].tolist()


# --- read in each epoch, and not kept ----------------------------------------------------------------------------
def test_items_are_read_in_every_epoch_and_kept_in_none() -> None:
    data = Listed()
    setting = own(data)
    assert isinstance(setting.train.inputs, OnDemand)
    data.asked.clear()
    collect(distill(setting, make("labels_only"), seed=0))
    share = [data.asked.count(k) for k in setting.train.ids.tolist()]
    steps = len(setting.train) // BUDGET.batch_size
    assert sum(share) >= BUDGET.epochs * steps * BUDGET.batch_size


def test_labels_that_are_listed_cost_no_pass_over_a_large_set() -> None:
    class Large(Pairs):
        targets = np.resize(Y, 1_000_000)

    data = Large(count=1_000_000)
    made = as_transfer_set(data)
    assert len(made) == 1_000_000
    assert len(data.asked) < 1000
    made.subset(torch.arange(0, 1_000_000, 2)).batch(torch.tensor([5]))
    assert len(data.asked) < 1001
    assert data.asked[-1] == 10


def test_a_mapped_file_is_neither_copied_nor_frozen(tmp_path: Path) -> None:
    values = mapped(tmp_path, np.resize(X, (300_000, 3)))
    setting = own((values, np.resize(Y, 300_000)), test=(X[:6] + 5, Y[:6]))
    assert setting.train.inputs.array is values
    assert setting.train.subset(torch.arange(9)).inputs.array is values
    rows = setting.train.inputs.numbers[:4]
    assert setting.train.batch(torch.arange(4)).student_inputs.tolist() == values[rows.numpy()].tolist()
    assert len(pickle.dumps(setting.train.inputs)) < values.nbytes
    again = pickle.loads(pickle.dumps(setting.train.inputs))
    assert torch.equal(again.read(torch.arange(4)), setting.train.inputs.read(torch.arange(4)))


def test_bytes_in_a_file_are_scaled_as_bytes_in_memory_are(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.uint8).reshape(6, 1, 2, 2)
    made, expected = as_transfer_set((mapped(tmp_path, values), Y[:6])), as_transfer_set((values, Y[:6]))
    rows = torch.tensor([4, 0])
    assert torch.equal(made.batch(rows).student_inputs, expected.batch(rows).student_inputs)


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    one = as_transfer_set((mapped(tmp_path), Y)).digest()
    assert as_transfer_set((mapped(tmp_path), Y)).digest() == one
    changed = X.copy()
    changed[-1, -1] += 1
    assert as_transfer_set((mapped(tmp_path, changed), Y)).digest() != one
    made = as_transfer_set(Pairs())
    assert made.digest() == as_transfer_set(Pairs()).digest() != as_transfer_set(Pairs(count=N - 1)).digest()
    assert made.subset(torch.arange(5)).digest() != made.subset(torch.arange(1, 6)).digest()
    assert made.inputs[3].tolist() == X[3].tolist()


# --- items that change -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("source", ["torch", "numpy", "python"])
def test_items_that_change_are_seen_changed_and_repeat_with_the_seed(source: str) -> None:
    made = as_transfer_set(Pairs(0.5, source))
    assert not made.repeatable
    generator = torch.Generator().manual_seed(0)
    rows = torch.arange(6)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    first, second = (made.batch(rows, generator=generator).student_inputs for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(first, made.batch(rows, generator=generator.manual_seed(0)).student_inputs)
    assert torch.equal(made.batch(rows).student_inputs, made.batch(rows).student_inputs)
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002
    assert before[2] == random.getstate()
    assert same(trained(Pairs(0.5, source)), trained(Pairs(0.5, source)))


def test_student_and_teacher_see_the_same_view_of_an_item_that_changes() -> None:
    seen: dict[str, list[Tensor]] = {"teacher": [], "student": []}

    class Watched(MLP):
        party = "student"

        def forward(self, inputs: Tensor) -> Tensor:
            if self.training or self.party == "teacher":
                seen[self.party].append(inputs.detach().clone())
            return super().forward(inputs)

    teacher = Watched(3, (8,), 3)
    teacher.party = "teacher"
    trained(Pairs(0.5), teacher=teacher, student=partial(Watched, 3, (4,), 3))
    assert all(any(torch.equal(view, other) for other in seen["teacher"]) for view in seen["student"])
    _rehearsed, *steps = seen["student"]
    assert len(steps) == 15
    assert not torch.equal(steps[0].sort(0).values, steps[5].sort(0).values)


def test_notes_say_how_the_items_are_read() -> None:
    assert any("change from read to read" in note for note in own(Pairs(0.5)).notes)
    assert not any("change from read to read" in note for note in own(Pairs()).notes)
    assert any("not the DataLoader's 7" in note for note in own(DataLoader(Pairs(), batch_size=7)).notes)


# --- streams -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("stream", [Flow(), Sized(), DataLoader(Flow(), batch_size=4)])
def test_a_stream_that_repeats_has_ids_a_split_and_any_method(stream: Any) -> None:
    setting = own(stream)
    assert len(setting.train) + len(setting.validation) == N
    held = {*setting.validation.ids.tolist()}
    batches = list(setting.train.epoch(torch.arange(40).split(8)))
    assert not held & {int(id) for batch in batches for id in batch.ids}
    for batch in batches:
        assert torch.equal(batch.student_inputs, torch.tensor(X[batch.ids]))
        assert batch.labels.tolist() == Y[batch.ids].tolist()
    for method in ("kd", "ps_kd"):
        assert trained(stream, method).facts["steps"]["student"] == 15


def test_a_stream_that_changes_needs_validation_and_refuses_what_needs_ids() -> None:
    with pytest.raises(ValueError, match="give validation="):
        own(Flow(0.3))
    valid = X[12:20] - 0.1, Y[12:20]
    assert trained(Flow(0.3), validation=valid).scores["student"].last > 30
    assert same(trained(Flow(0.3), validation=valid), trained(Flow(0.3), validation=valid))
    with pytest.raises(ValueError, match="ps_kd keeps something of every sample, by its id"):
        trained(Flow(0.3), "ps_kd", validation=valid)
    with pytest.raises(ValueError, match="test must be the same each time"):
        own((X, Y), test=Flow(0.3, 9))


def test_a_stream_without_end_or_length_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.data.stream.MOST", 500)
    with pytest.raises(ValueError, match="has no __len__ and gives more than 500 items"):
        as_transfer_set(Flow(count=501))


# --- refused in words --------------------------------------------------------------------------------------------
class Broken(Pairs):
    """One item cannot be read."""

    def __getitem__(self, index: int) -> Any:
        return {}["nothing"] if index == 3 else super().__getitem__(index)


class Fickle(Pairs):
    """Labels change."""

    def __getitem__(self, index: int) -> Any:
        return torch.zeros(3), int(torch.randint(9, ()))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (Broken(), "item 3 of Broken cannot be read: KeyError"),
        (Fickle(), "the labels of Fickle change from read to read"),
        (DataLoader(Pairs(), sampler=WeightedRandomSampler([1.0] * N, N)), "draws with WeightedRandomSampler"),
        (DataLoader(Pairs(), batch_size=None), "makes batches of its own kind"),
        (Flow(count=0), "empty"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(data: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        as_transfer_set(data)
