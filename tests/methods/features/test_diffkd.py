"""Cleaned features: the formula stride by stride, what a perfect model makes of noise, and draws that follow the ids."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from tests.methods.case import Case, batch, check
from tests.methods.features.board import LABELS, built, convolve, held, normalise, rectify, traces
from tests.methods.literal import cross_entropy, softmax
from workbench.methods.features.diffkd import DiffKD, Noise, diffused, kept_signal, less_noisy

STUDENT, TEACHER = traces(13, {"layer2": (2, 2, 2)})
IDS = [7, 3]


def make(**parameters):
    return built(DiffKD, **parameters)


def make_narrow(**parameters):
    return make(**({"width": 1} | parameters))


WIDE, NARROW = held(make()), held(make_narrow())


def kept(step):
    """Signal left after the noise of the steps up to this one."""
    left = 1.0
    for k in range(step + 1):
        left *= 1 - (1e-4 + (0.02 - 1e-4) * k / 999)
    return left


def draws(drawn, channels):
    """By rank of the id: the sample 7 has the second draw, 3 the first."""
    generator = torch.Generator().manual_seed(int(drawn["noise.seed"]))
    noise, error = (torch.randn(2, channels, 2, 2, generator=generator).numpy()[[1, 0]].astype(float) for _ in range(2))
    return noise, error, torch.randint(1000, (2,), generator=generator).tolist()[::-1]


def normed(drawn, maps, convolution, norm):
    maps = convolve(maps, drawn[f"{convolution}.weight"])
    return normalise(maps, drawn[f"{norm}.weight"], drawn[f"{norm}.bias"])


def bottleneck(drawn, maps, name):
    inner = rectify(normed(drawn, maps, f"{name}.body.0", f"{name}.body.1"))
    inner = rectify(normed(drawn, inner, f"{name}.body.3", f"{name}.body.4"))
    return maps + normed(drawn, inner, f"{name}.body.6", f"{name}.body.7")


def guess(drawn, noisy, steps):
    maps = noisy + np.stack([drawn["denoiser.steps.weight"][step] for step in steps])[:, :, None, None]
    maps = bottleneck(drawn, bottleneck(drawn, maps, "denoiser.body.0"), "denoiser.body.1")
    return normed(drawn, maps, "denoiser.body.2", "denoiser.body.3")


def share(drawn, maps):
    averages = bottleneck(drawn, maps, "matcher.body.0").mean((2, 3))
    scores = averages @ drawn["matcher.body.2.weight"].T + drawn["matcher.body.2.bias"]
    return np.array([softmax(row)[0] for row in scores])[:, None, None, None]


def formula(drawn):
    def terms(student, constants):
        told, found = constants.teacher["layer2"], {}
        if drawn is NARROW:
            code = normed(drawn, told, "autoencoder.encoder.0", "autoencoder.encoder.1")
            again = convolve(code, drawn["autoencoder.decoder.weight"], drawn["autoencoder.decoder.bias"])
            found["reconstruction"] = [((again - told)[b] ** 2).mean() for b in range(2)]
            told = code
        noise, error, steps = draws(drawn, told.shape[1])
        features = convolve(student["layer2"], drawn["enter.weight"], drawn["enter.bias"])
        noisy = share(drawn, features) * features + (1 - share(drawn, features)) * noise
        for step, before in ((400, 300), (300, 200), (200, 100), (100, 0), (0, None)):
            a, b = kept(step), 1.0 if before is None else kept(before)
            n = guess(drawn, noisy, [step, step])
            noisy = math.sqrt(b) * (noisy - math.sqrt(1 - a) * n) / math.sqrt(a) + math.sqrt(1 - b) * n
        cleaned = convolve(noisy, drawn["leave.weight"], drawn["leave.bias"])
        levels = np.array([kept(step) for step in steps])[:, None, None, None]
        guessed = guess(drawn, np.sqrt(levels) * told + np.sqrt(1 - levels) * error, steps)
        return found | {
            "labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
            "features": [((cleaned - told)[b] ** 2).mean() for b in range(2)],
            "diffusion": [((guessed - error)[b] ** 2).mean() for b in range(2)],
        }

    return terms


ORACLES = [
    Case("five strides", make, STUDENT, TEACHER, batch(LABELS, IDS), formula(WIDE)),
    Case("a code of one channel", make_narrow, STUDENT, TEACHER, batch(LABELS, IDS), formula(NARROW)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


@pytest.mark.parametrize("strides", [1, 3, 10])
def test_who_knows_the_noise_gets_the_clean_features_back_in_any_number_of_strides(strides):
    clean, noise = torch.randn(2, 3, 2, 2, dtype=torch.float64), torch.randn(2, 3, 2, 2, dtype=torch.float64)
    levels = torch.linspace(0.1, 1.0, strides + 1, dtype=torch.float64)
    noisy = diffused(clean, noise, levels[:1].expand(2))
    for now, after in pairwise(levels):
        noisy = less_noisy(noisy, noise, now, after)
    torch.testing.assert_close(noisy, clean)


def test_the_signal_falls_from_all_to_nothing():
    left = kept_signal(torch.zeros(1, dtype=torch.float64))
    assert left[0] == pytest.approx(0.9999)
    assert (left.diff() < 0).all()
    assert left[-1] < 1e-4


def test_draws_follow_the_ids_and_change_with_the_step():
    noise, like = Noise(), torch.zeros(4, 2, 2, 2)
    ids, order = torch.tensor([9, 2, 30, 4]), torch.tensor([2, 0, 3, 1])
    straight, turned = noise.draw(ids, like), noise.draw(ids[order], like)
    for one, other in zip(straight, turned, strict=True):
        assert torch.equal(other, one[order])
    noise.advance()
    assert not torch.equal(noise.draw(ids, like)[0], straight[0])


def test_the_diffusion_model_learns_from_the_teacher_and_the_student_through_it():
    method = make()
    student = STUDENT["layer2"].clone().requires_grad_()
    given = type(STUDENT)(STUDENT.outputs, {"layer2": student})
    terms = method(given, TEACHER, batch(LABELS))
    terms["diffusion"].sum().backward(retain_graph=True)
    assert student.grad is None
    assert method.denoiser.steps.weight.grad.abs().sum() > 0
    terms["features"].sum().backward()
    assert student.grad.abs().sum() > 0


def test_the_code_learns_to_be_decoded_and_nothing_else():
    method = make_narrow()
    terms = method(STUDENT, TEACHER, batch(LABELS))
    (terms["features"].sum() + terms["diffusion"].sum()).backward(retain_graph=True)
    assert all(p.grad is None for p in method.autoencoder.parameters())
    terms["reconstruction"].sum().backward()
    assert all(p.grad is not None for p in method.autoencoder.parameters())
