"""What is checked once for every comparison: ensembles, ties, ids and tasks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from tests import examples
from workbench.diagnostics.agreement.measure import agreement
from workbench.diagnostics.outputs import ensembled, joined, names_of, output_warnings, pair_of, paired_logits, tied

ENSEMBLE = np.random.default_rng(0).normal(0, 3, (4, 20, 5))


def test_an_ensemble_says_the_mean_of_its_probabilities():
    wanted = np.mean([softmax(each, axis=1) for each in ENSEMBLE], axis=0)
    assert np.exp(ensembled(ENSEMBLE)) == pytest.approx(wanted)
    assert np.exp(ensembled(np.array([[[0.0, 900.0]], [[0.0, 900.0]]]))).tolist() == [[0.0, 1.0]]


def test_an_ensemble_may_be_the_teacher():
    student, labels = ENSEMBLE[0], np.arange(20) % 5
    found = agreement(student, ENSEMBLE, labels)
    mean = np.mean([softmax(each, axis=1) for each in ENSEMBLE], axis=0)
    assert found.top1.mean == (student.argmax(1) == mean.argmax(1)).mean()
    assert found.forward_kl.mean == pytest.approx(agreement(student, np.log(mean), labels).forward_kl.mean)


def test_one_member_is_itself_but_for_the_scale():
    assert softmax(ensembled(ENSEMBLE[:1]), axis=1) == pytest.approx(softmax(ENSEMBLE[0], axis=1))


def test_an_ensemble_of_other_samples_is_refused():
    with pytest.raises(ValueError, match=r"student logits \(19, 5\) and teacher logits \(4, 20, 5\)"):
        paired_logits(ENSEMBLE[0][:19], ENSEMBLE)
    with pytest.raises(ValueError, match="teacher logits hold NaN"):
        paired_logits(ENSEMBLE[0], np.where(ENSEMBLE > 5, np.nan, ENSEMBLE))


def test_ties_go_to_the_first_class_and_are_told():
    logits = np.array([[1.0, 1.0], [0.0, 2.0], [3.0, 3.0]])
    assert tied(logits) == 2
    found = agreement(logits, np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), [0, 1, 0])
    assert found.top1.mean == pytest.approx(2 / 3)
    assert any("student: 2 samples have several classes" in each for each in found.warnings)
    assert output_warnings(teacher=logits[1:2]) == ()


def test_a_run_of_another_task_is_refused_in_words():
    run = examples.run(setting={"name": "stories", "task": "tokens"})
    with pytest.raises(ValueError, match="is of task 'tokens'; one class per sample is needed"):
        pair_of(run)


def test_runs_whose_classes_are_in_another_order_are_refused():
    run = examples.run(classes=3)
    turned = examples.run(classes=3, test_labels=(run.test_labels + 1) % 3)
    renamed = examples.run(classes=3, names=("1", "0", "2"))
    for other in (turned, renamed):
        with pytest.raises(ValueError, match="have other classes, or the same in another order"):
            pair_of(run, other)
    nameless = examples.run(classes=3, facts={})
    assert pair_of(run, nameless).class_names == ("0", "1", "2")


def test_an_ensemble_and_a_single_model_are_joined_alike():
    assert np.array_equal(joined(ENSEMBLE, "teacher"), ensembled(ENSEMBLE))
    assert np.array_equal(joined(ENSEMBLE[0], "teacher"), ENSEMBLE[0])


def test_names_must_fit():
    assert names_of((), 2) == ("0", "1")
    with pytest.raises(ValueError, match="3 class names for 2 classes"):
        names_of(("a", "b", "c"), 2)
