"""Layers in plain numbers, and pairs of small nets of equal shapes for oracles of methods that read maps."""

from __future__ import annotations

import math

import numpy as np
import torch

from tests.methods.case import FACTS, trace
from workbench.models.convnet import ConvNet
from workbench.records.batch import Batch

LOGITS = [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7]]
TEACHER_LOGITS = [[2.1, -0.5, 0.4], [0.1, 1.7, -1.1]]
LABELS = [1, -1]


def convolve(batch, weight, bias=None):
    """(B, C, H, W) with (O, C, k, k), as much padding as keeps the size."""
    height, width = batch.shape[2:]
    kernel, pad = weight.shape[2], weight.shape[2] // 2
    padded = np.pad(batch, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((len(batch), len(weight), height, width))
    for i in range(kernel):
        for j in range(kernel):
            out += np.einsum("oc,bchw->bohw", weight[:, :, i, j], padded[:, :, i : i + height, j : j + width])
    return out if bias is None else out + bias[:, None, None]


def scatter(batch, weight, bias):
    """What each position of (B, C, H, W) sends to its neighbours, with (C, O, k, k), summed up where it arrives."""
    kernel, pad = weight.shape[2], weight.shape[2] // 2
    height, width = batch.shape[2:]
    out = np.zeros((len(batch), weight.shape[1], height + 2 * pad, width + 2 * pad))
    for i in range(kernel):
        for j in range(kernel):
            out[:, :, i : i + height, j : j + width] += np.einsum("co,bchw->bohw", weight[:, :, i, j], batch)
    return out[:, :, pad : pad + height, pad : pad + width] + bias[:, None, None]


def normalise(batch, weight, bias):
    """Batch norm on the batch's own statistics."""
    out = np.empty_like(batch)
    for c in range(batch.shape[1]):
        values = batch[:, c].ravel()
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / len(values)
        out[:, c] = (batch[:, c] - mean) / math.sqrt(variance + 1e-5) * weight[c] + bias[c]
    return out


def rectify(batch, slope=0.0):
    return np.where(batch > 0, batch, slope * batch)


def cells(before, after):
    """Which of ``before`` places each of ``after`` cells averages."""
    return [range(i * before // after, -(-(i + 1) * before // after)) for i in range(after)]


def grid(batch, height, width):
    """Averages over cells."""
    rows, columns = cells(batch.shape[2], height), cells(batch.shape[3], width)
    return np.stack([np.stack([batch[:, :, r][:, :, :, c].mean((2, 3)) for c in columns], 2) for r in rows], 2)


def held(module):
    """Weights by name, as arrays."""
    return {name: tensor.detach().numpy().copy() for name, tensor in module.state_dict().items()}


def nets():
    """Two ConvNets of the same shapes, (B, 2, 4, 4) and (B, 2, 2, 2), and a batch for them."""
    torch.manual_seed(5)
    student, teacher = (ConvNet(1, (2, 2), 3).eval() for _ in range(2))
    for name, parameter in teacher.named_parameters():
        if ".bias" in name or parameter.dim() == 1:
            torch.nn.init.normal_(parameter)
    return student, teacher, Batch(torch.arange(4), torch.randn(4, 1, 4, 4), torch.tensor([0, 1, 2, 0]))


def built(cls, **parameters):
    """A method of these parameters, built for both nets, always with the same weights."""
    method = cls(**parameters)
    student, teacher, example = nets()
    torch.manual_seed(2)
    method.build(student, teacher, example, FACTS)
    return method.double()


def traces(seed, student_shapes, teacher_shapes=None, samples=2):
    """A student's and a teacher's trace with features drawn from a seed, by name and shape of a sample."""
    generator = torch.Generator().manual_seed(seed)

    def one(logits, shapes):
        features = {
            name: torch.randn(samples, *shape, generator=generator, dtype=torch.float64).tolist()
            for name, shape in shapes.items()
        }
        return trace(logits, **features)

    more = torch.randn(2, max(samples - 2, 0), 3, generator=generator, dtype=torch.float64).tolist()
    return one(LOGITS + more[0], student_shapes), one(TEACHER_LOGITS + more[1], teacher_shapes or student_shapes)
