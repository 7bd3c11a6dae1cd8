"""The route: both formulas, the plan, and anchors that go on from one another."""

from __future__ import annotations

import pytest
import torch

from tests.contracts.probes.world import run, setting
from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.ensembles.route_constrained import RouteConstrained
from workbench.methods.logits.kd import KD

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
ANCHOR = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, 2, -1]
PLAN = (
    *((f"anchor_{k}", f"anchor_{k}", None, 0.25) for k in (1, 2, 3, 4)),
    *((f"after anchor_{k}", "student", f"anchor_{k}", 0.25) for k in (1, 2, 3, 4)),
)


def on_the_route(student, constants):
    return {"labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]}


def along_it(student, constants):
    pairs = zip(student["logits"], constants.teacher["logits"], strict=True)
    return {
        "labels": [0.1 * cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
        "soft": [0.9 * 16 * kl(softmax(a, 4), softmax(s, 4)) for s, a in pairs],
    }


ORACLES = [
    Case("an anchor", RouteConstrained, STUDENT, None, batch(LABELS), on_the_route, PLAN),
    Case("the student", RouteConstrained, STUDENT, ANCHOR, batch(LABELS), along_it, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_each_anchor_but_the_first_goes_on_from_the_one_before():
    plans = RouteConstrained(anchors=3).stages(None)
    assert [plan.start for plan in plans[:3]] == ["continue", {"anchor_1": 1.0}, {"anchor_2": 1.0}]
    assert [plan.start for plan in plans[3:]] == ["continue"] * 3
    result = run(setting(), RouteConstrained(anchors=2, route_share=2.0))
    first, second = (result.models[name] for name in ("anchor_1", "anchor_2"))
    gap = sum(float((torch.as_tensor(first[k]) - torch.as_tensor(second[k])).square().sum()) for k in first)
    start = result.curves["anchor_2/terms/labels"].values[0]
    assert gap > 0
    assert start < result.curves["anchor_1/terms/labels"].values[0]
    assert [len(result.curves[f"anchor_{k}/terms/labels"].values) for k in (1, 2)] == [18, 18]
    assert len(result.curves["terms/soft"].values) == 18


def test_beside_an_anchor_it_is_kd():
    torch.testing.assert_close(RouteConstrained()(STUDENT, ANCHOR, batch(LABELS)), KD()(STUDENT, ANCHOR, batch(LABELS)))


def test_fitted_students_are_refused():
    with pytest.raises(TypeError, match="route_constrained is not a method of pure targets"):
        RouteConstrained().targets(ANCHOR, batch(LABELS))
