"""What the published tables combine is written with ``through`` and ``+``, each beside its literal formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.contracts.scene import scene
from tests.methods.case import FACTS, batch, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.catalog import make
from workbench.methods.features.crd import CRD
from workbench.methods.logits.ctkd import CTKD
from workbench.methods.logits.dkd import DKD
from workbench.methods.logits.dot import DOT
from workbench.methods.logits.kd import KD
from workbench.methods.logits.logit_standardization import LogitStandardization
from workbench.methods.logits.multi_level import MultiLevel
from workbench.methods.logits.wttm import WTTM
from workbench.methods.method import Method
from workbench.methods.transforms import Standardize
from workbench.records.batch import Batch
from workbench.records.trace import Trace

LABELS = [1, -1, 2]
FEATURES = {"1:input": [[0.3, 1.0, 0.2], [1.2, -0.5, 0.4], [0.4, -0.8, -0.1]]}
STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]], **FEATURES)
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]], **FEATURES)


def standardized(row):
    return [(x - np.mean(row)) / (1e-7 + np.std(row, ddof=1)) for x in row]


def built(method, seed=0):
    """On two nets whose classifiers see three features."""
    torch.manual_seed(seed)
    nets = [nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3)) for _ in range(2)]
    method.build(*nets, Batch(torch.arange(2), torch.ones(2, 4), torch.tensor([0, 1])), FACTS)
    return method.double()


def terms(method, student=STUDENT):
    return method(student, TEACHER, batch(LABELS))


def test_kd_with_logit_standardization_is_the_method_of_that_name():
    through, own = KD(2.0, 9.0, 0.1).through(Standardize()), LogitStandardization()
    torch.testing.assert_close(terms(through), terms(own))
    rows = zip(STUDENT.logits.tolist(), TEACHER.logits.tolist(), strict=True)
    literal = [9 * 4 * kl(softmax(standardized(t), 2), softmax(standardized(s), 2)) for s, t in rows]
    np.testing.assert_allclose(terms(through)["soft"].numpy(), literal, rtol=1e-9)


@pytest.mark.parametrize("make_method", [DKD, CTKD, MultiLevel, WTTM], ids=["dkd", "ctkd", "multi_level", "wttm"])
def test_a_response_method_with_logit_standardization_matches_z_scores_and_learns_labels_raw(make_method):
    """The tables' rows ``+ LSKD``: the method on logits that were standardised by hand, but for the labels."""
    through = terms(built(make_method().through(Standardize())))
    scores = [Trace(torch.tensor([standardized(r) for r in side.logits.tolist()])) for side in (STUDENT, TEACHER)]
    by_hand = built(make_method())(*scores, batch(LABELS))
    for name in set(through) - {"labels"}:
        torch.testing.assert_close(through[name], by_hand[name], msg=name)
    weight = make_method().label_weight
    literal = [weight * cross_entropy(s, y) for s, y in zip(STUDENT.logits.tolist(), LABELS, strict=True)]
    np.testing.assert_allclose(through["labels"].numpy(), literal, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("settings", [{}, {"dkd.temperature": 3, "beta": 72}], ids=["plain", "with numbers"])
def test_dkd_with_logit_standardization_by_name(settings):
    method, temperature, beta = make("dkd+lskd", settings), settings.get("dkd.temperature", 2), settings.get("beta", 8)
    by_hand = DKD(temperature=temperature, beta=beta).through(Standardize())
    assert method.config() == by_hand.config() == make("dkd", by_hand.config()).config()
    torch.testing.assert_close(terms(method), terms(by_hand))


def test_kd_with_logit_standardization_by_name_is_the_method_of_that_name():
    named, own = make("kd+lskd"), LogitStandardization()
    assert named.config() == own.config() | {"transform": "standardize"}
    torch.testing.assert_close(terms(named), terms(own))


def test_logit_standardization_acts_on_the_response_methods_of_a_sum_and_leaves_what_it_was_given():
    first = WTTM() + CRD()
    both = built(first + LogitStandardization(), seed=1)
    by_hand = built(WTTM(soft_weight=9.0).through(Standardize()) + CRD(), seed=1)
    torch.testing.assert_close(terms(both), terms(by_hand))
    assert first.methods[0].config() == WTTM().config()


def test_what_has_no_response_method_is_added_to_logit_standardization():
    assert make("crd+lskd").name == "crd+logit_standardization"


@pytest.mark.parametrize("name", ["KD++", "DKD++", "DIST++", "ReviewKD++"])
def test_the_plus_plus_rows_of_the_tables_are_sums_with_norm_and_direction(name):
    assert make(name).config() == make(f"{name[:-2]}+norm_direction").config()
    both = scene(lambda: make(name))
    own, found = both.method.methods[0], both.terms()
    config, own = own.config(), own.name  # of kd other weights than alone
    first, direction = scene(lambda: make(own, config)), scene(lambda: make("norm_direction"))
    for key, term in first.terms().items():
        torch.testing.assert_close(found[key if key.endswith("/labels") else f"distill/{own}.{key[8:]}"], term)
    added = {f"distill/norm_direction.{key[8:]}" for key in direction.terms()} - {"distill/norm_direction.labels"}
    assert len(found) == len(first.terms()) + len(added)
    assert added <= set(found)


def test_wttm_with_crd_has_the_terms_of_both_and_the_labels_once():
    both, wttm, crd = (built(m, seed=1) for m in (WTTM() + CRD(), WTTM(), CRD()))
    found = terms(both)
    assert list(found) == ["labels", "wttm.soft", "crd.student_contrast", "crd.teacher_contrast"]
    expected = {"labels": terms(wttm)["labels"]} | {f"wttm.{k}": v for k, v in terms(wttm).items() if k == "soft"}
    expected |= {f"crd.{k}": v for k, v in terms(crd).items() if k != "labels"}
    torch.testing.assert_close(found, expected)
    assert both.student_layers == ("1:input",)
    assert {name for name, _ in both.named_parameters()} == {
        f"methods.1.{side}_projection.{part}" for side in ("student", "teacher") for part in ("weight", "bias")
    }


def test_a_sum_with_crd_moves_its_bank():
    both = built(make("wttm+crd"), seed=1)
    first = batch(LABELS)
    both(STUDENT, TEACHER, first)
    both.after_step(nn.Identity(), first)
    assert both.methods[1].bank.dice.step == 1


def test_the_sum_is_the_same_by_name_with_its_numbers():
    named = make("wttm+crd", {"wttm.exponent": 0.1, "crd.weight": 0.5})
    assert named.config() == (WTTM(exponent=0.1) + CRD(weight=0.5)).config()


class Descent:
    """A weight table as the student's logits, moved by a method's terms and its rule."""

    def __init__(self, method):
        self.method = method
        self.student = nn.Linear(3, 3, bias=False).double()
        self.student.weight.data = STUDENT.logits.clone()
        method.build(self.student, nn.Identity(), Batch(torch.arange(3), torch.eye(3)), FACTS)
        method.double()
        self.optimizer = torch.optim.SGD(self.student.parameters(), lr=0.05, momentum=0.9)

    def run(self, steps=4):
        for _ in range(steps):
            found = terms(self.method, Trace(self.student.weight))
            gradients = {
                k: list(torch.autograd.grad(v.mean(), [self.student.weight], retain_graph=True))
                for k, v in found.items()
            }
            (self.student.weight.grad,) = self.method.gradient_rule.combine(gradients, "student")
            self.optimizer.step()
        return self.student.weight.detach()


def two_velocities(first, steps=4):
    """The published update of a method's labels and other terms, by automatic gradients and literal velocities."""
    weights = STUDENT.logits.clone().requires_grad_()
    slow = fast = torch.zeros_like(weights)
    for _ in range(steps):
        found = terms(first, Trace(weights))
        labels = found.pop("labels").mean()
        soft = sum(term.mean() for term in found.values())
        pair = [torch.autograd.grad(loss, weights, retain_graph=True)[0] for loss in (labels, soft)]
        slow, fast = 0.825 * slow + pair[0], 0.975 * fast + pair[1]
        weights = (weights - 0.05 * (slow + fast)).detach().requires_grad_()
    return weights.detach()


@pytest.mark.parametrize("make_together", [lambda: KD() + DOT(), lambda: make("kd+dot")], ids=["added", "by name"])
def test_kd_with_dot_is_the_method_of_that_name(make_together):
    alone, together = Descent(DOT()).run(), Descent(make_together()).run()
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(alone, two_velocities(KD()))


@pytest.mark.parametrize("other", [DKD, lambda: KD(2.0, 9.0).through(Standardize())], ids=["dkd", "kd+lskd"])
def test_any_other_response_method_is_moved_by_dot(other):
    moved = Descent(other() + DOT()).run()
    torch.testing.assert_close(moved, two_velocities(other()))
    assert (moved - Descent(other() + DOT(delta=0.0)).run()).abs().max() > 1e-4


def test_dot_keeps_its_own_soft_term_beside_a_method_without_a_teacher_or_where_it_is_asked_for():
    class Decay(Method):
        reads_teacher = False

    assert (Decay() + DOT()).config()["dot.soft_weight"] == 0.9
    asked = make("kd+dot", {"dot.soft_weight": 0.5})
    assert terms(asked)["dot.soft"].abs().sum() > 0
    assert terms(make("kd+dot"))["dot.soft"].abs().sum() == 0


def test_dot_keeps_the_plain_momentum_for_what_another_method_learns():
    """CRD + KD + DOT, as released: the projections are beside the student."""
    both = built(make("crd+kd+dot"))
    moved = list(both.players({"student": nn.Linear(4, 3)})["student"].parameters)
    assert len(moved) > both.gradient_rule.count == 4
    assert both.gradient_rule is both.methods[2].gradient_rule
