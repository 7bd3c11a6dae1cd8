"""Every method on every kind of setting: it takes steps, or it is refused in one sentence before anything is trained."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.contracts.mismatches import MISMATCHES, privileged
from tests.contracts.probes.world import net, same, setting, weights
from workbench.data.transfer import TransferSet
from workbench.engine.conditions import Conditions
from workbench.engine.distill import distill
from workbench.engine.rehearsal import rehearse
from workbench.engine.store import Store
from workbench.engine.study.study import study
from workbench.methods.catalog import catalog, make
from workbench.methods.method import Method
from workbench.models.mlp import MLP
from workbench.records import events
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe

ONE = Budget(epochs=1, batch_size=16)
RAW = ("mat1", "same dtype", "size of tensor", "xpected", "NoneType", "object has no attribute", "unsupported operand")
"""Words of PyTorch's and Python's own errors."""


def outcome(where, method):
    """Nothing if it takes two steps, else what was wrong, and whether anything had been trained before."""
    seen = []
    try:
        for event in distill(where, method, ONE, conditions=Conditions(checkpoint=False)):
            seen.append(event)
            if isinstance(event, events.Failed):
                return f"failed: {event.message}"
            if isinstance(event, events.Finished) or sum(isinstance(e, events.Step) for e in seen) == 2:
                return ""
    except (ValueError, TypeError) as error:
        late = any(isinstance(event, events.Step | events.Stage) for event in seen)
        return f"late: {error}" if late else f"refused: {error}"
    return "ended without a result"


@pytest.mark.slow
@pytest.mark.parametrize("kind", MISMATCHES)
def test_every_method_runs_or_is_refused_before_anything_is_trained(kind):
    where, found = MISMATCHES[kind](), {}
    for key, cls in catalog().items():
        quick = {"iterations": 1} if key == "deep_inversion" else {}
        found[key] = outcome(where, cls(**quick))
    wrong = {key: told for key, told in found.items() if told and not told.startswith("refused: ")}
    assert not wrong
    raw = {key: told for key, told in found.items() if any(word in told for word in RAW)}
    assert not raw
    assert sum(not told for told in found.values()) >= 5, "some methods fit every setting"


@pytest.mark.slow
def test_a_feature_of_whole_numbers_is_refused_in_words():
    where, found = MISMATCHES["integers"](), {}
    for key, cls in catalog().items():
        if named := {name: "0:input" for name in ("guided", "hint") if name in cls().config()}:
            found[key] = outcome(where, cls(**named))
    wrong = {
        key: told for key, told in found.items() if not told.startswith("refused: ") or any(w in told for w in RAW)
    }
    assert not wrong
    assert sum("'0:input' of _Embedded holds torch.int64" in told for told in found.values()) >= 20


# --- studies: all arms are rehearsed before the first cell ---------------------------------------------------------
def refused(where, methods, message, tmp_path: Path, error=ValueError):
    store = Store(folder=tmp_path)
    with pytest.raises(error, match=message):
        study(where, methods, 1, budget=ONE, store=store)
    assert store.runs() == []
    assert not list(tmp_path.rglob("*.safetensors")), "no teacher was trained"


def test_a_tree_with_a_feature_method_is_refused_before_the_control_is_fitted(tmp_path):
    where = MISMATCHES["tree student"]().but(teacher=Recipe(partial(MLP, 4, (16,), 3), ONE))
    refused(where, [make("kd"), make("fitnets")], "fitnets is not a method of pure targets", tmp_path, TypeError)


def test_one_arm_that_does_not_fit_stops_all_of_them(tmp_path):
    where = setting(teacher=Recipe(partial(MLP, 4, (16,), 3), ONE))
    refused(where, [make("kd"), make("sdd")], "has no maps", tmp_path)


class Broken(Method):
    def forward(self, student, teacher, batch):
        return {
            "labels": self.label_loss(student, batch),
            "gap": (student.logits - teacher.logits[:, :2]).square().mean(1),
        }


def test_a_method_of_ones_own_with_a_shape_error_is_refused_in_words(tmp_path):
    where = setting(teacher=Recipe(partial(MLP, 4, (16,), 3), ONE))
    refused(where, [Broken()], "Broken does not work on this setting, in stage 'distill': The size of tensor", tmp_path)


# --- recipes ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teacher": Recipe(partial(MLP, 9, (16,), 3), ONE)}, r"the teacher cannot take inputs of shape \(2, 7\)"),
        ({"teacher": Recipe(partial(MLP, 7, (16,), 2), ONE)}, "the teacher's outputs are 2 wide"),
        (
            {
                "teacher": Recipe(partial(MLP, 7, (16,), 3), ONE),
                "teacher_train": TransferSet(torch.randn(30, 4), torch.arange(30) % 3, ids=torch.arange(30) + 9000),
            },
            "the teacher cannot be trained on teacher_train: mat1 and mat2 shapes cannot be multiplied",
        ),
    ],
)
def test_a_recipe_of_another_modality_is_refused_before_its_teacher_is_trained(changes, message, tmp_path):
    refused(privileged(**changes), [make("kd")], message, tmp_path)


@pytest.mark.parametrize("name", ["zskt", "dafl", "explanation_matching"])
@pytest.mark.parametrize("kind", ["tree teacher", "function teacher"])
def test_gradients_through_a_teacher_that_passes_none_are_refused(name, kind):
    where = MISMATCHES[kind]()
    if kind == "function teacher":
        where = where.but(teacher=lambda inputs: torch.nn.functional.one_hot(inputs.argmax(1) % 3, 3).float())
    assert outcome(where, make(name)).startswith("refused: ")


# --- the rehearsal leaves no trace ---------------------------------------------------------------------------------
def test_a_rehearsal_changes_neither_models_nor_method_nor_random_state():
    teacher, student = nn.Sequential(nn.BatchNorm1d(4), net()), nn.Sequential(nn.BatchNorm1d(4), net(8))
    where, method = setting(teacher=teacher, student=student), make("crd")
    before, state = (weights(teacher), weights(student)), torch.get_rng_state()
    rehearse(where, method, ONE)
    assert same(weights(teacher), before[0])
    assert same(weights(student), before[1])
    assert teacher.training
    assert torch.equal(torch.get_rng_state(), state)
    assert not list(method.parameters())


def test_a_factory_that_gives_one_net_is_refused_before_the_rehearsal_trains_it():
    kept = net(8)
    before = weights(kept)
    with pytest.raises(ValueError, match="factory returns the same MLP again"):
        rehearse(setting(student=lambda: kept), make("kd"), ONE)
    assert same(weights(kept), before)


# --- conditions and estimators --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"control": "shuffled"}, "control"),
        ({"device": "gpu"}, "device = "),
        ({"teacher_seed": -1}, "teacher_seed"),
        ({"teacher_seed": 1.5}, "teacher_seed"),
    ],
)
def test_conditions_that_cannot_be_met_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        Conditions(**given)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="device = 'cuda'"):
        Conditions(device="cuda")


def test_estimators_that_cannot_be_fitted_to_soft_targets_are_refused_before_the_teacher_is_trained(tmp_path):
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC, SVR

    recipe = Recipe(partial(MLP, 4, (16,), 3), ONE)
    for student, error, message in (
        (KNeighborsClassifier(), TypeError, "takes no sample_weight"),
        (SVC(), TypeError, "has no predict_proba"),
        (SVR(), ValueError, "was not fitted to 3 outputs"),
    ):
        refused(setting(student=student, teacher=recipe), [make("kd")], message, tmp_path, error)
