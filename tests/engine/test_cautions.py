"""What a user must know of models and data reaches the run, its study, the terminal, the live session and the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.contracts.probes.world import blobs, net, run, setting
from workbench.engine.live.session import Session
from workbench.engine.store import Store
from workbench.engine.study.study import study
from workbench.methods.catalog import make
from workbench.models.learners import contradictions
from workbench.models.soft_fit import SoftFit
from workbench.records.budget import Budget
from workbench.reports.page import report

ONE = Budget(epochs=1, batch_size=16)


class FunctionalDropout(nn.Module):
    """Drops in evaluation mode, too."""

    def __init__(self):
        super().__init__()
        self.net = net()

    def forward(self, inputs):
        return nn.functional.dropout(self.net(inputs), 0.5, training=True)


class AlwaysTraining(nn.Sequential):
    """Cannot be put into evaluation mode."""

    def train(self, mode=True):
        return super().train(True)


def svc():
    from sklearn.svm import SVC

    class Twisted(SVC):
        """An SVC whose probabilities are those of the next class, as bad calibration folds can make them."""

        def predict_proba(self, rows):
            return np.roll(super().predict_proba(rows), 1, axis=1)

    return Twisted


def fitted():
    inputs, labels = blobs(96)
    return svc()(probability=True, random_state=0).fit(inputs.numpy(), labels.numpy())


def trained():
    model = nn.Sequential(nn.BatchNorm1d(4), net(), nn.Dropout(0.3))
    return model.train()


CASES = {
    "the teacher's outputs are probabilities (between 0 and 1, rows with sum 1": lambda: {
        "teacher": nn.Sequential(net(), nn.Softmax(1))
    },
    "the teacher's outputs are probabilities (all between 0 and 1, as of a sigmoid": lambda: {
        "teacher": nn.Sequential(net(), nn.Sigmoid())
    },
    "the student's outputs are probabilities": lambda: {"student": nn.Sequential(net(8), nn.Softmax(1))},
    "the teacher was handed over in training mode": lambda: {"teacher": trained()},
    "parts of the teacher stay in training mode": lambda: {"teacher": AlwaysTraining(net(), nn.Dropout(0.3))},
    "depends on the other samples of its batch, or on chance": lambda: {"teacher": FunctionalDropout()},
    "predict and predict_proba of the teacher (Twisted) name different classes": lambda: {"teacher": fitted()},
    "predict and predict_proba of the student (Twisted) name different classes": lambda: {
        "student": svc()(probability=True, random_state=0)
    },
}


@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
@pytest.mark.parametrize("said", CASES)
def test_each_kind_is_kept_with_the_run(said):
    assert [message for message in run(setting(**CASES[said]()), make("kd"), ONE).warnings if said in message]


def test_models_that_are_as_they_should_be_are_not_warned_of():
    evaluated = trained().eval()
    for changes in (
        {},
        {"teacher": net().train()},
        {"teacher": evaluated},
        {"teacher": nn.Sequential(net(), nn.LogSoftmax(1))},
    ):
        assert run(setting(**changes), make("kd"), ONE).warnings == ()


def test_a_warning_reaches_store_study_terminal_page_and_live_session(tmp_path: Path):
    said, where = "the teacher's outputs are probabilities", setting(teacher=nn.Sequential(net(), nn.Softmax(1)))
    store = Store(folder=tmp_path)
    found = study(where, [make("kd")], 1, quick=True, budget=ONE, store=store)
    assert any(said in line for line in found.warnings)
    assert said in " ".join(str(found).split())
    assert any(said in message for row in store.runs() for message in row["warnings"])
    page = report(found.run("kd"), tmp_path / "run.html").read_text()
    assert "outputs are probabilities" in page
    session = Session(where, make("kd"), seeds=1, budget=ONE, store=store)
    session.start()
    assert any(said in message for message in session.wait(60).warnings)


def test_what_a_setting_warns_of_and_notes_reaches_runs_and_studies(tmp_path: Path):
    said = {"warnings": ("3 samples are in train and in test",), "notes": ("labels of shape (N, 1) were flattened",)}
    where = setting().but(**said)
    assert run(where, make("labels_only"), ONE).warnings == where.warnings
    found = study(where, [make("kd")], 1, quick=True, budget=ONE, store=Store(folder=tmp_path))
    assert found.warnings == ("3 samples are in train and in test (labels_only, kd)",)
    assert where.notes[0] in found.notes


@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
def test_a_fitted_student_is_scored_by_what_it_predicts():
    where = setting(student=svc()(probability=True, random_state=0))
    found = run(where, make("labels_only"))
    inputs, labels = where.train.inputs.numpy(), where.train.labels.numpy()
    again = svc()(probability=True, random_state=0).fit(inputs, labels, sample_weight=np.ones(len(labels)))
    expected = 100 * (again.predict(where.test.inputs.numpy()) == where.test.labels.numpy()).mean()
    assert found.scores["student"].last == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
def test_probabilities_change_places_only_where_predict_names_another_class():
    inputs, labels = blobs(60)
    fit = SoftFit(svc()(probability=True, random_state=0)).fit_soft(inputs, torch.eye(3)[labels])
    raw, told = fit.fitted.predict_proba(inputs.numpy()), fit.predict_logits(inputs).exp().numpy()
    predicted = fit.fitted.predict(inputs.numpy())
    np.testing.assert_array_equal(told.argmax(1), predicted)
    np.testing.assert_allclose(np.sort(told, 1), np.sort(np.maximum(raw, 1e-6), 1), rtol=1e-4)
    assert contradictions(fit.fitted, inputs) == (raw.argmax(1) != predicted).sum() > 0


def test_an_estimator_that_agrees_with_itself_keeps_its_probabilities():
    from sklearn.linear_model import LogisticRegression

    inputs, labels = blobs(60)
    fit = SoftFit(LogisticRegression()).fit_soft(inputs, torch.eye(3)[labels])
    np.testing.assert_allclose(fit.predict_logits(inputs).exp(), fit.fitted.predict_proba(inputs.numpy()), rtol=1e-4)
    assert contradictions(fit.fitted, inputs) == 0
    assert contradictions(net(), inputs) == contradictions(lambda rows: rows, inputs) == 0
