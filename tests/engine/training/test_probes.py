"""What is measured of a run's steps: the right numbers, and not one bit of the training different for it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.contracts.probes.test_parties import Mutual
from tests.contracts.probes.test_updates import Two
from tests.contracts.probes.world import net, normalised_net, play, run, same, setting, start, weights
from tests.contracts.text import text_setting
from tests.engine.interrupted import OWN, Dropping, arm, jitter
from tests.engine.test_determinism import Restless
from workbench.engine.controls import Controls
from workbench.engine.training import probes
from workbench.maths.divergences import forward_kl
from workbench.methods.catalog import make
from workbench.methods.method import Method
from workbench.models.mlp import MLP
from workbench.records import events
from workbench.records import probes as named
from workbench.records.batch import Batch
from workbench.records.budget import Budget
from workbench.records.run import Run

FIRST, WHOLE = Budget(epochs=1, batch_size=96), Budget(epochs=6, batch_size=16, clip=1.0)


def probed(result: Run) -> dict[str, list[float]]:
    """What the loss doctor is given, by name."""
    found = {name.removeprefix("probe/"): curve for name, curve in result.curves.items() if name.startswith("probe/")}
    return {name: curve.values.tolist() for name, curve in found.items() if named.measured(name)}


# --- when ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("steps", [19, 100, 460, 800, 3021, 100_000])
def test_a_run_is_measured_ten_to_twenty_times(steps: int) -> None:
    at = [step for step in range(1, steps + 1) if (step - 1) % probes.spacing(steps) == 0]
    assert 9 <= len(at) <= 20


def test_a_short_run_is_measured_at_every_step_and_any_from_its_first_on() -> None:
    assert probes.spacing(5) == 1
    going = start(setting(), make("kd"), WHOLE)
    at = [event.step for event in play(going) if isinstance(event, events.Probe) and event.name == "gradient/soft"]
    assert at == list(range(1, 37, probes.spacing(36)))


# --- what ----------------------------------------------------------------------------------------------------------
def test_the_first_step_of_kd_is_what_its_gradients_say() -> None:
    where = setting(teacher=net(seed=5))
    going, begun = start(where, make("kd", {"temperature": 3.0}), FIRST), None
    for event in play(going):
        if isinstance(event, events.Stage):
            begun = weights(going.trial.parties["student"])
    student = MLP(4, (8,), 3)
    student.load_state_dict(begun)
    logits, said = student(where.train.inputs), where.teacher(where.train.inputs).detach()
    soft = 0.9 * 9 * (said / 3).softmax(1) * ((said / 3).log_softmax(1) - (logits / 3).log_softmax(1))
    terms = {"labels": 0.1 * F.cross_entropy(logits, where.train.labels), "soft": soft.sum(1).mean()}
    flat = {}
    for name, term in terms.items():
        student.zero_grad()
        term.backward(retain_graph=True)
        flat[name] = torch.cat([p.grad.flatten() for p in student.parameters()])
    found = probed(event.run)
    for name in terms:
        assert found[f"gradient/{name}"][0] == pytest.approx(float(flat[name].norm()), rel=1e-4)
    cosine = float(F.cosine_similarity(flat["labels"], flat["soft"], dim=0))
    assert found["cosine/labels|soft"][0] == pytest.approx(cosine, abs=1e-4)
    ratios = said.numpy().std(1) / logits.detach().numpy().std(1)
    assert np.quantile(ratios, 0.4) < found["logit_scale"][0] < np.quantile(ratios, 0.6)
    assert found["temperature_exponent"] == [pytest.approx(0, abs=0.02)]
    assert found["probabilities/student"] == found["probabilities/teacher"] == [0.0]
    assert found["teacher_training"] == [0.0]
    assert found["teacher_wobble"][0] < 1e-5


def test_events_and_curves_tell_the_same() -> None:
    going = start(setting(), make("kd"), WHOLE)
    told = [event for event in play(going) if isinstance(event, events.Probe) and named.measured(event.name)]
    last = probed(run(setting(), make("kd"), WHOLE))
    assert {event.party for event in told} == {"student"}
    for name, values in last.items():
        assert [event.value for event in told if event.name == name] == values
    assert len(last["gradient/soft"]) == 9


class Unscaled(Method):
    """kd without the squared temperature."""

    def __init__(self, temperature: float = 4.0, power: float = 0.0) -> None:
        super().__init__()
        self.temperature, self.power = temperature, power

    def forward(self, student, teacher, batch):
        soft = self.temperature**self.power * forward_kl(student.logits, teacher.logits, self.temperature)
        return {"labels": self.label_loss(student, batch), "soft": soft}


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_a_missing_factor_of_the_temperature_shows_as_its_power(power: float) -> None:
    found = probed(run(setting(), Unscaled(power=power), FIRST))
    assert found["temperature_exponent"] == [pytest.approx(power - 2, abs=0.02)]


def test_the_temperature_is_found_inside_a_sum_and_only_where_a_copy_can_be_asked() -> None:
    found = {name: probed(run(setting(), method, FIRST)) for name, method in {
        "sum": make("kd") + make("rkd"), "features": make("fitnets"), "none": Two(),
    }.items()}  # fmt: skip
    assert found["sum"]["temperature_exponent"] == [pytest.approx(0, abs=0.02)]
    assert "temperature_exponent" not in found["features"] | found["none"]
    assert {"gradient/kd.soft", "gradient/labels", "cosine/labels|kd.soft"} <= found["sum"].keys()


class Softmaxed(nn.Module):
    """Answers with probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.body = MLP(4, (8,), 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.body(inputs).softmax(1)


class Restful(nn.Module):
    """Drops at random whatever mode it is in, and counts its passes."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.passes = MLP(4, (8,), 3), nn.Parameter(torch.zeros(()), requires_grad=False)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, inputs: Tensor) -> Tensor:
        self.seen += 1
        return self.body(F.dropout(inputs, 0.5, training=True))


class Company(nn.Module):
    """Normalises by its batch whatever mode it is in."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.body = nn.BatchNorm1d(4), net()

    def train(self, mode: bool = True) -> nn.Module:
        super().train(mode)
        self.norm.train()
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        return self.body(self.norm(inputs))


def test_faults_of_the_models_are_measured() -> None:
    double = probed(run(setting(student=Softmaxed, teacher=Softmaxed()), make("kd"), FIRST))
    assert double["probabilities/student"] == double["probabilities/teacher"] == [1.0]
    dropping, company = (probed(run(setting(teacher=each), make("kd"), FIRST)) for each in (Restful(), Company()))
    assert dropping["teacher_wobble"][0] > 0.1
    assert company["teacher_training"] == [1.0]
    assert company["teacher_wobble"][0] > 0.1


def test_a_look_at_the_teacher_leaves_it_as_it_was() -> None:
    for teacher in (Restful().train(), Company()):
        before, mode, state = weights(teacher), teacher.training, torch.get_rng_state()
        assert set(probes.habits([(teacher, setting().train)])) == {named.TEACHER_TRAINING, named.TEACHER_WOBBLE}
        assert same(weights(teacher), before)
        assert teacher.training == mode
        assert torch.equal(torch.get_rng_state(), state)


def test_permuted_classes_of_the_teacher_are_measured() -> None:
    def permuted(inputs: Tensor) -> Tensor:
        return (5 * inputs)[:, [1, 2, 0]]

    where = setting(teacher=lambda inputs: (5 * inputs)[:, :3])
    right, wrong = (probed(run(each, make("kd"), FIRST)) for each in (where, setting(teacher=permuted)))
    assert right["teacher_right"] == right["teacher_relabelled"] == wrong["teacher_relabelled"]
    assert wrong["teacher_right"][0] < 1 / 3 < wrong["teacher_relabelled"][0]
    assert "teacher_wobble" not in right, "a function of the user is not asked once more than it must be"


# --- nothing moves ---------------------------------------------------------------------------------------------------
CASES = {
    "kd": (setting, "kd"),
    "features": (setting, "fitnets"),
    "drawing": (partial(setting, student=Dropping, augment=jitter), Restless),
    "averaged": (partial(setting, student=Dropping, augment=jitter), OWN["averaged"]),
    "players": (partial(setting, student=Dropping), OWN["shared"]),
    "rule": (partial(setting, student=Dropping), OWN["split"]),
    "peers": (setting, "deep_mutual_learning"),
    "generator": (setting, "dafl"),
    "own update": (partial(setting, teacher=normalised_net()), "deep_inversion"),
    "learned temperature": (setting, "ctkd"),
    "restless teacher": (partial(setting, teacher=Restful()), "kd"),
    "tokens": (text_setting, "gkd"),
}
SLOW = ("own update", "tokens")


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.slow) if case in SLOW else case for case in CASES]
)
def test_the_same_weights_bit_by_bit_with_and_without(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, method = CASES[case]
    made = partial(make, method) if isinstance(method, str) else method
    torch.manual_seed(0)
    seen = run(where(), made(), WHOLE)
    monkeypatch.setattr(probes, "PER_RUN", 0)
    torch.manual_seed(0)
    unseen = run(where(), made(), WHOLE)
    assert probed(seen)
    assert all(same(seen.models[party], unseen.models[party]) for party in seen.models)
    assert (seen.predictions["student"] == unseen.predictions["student"]).all()
    assert {name for name in unseen.curves if name.startswith("probe/gradient")} == set()


def test_under_autocast_too(monkeypatch: pytest.MonkeyPatch) -> None:
    half = Budget(epochs=3, batch_size=16, precision="bfloat16")
    seen = run(setting(), make("kd"), half)
    monkeypatch.setattr(probes, "PER_RUN", 0)
    assert same(seen.models["student"], run(setting(), make("kd"), half).models["student"])
    assert probed(seen)["temperature_exponent"] == [pytest.approx(0, abs=0.2)]


@pytest.mark.parametrize("name", ["kd", "fitnets", "shared"])
def test_an_interrupted_run_keeps_what_was_measured(name: str, tmp_path: Path) -> None:
    going = arm(name, tmp_path / "b")
    stream = going.run(Controls(going.method))
    next(event for event in stream if isinstance(event, events.Epoch) and event.step > 30)
    next(event for event in stream if isinstance(event, events.Step))
    stream.close()
    assert going.checkpoint_path.exists()
    resumed, whole = ([*arm(name, tmp_path / part).run(Controls(going.method))][-1].run for part in "ba")
    assert probed(resumed)
    assert probed(resumed) == probed(whole)


# --- who ---------------------------------------------------------------------------------------------------------------
def test_nothing_is_measured_of_a_student_that_learns_from_labels_alone() -> None:
    assert probed(run(setting(), make("labels_only"))) == {}


def test_of_several_players_the_one_that_moves_the_student_is_measured() -> None:
    found = probed(run(setting(student=Dropping), OWN["shared"]()))
    assert {"gradient/labels", "gradient/answers", "cosine/labels|answers"} <= found.keys()
    peers = run(setting(), Mutual(1.0))
    assert {name for name in probed(peers) if "/" in name} == {
        "gradient/labels", "gradient/mimic", "cosine/labels|mimic",
    }  # fmt: skip


def test_an_assistant_has_probes_of_its_own() -> None:
    result = run(setting(), make("teacher_assistant").assisted_by(lambda: MLP(4, (10,), 3)))
    assert {"probe/gradient/soft", "assistant/probe/gradient/soft"} <= result.curves.keys()


class Stepping(Method):
    """Moves the student by itself."""

    def forward(self, student, teacher, batch):
        return {"labels": self.label_loss(student, batch), "gap": (student.logits - teacher.logits).square().mean(1)}

    def update(self, context, batch: Batch):
        terms = context.terms(batch)
        sum(terms.values()).backward()
        context.optimizers["student"].step()
        context.optimizers["student"].zero_grad()
        return context.check(terms)


class Checkpointed(nn.Module):
    """Keeps no activations of its second half; such a graph refuses to be walked for some gradients only."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return checkpoint(self.second, self.first(inputs).relu(), use_reentrant=self.training)


def test_a_method_that_moves_the_student_by_itself_is_left_alone() -> None:
    found = probed(run(setting(), Stepping()))
    assert not [name for name in found if name.startswith(("gradient", "cosine"))]


def test_a_graph_that_refuses_is_warned_of_once_and_trains_on(monkeypatch: pytest.MonkeyPatch) -> None:
    going = start(setting(student=Checkpointed), Two(), WHOLE)
    *told, last = play(going)
    (warning,) = (event for event in told if isinstance(event, events.Warning))
    assert "loss doctor sees no more" in warning.message
    assert not [name for name in probed(last.run) if name.startswith("gradient")]
    monkeypatch.setattr(probes, "PER_RUN", 0)
    assert same(last.run.models["student"], run(setting(student=Checkpointed), Two(), WHOLE).models["student"])
