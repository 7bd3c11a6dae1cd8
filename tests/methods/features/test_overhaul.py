"""The overhaul: the formula, margins from batch norm and estimated ones, and a teacher that stays in evaluation mode."""

from __future__ import annotations

import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch import nn

from tests.contracts.probes.world import run, setting
from tests.methods.case import FACTS, Case, batch, check
from tests.methods.features.board import LABELS, built, convolve, held, nets, normalise, traces
from tests.methods.literal import cross_entropy
from workbench.maths.activations import negative_mean, partial_distance
from workbench.methods.features.overhaul import Margins, Overhaul, norm_before
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.models.resnet import resnet8
from workbench.records.batch import Batch

LAYERS = "layer1.2:input", "layer2.3:input"
STUDENT, TEACHER = traces(6, {LAYERS[0]: (2, 2, 3), LAYERS[1]: (2, 2, 1)})
DRAWN = held(built(Overhaul))


def silent_mean(mean, deviation):
    """E[x | x < 0] of a Gaussian, by quadrature."""
    mass = norm.cdf(0, mean, deviation)
    return quad(lambda x: x * norm.pdf(x, mean, deviation), -40, 0, epsabs=1e-13)[0] / mass


NORMS = [nets()[1].get_submodule(layer) for layer in ("layer1.1", "layer2.2")]
MARGINS = [[silent_mean(m, abs(s)) for m, s in zip(n.bias.tolist(), n.weight.tolist(), strict=True)] for n in NORMS]


def formula(student, constants):
    losses = [0.0, 0.0]
    for stage, name in enumerate(LAYERS):
        mine = convolve(student[name], DRAWN[f"adapters.{stage}.0.weight"])
        mine = normalise(mine, DRAWN[f"adapters.{stage}.1.weight"], DRAWN[f"adapters.{stage}.1.bias"])
        for c in range(2):
            margin = MARGINS[stage][c]
            for b in range(2):
                for s, t in zip(mine[b, c].ravel(), constants.teacher[name][b, c].ravel(), strict=True):
                    target = max(t, margin)
                    if target > 0 or s > target:
                        losses[b] += 0.001 * (s - target) ** 2 / (2 - stage)
    labels = [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
    return {"labels": labels, "responses": losses}


def make(**parameters):
    return built(Overhaul, **parameters)


def with_precise_margins(**parameters):
    """The margins were worked out in single precision."""
    method, teacher = make(**parameters), nets()[1].double()
    method.margins = nn.ModuleList(
        Margins(norm_before(teacher, layer), torch.zeros(1, 2, 1, 1).double()) for layer in LAYERS
    )
    return method


ORACLES = [Case("margins from batch norm", with_precise_margins, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_margins_are_those_of_the_teachers_batch_norms():
    for found, precise in zip(make().margins, with_precise_margins().margins, strict=True):
        torch.testing.assert_close(found.value, precise.value, rtol=1e-5, atol=1e-6)
        assert not found.estimated


@pytest.mark.parametrize(("mean", "deviation"), [(0.5, 1.0), (-2.0, 0.3), (3.0, 1.2), (0.0, 0.7)])
def test_the_mean_of_the_negative_part_of_a_gaussian(mean, deviation):
    found = negative_mean(torch.tensor([mean]).double(), torch.tensor([deviation]).double())
    assert float(found) == pytest.approx(silent_mean(mean, deviation), rel=1e-6)


def test_a_channel_that_is_hardly_ever_silent_or_constant_has_a_margin_too():
    found = negative_mean(torch.tensor([10.0, -1.0, 1.0, 0.0]), torch.tensor([2.0, 0.0, 0.0, 0.0]))
    torch.testing.assert_close(found, torch.tensor([-6.0, -1.0, 0.0, 0.0]))


def test_where_both_are_silent_a_lower_student_costs_nothing():
    margins = torch.tensor([-1.0])
    student, teacher = torch.tensor([-3.0, -0.9, 0.5, -3.0, -1.5]), torch.tensor([-2.0, -2.0, -2.0, 0.5, -0.5])
    found = partial_distance(student.view(1, 1, 1, 5), teacher.view(1, 1, 1, 5), margins).flatten()
    torch.testing.assert_close(found, torch.tensor([0.0, 0.01, 2.25, 12.25, 0.0]))


def test_an_estimated_margin_is_the_mean_of_all_silent_responses_seen():
    batches = [torch.randn(3, 4, 2, 5).double() for _ in range(3)]
    for maps in batches:
        maps[:, 3] = maps[:, 3].abs()
    margins = Margins(None, batches[0])
    for maps in batches[1:]:
        margins.observe(maps)
    everything = torch.cat(batches).transpose(0, 1).flatten(1)
    expected = [float(row[row < 0].mean()) if (row < 0).any() else 0.0 for row in everything]
    assert margins.value.tolist() == pytest.approx(expected)
    assert margins.value[3] == 0


def test_where_no_batch_norm_comes_right_before_the_rectifier_the_margin_follows_what_is_seen():
    teacher, example = MLP(4, (5, 6), 3), Batch(torch.arange(4), torch.randn(4, 4))
    method = Overhaul()
    method.build(MLP(4, (5, 6), 3), teacher, example, FACTS)
    assert all(margins.estimated for margins in method.margins)
    before = [margins.value.clone() for margins in method.margins]
    seen = traces(1, {"layer1.1:input": (5,), "layer2.1:input": (6,)})
    method(*(type(t)(t.outputs.float(), {k: f.float() for k, f in t.features.items()}) for t in seen), batch(LABELS))
    assert all(torch.equal(margins.value, old) for margins, old in zip(method.margins, before, strict=True))
    method.after_step(teacher, example)
    assert all((margins.value != old).any() for margins, old in zip(method.margins, before, strict=True))


def test_the_batch_norm_before_a_feature():
    net = resnet8()
    assert norm_before(net, "stem.2:input") is net.stem[1]
    assert norm_before(net, "layer1.0.body.1") is net.layer1[0].body[1]
    for other in ("layer1.0.rectifier:input", "stem.0:input", "stem.1:input", "stem.0", "classifier:input"):
        assert norm_before(net, other) is None
    bare = nn.Sequential(nn.BatchNorm1d(3, affine=False), nn.ReLU())
    expected = negative_mean(torch.zeros(3), torch.ones(3))
    torch.testing.assert_close(Margins(norm_before(bare, "1:input"), torch.ones(2, 3, 1, 1)).value, expected)


def test_the_teacher_stays_in_evaluation_mode_and_its_statistics_do_not_move():
    """The authors' code puts it into training mode in every epoch."""
    torch.manual_seed(0)
    teacher = nn.Sequential(nn.Unflatten(1, (1, 2, 2)), *ConvNet(1, (3, 4), 3).children())
    where = setting(teacher=teacher, student=lambda: nn.Sequential(nn.Unflatten(1, (1, 2, 2)), *ConvNet(1, (2, 2), 3)))
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    result = run(where, Overhaul(guided="1.2:input, 2.3:input", hint="1.2:input, 2.3:input"))
    assert result.curves["terms/responses"].values[-1] > 0
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    method = make().train()
    assert not any(layer is module for layer in nets()[1].modules() for module in method.modules())
