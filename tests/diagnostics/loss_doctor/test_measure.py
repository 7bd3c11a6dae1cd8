"""The loss doctor: its arithmetic against vectors one can write down, and faults that were planted and must be found."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch.nn.functional as F
from torch import Tensor, nn

from tests.contracts.probes.world import run, setting
from tests.diagnostics.loss_doctor.examples import curves
from workbench.diagnostics.loss_doctor.measure import LossDoctor, loss_doctor, loss_doctor_live, loss_doctor_of
from workbench.diagnostics.loss_doctor.measure_readings import read, shares
from workbench.engine.live.duet import LaneView
from workbench.engine.store import Store
from workbench.maths.divergences import forward_kl
from workbench.methods.catalog import make
from workbench.methods.logits.kd import KD
from workbench.methods.method import Method
from workbench.models.mlp import MLP
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.run import Curve, Run
from workbench.settings.setting import Recipe, Setting

BUDGET = Budget(epochs=10, batch_size=16, learning_rate=0.1, clip=1.0)


def taught(**changes: object) -> Setting:
    """Blobs with a teacher that was trained on them."""
    return setting(**{"teacher": Recipe(partial(MLP, 4, (16,), 3), BUDGET), **changes})


def status(result: LossDoctor) -> dict[str, str]:
    return {check["check"]: check["status"] for check in result.checks}


def flagged(result: LossDoctor) -> dict[str, str]:
    return {check["check"]: check["status"] for check in result.findings}


def curve(*values: float) -> Curve:
    return Curve(np.arange(1, len(values) + 1), np.array(values))


def with_probes(count: int = 6, **values: float | list[float]) -> dict[str, Curve]:
    """Curves of kd with probes of one value each, or of several."""
    made = {"terms/labels": curve(*[1.0] * count), "terms/soft": curve(*[1.0] * count)}
    made |= {"probe/gradient/labels": curve(*[1.0] * count), "probe/gradient/soft": curve(*[1.0] * count)}
    for name, value in values.items():
        several = value if isinstance(value, list) else [value] * count
        made[name.replace("__", "/").replace("_and_", "|")] = curve(*several)
    return made


def asked(right: float, relabelled: float, count: int) -> dict[str, float]:
    """What a teacher said about some validation samples."""
    values = {"right": right, "relabelled": relabelled, "asked": float(count)}
    return {f"probe__teacher_{name}": value for name, value in values.items()}


# --- arithmetic ------------------------------------------------------------------------------------------------------
def test_sums_of_gradients_come_from_lengths_and_cosines() -> None:
    generator = np.random.default_rng(0)
    vectors = {name: generator.normal(size=5) for name in ("labels", "a", "b", "reg_c")}
    made = {f"terms/{name}": curve(1.0) for name in vectors}
    made |= {f"probe/gradient/{name}": curve(float(np.sqrt((v**2).sum()))) for name, v in vectors.items()}
    for first, second in (("labels", "a"), ("labels", "b"), ("labels", "reg_c"), ("a", "b"), ("a", "reg_c")):
        left, right = vectors[first], vectors[second]
        cosine = float((left * right).sum() / np.sqrt((left**2).sum() * (right**2).sum()))
        made[f"probe/cosine/{first}|{second}"] = curve(cosine)
    readings, total = read(made), vectors["a"] + vectors["b"]
    assert readings.together(readings.rows("distillation")) == pytest.approx(np.sqrt((total**2).sum()))
    cosine = (vectors["labels"] * total).sum() / np.sqrt((vectors["labels"] ** 2).sum() * (total**2).sum())
    assert readings.angle(readings.rows("labels"), readings.rows("distillation")) == pytest.approx(cosine)
    assert readings.rows("regulariser") == [3]


def test_a_step_without_a_term_is_no_step_without_a_gradient() -> None:
    made = with_probes() | {"probe/gradient/soft": Curve(np.array([4, 5, 6]), np.array([2.0, 2.0, 2.0]))}
    readings = read(made)
    np.testing.assert_array_equal(readings.together([1]), [np.nan] * 3 + [2.0] * 3)
    assert np.isnan(readings.angle([0], [1])[:3]).all()


def test_shares_of_a_loss_are_of_magnitudes_and_add_up_to_one() -> None:
    made = {"terms/labels": curve(1.0, 3.0, 0.0), "terms/soft": curve(-3.0, 1.0, 0.0)}
    steps, found = shares(read(made))
    assert steps.tolist() == [1, 2, 3]
    np.testing.assert_allclose(found, [[0.25, 0.75, np.nan], [0.75, 0.25, np.nan]])
    long = {"terms/labels": curve(*[1.0] * 1000), "terms/soft": curve(*[3.0] * 1000)}
    steps, found = shares(read(long))
    assert len(steps) == 60
    np.testing.assert_allclose(found, np.array([[0.25], [0.75]]) * np.ones(60))


@pytest.mark.parametrize(
    ("check", "values", "expected"),
    [
        ("term scale", {"terms__labels": 31.0}, "look"),
        ("term scale", {"terms__labels": 29.0}, "ok"),
        ("term scale", {"terms__soft": 500.0}, "ok"),
        ("gradient balance", {"probe__gradient__labels": 31.0}, "look"),
        ("gradient balance", {"probe__gradient__soft": 31.0}, "look"),
        ("gradient balance", {"probe__gradient__labels": 1001.0}, "wrong"),
        ("gradient balance", {"probe__gradient__labels": 29.0}, "ok"),
        ("gradient conflict", {"probe__cosine__labels_and_soft": -0.6}, "look"),
        ("gradient conflict", {"probe__cosine__labels_and_soft": -0.4}, "ok"),
        ("terms without effect", {"probe__gradient__soft": 0.0}, "wrong"),
        ("terms without effect", {"probe__gradient__soft": [0.0, 0.0, 0.0, 0.0, 0.0, 0.1]}, "ok"),
        ("terms without effect", {"probe__gradient__b": 0.0, "probe__elsewhere__b": 2.0}, "ok"),
        ("terms without effect", {"probe__gradient__b": 0.0, "probe__elsewhere__b": 0.0}, "wrong"),
        ("terms without effect", {"probe__gradient__soft": 0.0, "probe__elsewhere__soft": 2.0}, "wrong"),
        ("logit scale", {"probe__logit_scale": [30.0, 9.0, 2.0, 1.1, 1.1, 1.0]}, "ok"),
        ("logit scale", {"probe__logit_scale": 5.0}, "look"),
        ("logit scale", {"probe__logit_scale": 0.2}, "look"),
        ("effective temperature", {"probe__effective_temperature": 6.0}, "look"),
        ("effective temperature", {"probe__effective_temperature": float("nan")}, "not applicable"),
        ("temperature factor", {"probe__temperature_exponent": 0.2}, "ok"),
        ("temperature factor", {"probe__temperature_exponent": -2.0}, "wrong"),
        ("temperature factor", {"probe__temperature_exponent": 2.0}, "look"),
        ("temperature factor", {"probe__temperature_exponent": -2.0, "probe__temperature": 1.0}, "ok"),
        ("double softmax", {"probe__probabilities__student": 1.0}, "wrong"),
        ("double softmax", {"probe__probabilities__teacher": 0.0, "probe__log_probabilities__teacher": 1.0}, "ok"),
        ("teacher in evaluation", {"probe__teacher_training": 2.0, "probe__teacher_wobble": 0.0}, "wrong"),
        ("teacher in evaluation", {"probe__teacher_training": 0.0, "probe__teacher_wobble": 0.3}, "wrong"),
        ("teacher in evaluation", {"probe__teacher_training": 0.0, "probe__teacher_wobble": float("nan")}, "ok"),
        ("label space", asked(0.97, 0.97, 200), "ok"),
        ("label space", asked(0.1, 0.2, 200), "ok"),
        ("label space", asked(0.06, 0.28, 50), "ok"),
        ("label space", asked(0.6, 0.8, 10), "ok"),
        ("label space", asked(0.01, 0.3, 200), "wrong"),
        ("label space", asked(0.78, 0.97, 200), "wrong"),
        ("label space", asked(0.1, 0.9, 20), "wrong"),
        ("stability", {"probe__gradient__soft": [1.0, 1.0, 1.0, 1.0, 1.0, 900.0]}, "wrong"),
        ("stability", {"probe__gradient__soft": [1.0, 1.0, 1.0, 1.0, 1.0, float("inf")]}, "wrong"),
        ("stability", {"probe__gradient__soft": [900.0, 1.0, 1.0, 1.0, 1.0, 1.0]}, "ok"),
    ],
)
def test_every_check_knows_its_fault(check: str, values: dict[str, float], expected: str) -> None:
    found = status(loss_doctor(with_probes(**values)))
    assert found[check] == expected
    assert set(found) == set(status(loss_doctor(with_probes())))


def test_what_was_not_measured_is_not_judged() -> None:
    found = status(loss_doctor({name: c for name, c in with_probes().items() if name.startswith("terms/")}))
    assert found.pop("term scale") == "ok"
    assert set(found.values()) == {"not applicable"}
    early = status(loss_doctor(with_probes(2, probe__gradient__soft=0.0, probe__logit_scale=9.0)))
    assert {early[check] for check in ("terms without effect", "logit scale", "stability")} == {"not applicable"}


# --- planted faults, through the engine ------------------------------------------------------------------------------
class Softmaxed(MLP):
    """Answers with probabilities, which the loss takes for logits."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs).softmax(1)


class Dropping(MLP):
    """Drops in evaluation mode, too."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(F.dropout(inputs, 0.5, training=True))


class Stuck(MLP):
    """Cannot be put into evaluation mode."""

    def __init__(self, *sizes: object) -> None:
        super().__init__(*sizes)
        self.drop = nn.Dropout(0.3)

    def train(self, mode: bool = True) -> nn.Module:
        super().train(mode)
        self.drop.train()
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(self.drop(inputs))


class Renamed(MLP):
    """Knows the classes in another order."""

    def forward(self, inputs: Tensor) -> Tensor:
        logits = super().forward(inputs)
        return logits if self.training else logits[:, [1, 2, 0]]


class Unscaled(Method):
    """kd that forgets the squared temperature."""

    def __init__(self, temperature: float = 4.0) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, student, teacher, batch):
        soft = forward_kl(student.logits, teacher.logits, self.temperature)
        return {"labels": 0.1 * self.label_loss(student, batch), "soft": 4 * soft}


class Detached(Method):
    """A distillation term that no gradient leaves."""

    def forward(self, student, teacher, batch):
        gap = (student.logits.detach() - teacher.logits).square().mean(1)
        return {"labels": self.label_loss(student, batch), "gap": gap}


def heavy() -> KD:
    """Labels that weigh more than the constructor allows."""
    method = KD()
    method.label_weight = 1000.0
    return method


def teacher(kind: type[nn.Module]) -> Recipe:
    return Recipe(partial(kind, 4, (16,), 3), BUDGET)


FAULTS = {
    "student softmax": (partial(taught, student=partial(Softmaxed, 4, (8,), 3)), KD, {"double softmax": "wrong"}),
    "teacher softmax": (partial(taught, teacher=teacher(Softmaxed)), KD, {"double softmax": "wrong"}),
    "restless teacher": (partial(taught, teacher=teacher(Dropping)), KD, {"teacher in evaluation": "wrong"}),
    "training teacher": (partial(taught, teacher=teacher(Stuck)), KD, {"teacher in evaluation": "wrong"}),
    "no square": (taught, Unscaled, {"temperature factor": "wrong"}),
    "heavy labels": (taught, heavy, {"term scale": "look", "gradient balance": "look"}),
    "other classes": (partial(taught, teacher=teacher(Renamed)), KD, {"label space": "wrong"}),
    "detached": (taught, Detached, {"terms without effect": "wrong"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, tmp_path: Path) -> None:
    where, method, expected = FAULTS[fault]
    found = loss_doctor_of(run(where(), method(), BUDGET, folder=tmp_path))
    assert expected.items() <= flagged(found).items(), found.explain()
    for check in found.findings:
        assert check["means"]
        assert check["helps"]


@pytest.mark.parametrize("name", ["kd", "rkd", "dkd"])
def test_nothing_is_found_in_a_healthy_run(name: str, tmp_path: Path) -> None:
    found = loss_doctor_of(run(taught(), make(name), BUDGET, folder=tmp_path))
    assert flagged(found) == {}, found.explain()
    assert sum(each == "ok" for each in status(found).values()) >= 8
    assert "Nothing unusual was found" in found.explain()


# --- where it comes from -----------------------------------------------------------------------------------------------
def test_a_stored_run_and_a_live_one_say_the_same(tmp_path: Path) -> None:
    from tests.contracts.probes.world import play, start

    arm = start(taught(), KD(), BUDGET)
    lane = LaneView("student", arm)
    *_, event = play(arm)
    assert isinstance(event, events.Finished)
    store = Store(folder=tmp_path)
    store.save(event.run)
    stored, live = loss_doctor_of(store.load(event.run.id)), loss_doctor_live(lane.view())
    assert stored.checks == live.checks
    np.testing.assert_array_equal(stored.gradients, live.gradients)
    assert loss_doctor_live(LaneView("control", start(taught(), make("labels_only"), BUDGET)).view()) is None


def test_a_run_that_cannot_be_examined_says_why() -> None:
    labels_only = run(setting(), make("labels_only"))
    with pytest.raises(ValueError, match="labels alone"):
        loss_doctor_of(labels_only)
    with pytest.raises(ValueError, match="no loss terms of 'peer_9'"):
        loss_doctor_of(labels_only, "peer_9")
    unprobed = Run(**{**vars(labels_only), "curves": {"terms/soft": curve(1.0), "terms/labels": curve(1.0)}})
    assert "no step was probed" in loss_doctor_of(unprobed).warnings[0]


def test_another_party_is_examined_by_its_name() -> None:
    made = {f"assistant/{name}": each for name, each in curves().items()}
    assert loss_doctor(made, party="assistant").checks == loss_doctor(curves()).checks


def test_the_table_has_a_row_for_each_check() -> None:
    result = loss_doctor(curves(label_weight=1000.0))
    assert [row["quantity"] for row in result.rows()] == [check["check"] for check in result.checks]
    assert {row["status"] for row in result.rows()} <= {"ok", "look", "wrong", "not applicable"}
    assert "Gradient balance (look)" in result.explain()
