"""Attributors against closed forms, identities and planted models."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from workbench.diagnostics.attribution.measure_attributors import WAYS, attribute
from workbench.diagnostics.attribution.measure_baselines import baselines, blurred
from workbench.diagnostics.attribution.measure_patches import patches
from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.attribution.measure_scores import PARTS, Case, Scored, asked
from workbench.models.convnet import ConvNet
from workbench.models.learners import as_teacher
from workbench.models.mlp import MLP

PRECISION = {  # captum counts replaced patches in float32, and kernel_shap solves a regression
    "integrated_gradients": 3e-8,
    "deep_lift": 3e-8,
    "occlusion": 1e-6,
    "feature_ablation": 1e-6,
    "kernel_shap": 1e-3,
}


def case_of(shape: tuple[int, ...] = (4, 6), classes: int = 5, form: str = "table") -> Case:
    inputs, start = torch.randn(shape, dtype=torch.double), torch.randn(shape, dtype=torch.double)
    teacher_logits = 2 * torch.randn(len(inputs), classes, dtype=torch.double)
    return Case(inputs, asked(teacher_logits, torch.arange(len(inputs)) % classes), start[None], form)


def smooth(classes: int = 5) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 7), nn.Tanh(), nn.Linear(7, classes)).double()


def dark_weights(case: Case, warm: float) -> Tensor:
    """The teacher without the label, renormalised; row by row."""
    rows = []
    for logits, label in zip(case.asked.teacher_logits, case.asked.labels.tolist(), strict=True):
        powers = torch.exp(logits / warm)
        powers[label] = 0
        rows.append(powers / powers.sum())
    return torch.stack(rows)


@pytest.mark.parametrize("name", PRECISION)
def test_a_linear_student_has_a_closed_form(name: str) -> None:
    case, model = case_of(), nn.Linear(6, 5).double()
    found = attribute(Scored(model, "dark_logit", 2.0), case, Plan(attributor=name, temperature=2.0))
    expected = (case.inputs - case.starts[0]) * (dark_weights(case, 2.0) @ model.weight)
    assert torch.allclose(found.maps, expected, rtol=0, atol=PRECISION[name])
    assert torch.allclose(found.values - found.references, expected.sum(1))


@pytest.mark.parametrize("name", ["saliency", "smooth_grad"])
def test_gradients_of_a_linear_student_are_its_weights(name: str) -> None:
    case, model = case_of(), nn.Linear(6, 5).double()
    found = attribute(Scored(model, "dark_logit"), case, Plan(attributor=name))
    assert torch.allclose(found.maps, dark_weights(case, 1.0) @ model.weight)
    assert found.gaps.isnan().all()


@pytest.mark.parametrize("score", ["nckd_match", "kd_match", "tckd_match"])
def test_integrated_gradients_are_complete(score: str) -> None:
    case, model = case_of(), smooth()
    found = attribute(Scored(model, score), case, Plan(score=score, steps=64))
    gained = Scored(model, score)(case.inputs, *case.asked) - Scored(model, score)(case.starts[0], *case.asked)
    assert torch.allclose(found.maps.sum(1), gained, rtol=0, atol=1e-6)
    assert (found.gaps < 1e-6).all()


@pytest.mark.parametrize("name", ["integrated_gradients", "deep_lift"])
def test_deep_lift_is_complete_for_rectifiers_in_place(name: str) -> None:
    model = nn.Sequential(nn.Linear(6, 9), nn.ReLU(inplace=True), nn.Linear(9, 5)).double()
    found = attribute(Scored(model, "nckd_match"), case_of(), Plan(attributor=name))
    assert (found.gaps < (1e-6 if name == "deep_lift" else 0.01)).all()


def test_parts_of_the_forward_pass_do_not_matter() -> None:
    case, model = case_of((5, 6)), smooth()
    few, many = (attribute(Scored(model, "nckd_match"), case, Plan(rows=rows)) for rows in (7, 4096))
    assert torch.allclose(few.maps, many.maps, rtol=0, atol=1e-12)


def test_a_path_that_is_not_complete_is_walked_in_more_steps() -> None:
    model = nn.Sequential(nn.Linear(6, 40), nn.ReLU(), nn.Linear(40, 5)).double()
    for part in (model[0], model[2]):
        part.weight.data *= 4
    found = attribute(Scored(model, "nckd_match"), case_of((16, 6)), Plan(steps=2))
    assert len(found.steps.unique()) > 1
    assert set(found.steps.tolist()) <= {2, 4, 8, 16, 32, 64, 128, 256}
    assert (found.gaps[found.steps < 256] <= 0.01).all()


@pytest.mark.parametrize("name", ["integrated_gradients", *WAYS])
def test_the_split_of_the_divergence_is_exact_for_every_attributor(name: str) -> None:
    case, model = case_of(), smooth()
    plan = Plan(attributor=name, temperature=2.0)
    whole, target, rest = (attribute(Scored(model, part, 2.0), case, plan).maps for part in ("kd_match", *PARTS))
    assert torch.allclose(target + rest, whole, rtol=0, atol=PRECISION.get(name, 1e-8))
    assert target.abs().max() > 1e-3 < rest.abs().max()


def test_a_student_that_is_its_teacher_gets_nothing_jointly_and_no_gradient_frozen() -> None:
    model, case = smooth(), case_of()
    known = asked(model(case.inputs), case.asked.labels)
    case = Case(case.inputs, known, case.starts)
    for score in ("kd_match", "nckd_match", "tckd_match"):
        joint = attribute(Scored(model, score, guide=model), case, Plan(score=score, teacher="joint"))
        assert joint.maps.abs().max() < 1e-15
        assert attribute(Scored(model, score), case, Plan(score=score, attributor="saliency")).maps.abs().max() < 1e-15
        assert attribute(Scored(model, score), case, Plan(score=score)).maps.abs().max() > 1e-3


def test_random_attributors_repeat_and_leave_the_global_state_alone() -> None:
    case, model = case_of(), smooth()
    before = torch.get_rng_state()
    for name in ("smooth_grad", "kernel_shap"):
        first, again, other = (
            attribute(Scored(model, "nckd_match"), case, Plan(attributor=name, seed=seed)).maps for seed in (0, 0, 1)
        )
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_sampled_baselines_are_averaged_and_complete_against_their_mean() -> None:
    case, model = case_of(), smooth()
    plan = Plan(baseline="sampled", draws=9)
    starts = baselines(case.inputs, plan, "table", torch.randn(50, 6, dtype=torch.double))
    found = attribute(Scored(model, "kd_match"), Case(case.inputs, case.asked, starts), plan)
    each = [attribute(Scored(model, "kd_match"), Case(case.inputs, case.asked, s[None]), plan) for s in starts]
    assert starts.shape == (9, 4, 6)
    assert torch.allclose(found.maps, torch.stack([e.maps for e in each]).mean(0))
    assert torch.allclose(found.maps.sum(1), found.values - found.references, atol=1e-3)


@pytest.mark.parametrize("name", ["integrated_gradients", *WAYS])
def test_no_hook_and_no_mode_is_left_behind(name: str) -> None:
    model = MLP(6, (8,), 5).double().eval()
    modes = [part.training for part in model.modules()]
    attribute(Scored(model, "nckd_match"), case_of(), Plan(attributor=name))
    parts = list(model.modules())
    assert [part.training for part in parts] == modes
    assert not any(part._forward_hooks or part._forward_pre_hooks or part._backward_hooks for part in parts)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_images_go_in_patches_and_keep_their_shape() -> None:
    case = case_of((2, 3, 8, 8), form="image")
    model = ConvNet(3, (4, 6), 5).double().eval()
    for name in ("integrated_gradients", "saliency", "smooth_grad", "occlusion", "feature_ablation"):
        found = attribute(Scored(model, "nckd_match"), case, Plan(attributor=name, steps=4))
        assert found.maps.shape == case.inputs.shape
        assert found.maps.isfinite().all()
    assert patches(torch.Size([3, 8, 8]), "image").unique().numel() == 16  # 2 x 2 pixels, shared by the channels
    assert torch.equal(patches(torch.Size([1, 4, 4]), "image")[0], torch.arange(16).view(4, 4))
    assert patches(torch.Size([2, 14]), "series")[0].tolist() == [k // 2 for k in range(14)]
    assert patches(torch.Size([3]), "table").tolist() == [0, 1, 2]


def test_what_does_not_fit_is_one_clear_error() -> None:
    image, pooled = case_of((2, 1, 9, 9), form="image"), ConvNet(1, (4, 6), 5).double().eval()
    with pytest.raises(ValueError, match="kernel_shap is for tables of 2 to 64 columns, not 81"):
        attribute(Scored(pooled, "nckd_match"), image, Plan(attributor="kernel_shap"))
    with pytest.raises(ValueError, match=r"deep_lift misses the score of ConvNet.*without max pooling"):
        attribute(Scored(pooled, "nckd_match"), image, Plan(attributor="deep_lift"))
    relu = nn.ReLU()
    twice = nn.Sequential(nn.Linear(6, 6), relu, nn.Linear(6, 5), relu).double()
    with pytest.raises(ValueError, match=r"deep_lift does not fit Sequential: .*each used once"):
        attribute(Scored(twice, "nckd_match"), case_of(), Plan(attributor="deep_lift"))
    with pytest.raises(ValueError, match="no gradient passes through CallableTeacher; occlusion"):
        attribute(Scored(as_teacher(lambda x: x.detach()[:, :5]), "nckd_match"), case_of(), Plan())


def test_a_function_without_gradients_is_explained_by_replacing_columns() -> None:
    case, weight = case_of(), torch.randn(6, 5, dtype=torch.double)
    model = as_teacher(lambda x: x.detach() @ weight)
    found = attribute(Scored(model, "dark_logit"), case, Plan(attributor="feature_ablation"))
    assert torch.allclose(found.maps, (case.inputs - case.starts[0]) * (dark_weights(case, 1.0) @ weight.T))


def test_a_blur_is_a_gaussian_mean_with_a_reflected_edge() -> None:
    assert torch.allclose(blurred(torch.full((2, 1, 9, 7), 3.0), 2), torch.tensor(3.0))
    line = torch.randn(1, 6, dtype=torch.double)
    found = blurred(line, 1)[0]
    for at in range(6):  # as wide as a place, reaching three of them
        weights = {step: torch.exp(torch.tensor(-(step**2) / 2.0, dtype=torch.double)) for step in range(-3, 4)}
        mirrored = {
            step: line[0, -(at + step) if at + step < 0 else min(at + step, 10 - at - step)] for step in weights
        }
        expected = sum(weights[s] * mirrored[s] for s in weights) / sum(weights.values())
        assert found[at] == pytest.approx(float(expected))


def test_baselines_are_what_they_are_called() -> None:
    inputs, pool = torch.randn(3, 1, 6, 6), torch.randn(40, 1, 6, 6)
    assert torch.equal(baselines(inputs, Plan(), "image", pool), blurred(inputs, 2)[None])
    mean = baselines(inputs, Plan(baseline="mean"), "image", pool)
    assert mean.shape == (1, 3, 1, 6, 6)
    assert torch.allclose(mean[0, 1], pool.mean(0))
    drawn = baselines(inputs, Plan(baseline="sampled"), "image", pool)
    assert all((pool == start).flatten(1).all(1).any() for start in drawn.flatten(0, 1))
    with pytest.raises(ValueError, match="cannot be blurred; baseline='mean' or 'sampled' work"):
        baselines(torch.randn(3, 6), Plan(), "table", torch.randn(9, 6))
    assert Plan.of({}, "table").baseline == "mean"
    assert Plan.of({"steps": 8}, "image", 4.0) == Plan(steps=8, temperature=4.0, baseline="blur")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"score": "kl"}, "no score 'kl'; there are nckd_match"),
        ({"attributor": "lime"}, "no attributor 'lime'; there are integrated_gradients"),
        ({"baseline": "black"}, "no baseline 'black'"),
        ({"temperature": 0}, "temperature = 0 must be positive"),
        ({"draws": 3}, "draws = 3 must be at least 8"),
        ({"teacher": "joint", "attributor": "deep_lift"}, "deep_lift follows one model"),
    ],
)
def test_a_choice_that_is_not_offered_says_what_is(choice: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Plan(**choice)
    with pytest.raises(TypeError, match="no choice 'step'; it has score, attributor"):
        Plan.of({"step": 3}, "table")
