"""The settings that come with the workbench: the numbers and claims their texts state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.data.archives import cifar100, pack
from workbench.data import sources
from workbench.data.download import DataUnavailable
from workbench.data.transfer import TransferSet
from workbench.models.zoo import NETS
from workbench.records.budget import Budget
from workbench.settings.cifar import Net
from workbench.settings.cifar10 import Cifar10
from workbench.settings.cifar100 import Cifar100
from workbench.settings.digits import Digits
from workbench.settings.fashion import Fashion
from workbench.settings.setting import Setting
from workbench.settings.two_moons import TwoMoons


# --- digits ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("labels", [20, 60, 200])
@pytest.mark.parametrize("further", [0, 100, 1000])
def test_digits_gives_the_student_what_is_asked(labels: int, further: int) -> None:
    """Labels up to rounding by class, further inputs exactly; the teacher has every label but the validation's."""
    setting = Digits(student_labels=labels, transfer_inputs=further)
    labelled = len(setting.train.labelled) + len(setting.validation)
    assert abs(labelled - labels) <= 5
    assert len(setting.train) - len(setting.train.labelled) == further
    assert len(setting.teacher_train) == 1438 - len(setting.validation)
    assert set(setting.train.ids.tolist()) <= set(setting.teacher_train.ids.tolist())


def test_digits_teacher_of_few_labels_knows_no_more_than_the_student() -> None:
    """Not the labels of the further inputs."""
    setting = Digits(student_labels=60, transfer_inputs=100, teacher_labels="few")
    assert setting.teacher_train.ids.tolist() == setting.train.ids[setting.train.labelled].tolist()


def test_digits_arms_of_one_comparison_share_labels_and_test() -> None:
    """With and without further inputs."""
    one, other = Digits(student_labels=60), Digits(student_labels=60, transfer_inputs=1000)
    assert torch.equal(one.validation.ids, other.validation.ids)
    assert torch.equal(one.train.ids, other.train.ids[other.train.labelled])
    assert one.test.digest() == other.test.digest()


def test_digits_by_default_is_everything() -> None:
    """1,438 samples for training and validation, 359 for the test."""
    setting = Digits()
    assert len(setting.train) + len(setting.validation) == 1438
    assert len(setting.test) == 359
    assert setting.train.inputs.max() == 1
    assert setting.train.inputs.min() == 0


def test_a_named_setting_shows_how_to_make_it_again() -> None:
    """Its class and arguments."""
    shown = repr(Digits(student_labels=60, teacher_labels="few"))
    assert shown == "Digits(student_labels=60, transfer_inputs=0, teacher_labels='few')"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"transfer_inputs": 10}, "needs student_labels"),
        ({"student_labels": 500, "transfer_inputs": 1000}, "more than the 1438"),
    ],
)
def test_digits_cannot_give_more_than_it_has(given: dict[str, int], words: str) -> None:
    """The message names the numbers."""
    with pytest.raises(ValueError, match=words):
        Digits(**given)


Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def fit(model: nn.Module, data: TransferSet, budget: Budget, steps: int, loss: Loss) -> nn.Module:
    """SGD written out, with a cosine schedule."""
    optimiser = torch.optim.SGD(model.parameters(), budget.learning_rate, budget.momentum, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        batch = data.batch(torch.randint(len(data), (budget.batch_size,)))
        optimiser.zero_grad()
        loss(model(batch.student_inputs), batch.student_inputs, batch.labels).backward()
        optimiser.step()
        schedule.step()
    return model.eval()


def labels_only(logits: Tensor, _inputs: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy."""
    return F.cross_entropy(logits, labels)


def soft_targets(teacher: nn.Module) -> Loss:
    """Nine parts of softened teacher, one part of labels where there are some."""

    def loss(logits: Tensor, inputs: Tensor, labels: Tensor) -> Tensor:
        with torch.no_grad():
            soft = (teacher(inputs) / 4).softmax(1)
        matched = F.kl_div((logits / 4).log_softmax(1), soft, reduction="batchmean") * 16
        known = labels >= 0
        return 0.9 * matched + (0.1 * F.cross_entropy(logits[known], labels[known]) if known.any() else 0.0)

    return loss


def points_gained(setting: Setting, seeds: int = 2) -> list[float]:
    """Points of test accuracy that soft targets gain over labels alone at equal steps, seed by seed."""
    torch.manual_seed(100)
    known = setting.train.subset(setting.train.labelled)
    teacher = fit(setting.teacher.factory(), setting.teacher_train, setting.teacher.budget, 450, labels_only)
    gains = []
    for seed in range(seeds):
        accuracy = []
        for data, loss in ((known, labels_only), (setting.train, soft_targets(teacher))):
            torch.manual_seed(seed)
            student = fit(setting.make_student(), data, setting.budget, 600, loss)
            test = setting.test.batch(torch.arange(len(setting.test)))
            with torch.no_grad():
                accuracy.append((student(test.student_inputs).argmax(1) == test.labels).float().mean().item())
        gains.append(100 * (accuracy[1] - accuracy[0]))
    return gains


@pytest.mark.slow
def test_digits_information_asymmetry_is_real() -> None:
    """A teacher of the same few labels does not help; one that can be asked about 1,000 inputs gains about ten points."""
    assert np.mean(points_gained(Digits(student_labels=60, teacher_labels="few"))) < 1
    gains = points_gained(Digits(student_labels=60, transfer_inputs=1000))
    assert min(gains) > 5
    assert 7 < np.mean(gains) < 14


# --- two moons ---------------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_two_moons_shows_asymmetry_too() -> None:
    """Three hundred questions are worth more than eighteen labels."""
    setting = TwoMoons()
    assert setting.train.inputs.shape == (318, 2)
    assert len(setting.train.labelled) == 18
    assert np.mean(points_gained(setting)) > 1


# --- Fashion-MNIST -----------------------------------------------------------------------------------------------
def test_fashion_draws_the_same_share_of_every_class(real_data: Path) -> None:
    """900 for training and 100 for validation of each."""
    setting = Fashion()
    assert real_data.is_dir()
    assert setting.train.labels.bincount().tolist() == [900] * 10
    assert setting.validation.labels.bincount().tolist() == [100] * 10
    assert len(setting.test) == 10_000
    assert setting.train.inputs.dtype == torch.uint8


def test_fashion_is_normalised(real_data: Path) -> None:
    """All 60,000 images have mean 0 and standard deviation 1."""
    setting = Fashion(train_samples=60_000)
    assert real_data.is_dir()
    assert len(setting.train) + len(setting.validation) == 60_000
    seen = setting.train.batch(torch.arange(20_000)).student_inputs
    assert seen.mean().item() == pytest.approx(0, abs=0.02)
    assert seen.std().item() == pytest.approx(1, abs=0.02)


# --- CIFAR -------------------------------------------------------------------------------------------------------
def test_every_net_of_the_zoo_can_be_chosen() -> None:
    """And no other."""
    assert set(get_args(Net)) == set(NETS)


@pytest.mark.parametrize("cls", [Cifar10, Cifar100])
def test_cifar_without_its_archive(cls: type[Setting], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Says where to put it."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WORKBENCH_OFFLINE", "1")
    with pytest.raises(
        DataUnavailable, match=r"python.tar.gz is not here .* Put https://www.cs.toronto.edu/~kriz/cifar-10"
    ):
        cls()


@pytest.fixture
def tiny_cifar100(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive in the published format with 40 training and 2 test images of two classes."""
    fake = pack(cifar100(2, 20), tmp_path / "cifar-100-python.tar.gz")
    monkeypatch.setitem(sources.SOURCES, "cifar100", fake)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))


@pytest.mark.usefixtures("tiny_cifar100")
def test_cifar_runs_under_the_budget_of_the_tables() -> None:
    """240 epochs of batches of 64, rate 0.05 cut at 150, 180 and 210, weight decay 5e-4, momentum 0.9, crops and flips."""
    setting = Cifar100()
    budget = setting.budget
    assert (budget.epochs, budget.batch_size, budget.learning_rate) == (240, 64, 0.05)
    assert (budget.schedule, budget.weight_decay, budget.momentum) == ("multistep", 5e-4, 0.9)
    assert setting.augment.padding == 4
    assert setting.teacher.budget == budget
    assert setting.class_names == ("fruit 0", "fruit 1")
    assert (len(setting.train), len(setting.validation), len(setting.test)) == (36, 4, 2)
    assert setting.student.func is NETS["resnet8x4"]
    assert setting.teacher.factory.func is NETS["resnet32x4"]


@pytest.mark.usefixtures("tiny_cifar100")
@pytest.mark.parametrize(("name", "rate"), [("shuffle_v1", 0.01), ("mobilenet_v2", 0.01), ("wrn_40_1", 0.05)])
def test_cifar_nets_by_name(name: str, rate: float) -> None:
    """Nets with depthwise convolutions start at 0.01."""
    setting = Cifar100(teacher_net="wrn_16_1", student_net=name, epochs=2)
    assert setting.budget.learning_rate == rate
    inputs = setting.train.batch(torch.arange(2)).student_inputs
    assert setting.make_student().eval()(inputs).shape == (2, 2)
