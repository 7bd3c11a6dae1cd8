"""A tiny classification with a ready teacher, and runs on it: nothing of it takes more than a blink to train."""

from __future__ import annotations

from functools import cache, partial

import torch
from torch import Tensor

import workbench as wb
from workbench.engine.distill import collect
from workbench.methods.catalog import make
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.records.run import Run
from workbench.settings.setting import Setting

CLASSES, TRAIN, TEST = 4, 96, 60
BUDGET = wb.Budget(epochs=3, batch_size=16)


@cache
def setting(look: str = "image") -> Setting:
    """Blobs in one of four corners, as images of 8 x 8, spectrograms of 8 x 6, series of 16 or tables of 6 columns."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(TRAIN + TEST) % CLASSES
    makers = {"image": _corners, "spectrogram": _bands, "series": _bumps, "table": _columns}
    nets = {"image": partial(ConvNet, 1), "series": partial(MLP, 16), "table": partial(MLP, 6)}
    inputs, nets["spectrogram"] = makers[look](labels, generator), nets["image"]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        teacher = nets[look]((8, 12), CLASSES)
        _fit(teacher, inputs[:TRAIN], labels[:TRAIN])
    return Setting(
        train=(inputs[:TRAIN], labels[:TRAIN]),
        test=(inputs[TRAIN:], labels[TRAIN:]),
        teacher=teacher.eval(),
        student=partial(nets[look], (4, 6), CLASSES),
        name=f"corners as {look}",
        budget=BUDGET,
        class_names=("north west", "north east", "south west", "south east"),
        look="series" if look == "spectrogram" else look,
        threads=1,
    )


@cache
def run(method: str = "kd", look: str = "image") -> Run:
    """A student of the scene, distilled or on labels only."""
    return collect(wb.distill(setting(look), make(method)))


def _corners(labels: Tensor, generator: torch.Generator) -> Tensor:
    images = 0.2 * torch.rand(len(labels), 1, 8, 8, generator=generator)
    for image, label in zip(images, labels.tolist(), strict=True):
        top, left = 4 * (label // 2), 4 * (label % 2)
        image[0, top + 1 : top + 3, left + 1 : left + 3] += 0.8
    return images


def _bands(labels: Tensor, generator: torch.Generator) -> Tensor:
    return _corners(labels, generator)[..., 1:-1]


def _bumps(labels: Tensor, generator: torch.Generator) -> Tensor:
    series = 0.2 * torch.rand(len(labels), 16, generator=generator)
    for line, label in zip(series, labels.tolist(), strict=True):
        line[4 * label : 4 * label + 3] += 0.8
    return series


def _columns(labels: Tensor, generator: torch.Generator) -> Tensor:
    return torch.nn.functional.one_hot(labels, 6).float() + 0.4 * torch.randn(len(labels), 6, generator=generator)


def _fit(net: torch.nn.Module, inputs: Tensor, labels: Tensor) -> None:
    optimizer = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(30):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()
