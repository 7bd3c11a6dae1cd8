"""Two views: the formula through the distortion, what a view of an image is, and peace where both agree."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.selftaught.data_distortion import DataDistortion
from workbench.records.batch import Batch
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
LABELS, SEED = [0, -1, 2], 5
PLAN = (("distill", "student", None, 1.0),)


class Mirror:
    """The method and a model that gives its inputs back; its features are their squares."""

    def __init__(self, **parameters):
        self.method = DataDistortion(**parameters)
        self.method.student_layers = ("squares",)
        self.stages = self.method.stages

    def __call__(self, student, teacher, batch):
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            seen = self.method.inputs(batch.but(student_inputs=student.logits), {})
        return self.method(Trace(seen.student_inputs, {"squares": seen.student_inputs**2}), None, seen)


def formula(student, constants):
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        noise = [torch.randn(3, 3, dtype=torch.float64).numpy() for _ in range(2)]
    spread = 0.125 * constants.student["logits"].std(ddof=1)
    one, two = (student["logits"] + spread * n for n in noise)
    fixed = [constants.student["logits"] + spread * n for n in noise]
    answers = [
        9 * kl(softmax(t, 3), softmax(s, 3))
        for v, w in ((one, fixed[1]), (two, fixed[0]))
        for s, t in zip(v, w, strict=True)
    ]
    gap = sum((sum(a[k] ** 2 for a in one) / 3 - sum(a[k] ** 2 for a in two) / 3) ** 2 for k in range(3))
    return {
        "labels": [cross_entropy(s, y) for v in (one, two) for s, y in zip(v, LABELS, strict=True)],
        "other_view": answers,
        "mean_gap": [0.0005 / 2 * gap] * 6,
    }


ORACLES = [Case("two views", Mirror, STUDENT, None, batch(LABELS), formula, PLAN)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_images_are_moved_by_at_most_the_strength_and_mirrored_only_if_wanted():
    image = torch.zeros(1, 1, 16, 16)
    image[0, 0, 8, 5] = 1
    many = Batch(torch.arange(200), image.expand(200, -1, -1, -1).clone())
    places = DataDistortion().inputs(many, {}).student_inputs.nonzero()
    assert sorted({*places[:, 2].tolist()}) == [6, 7, 8, 9, 10]
    assert sorted({*places[:, 3].tolist()}) == [3, 4, 5, 6, 7]
    mirrored = DataDistortion(strength=0.0, flip=True).inputs(many, {}).student_inputs.nonzero()
    assert sorted({*mirrored[:, 3].tolist()}) == [5, 10]


def test_views_that_agree_are_left_alone():
    method = DataDistortion(strength=0.0)
    method.student_layers = ("squares",)
    seen = method.inputs(batch(LABELS).but(student_inputs=STUDENT.logits), {})
    terms = method(Trace(seen.student_inputs, {"squares": seen.student_inputs}), None, seen)
    torch.testing.assert_close(terms["other_view"], torch.zeros(6).double())
    torch.testing.assert_close(terms["mean_gap"], torch.zeros(6).double())
    assert terms["labels"].shape == (6,)


def test_inputs_that_have_no_views_are_refused():
    with pytest.raises(TypeError, match="inputs are tuple; other views are made of one floating-point tensor"):
        DataDistortion().inputs(Batch(torch.arange(2), (torch.zeros(2, 1),)), {})
