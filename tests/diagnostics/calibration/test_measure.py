"""Calibration against hand-made bins, simulated models that are calibrated by construction, and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.metrics import brier_score_loss, log_loss

from tests import examples
from workbench.diagnostics.calibration import measure_reliability as reliability
from workbench.diagnostics.calibration.measure import calibration, calibration_of, optimal_temperature
from workbench.records.run import Run

STUDENT, TEACHER, LABELS = examples.outputs(classes=4, samples=400)


def of_confidence(confidence, hits, classes=2):
    """Logits of a model that picks class 0 with these confidences, and labels that it meets or not."""
    confidence = np.asarray(confidence, float)
    rest = np.repeat((1 - confidence)[:, None] / (classes - 1), classes - 1, axis=1)
    return np.log(np.c_[confidence, rest]), np.where(hits, 0, 1)


def drawn(n, seed=0, gap=0.0):
    generator = np.random.default_rng(seed)
    confidence = generator.uniform(0.55, 0.99, n)
    return of_confidence(confidence, generator.random(n) < confidence - gap)


def one(logits, labels, **options):
    return calibration({"student": logits}, labels, **options)


def test_ninety_percent_sure_and_sixty_percent_right():
    found = one(*of_confidence([0.9] * 10, [1] * 6 + [0] * 4))
    assert found.ece["student"].mean == pytest.approx(0.3)
    assert found.adaptive["student"].mean == pytest.approx(0.3)
    assert found.classwise["student"].mean == pytest.approx(0.3)  # both classes are 0.3 off
    # (0.3)^2 minus the variance that ten draws with 60 % hits have on average
    assert found.debiased["student"] == pytest.approx(0.09 - 0.6 * 0.4 / 9)


def test_ece_in_a_loop_over_samples_and_bins():
    found, p = one(STUDENT, LABELS, bins=7), softmax(STUDENT.astype(float), axis=1)
    wanted = 0.0
    for b in range(7):
        rows = [i for i in range(400) if b / 7 < p[i].max() <= (b + 1) / 7]
        if rows:
            sure, right = np.mean([p[i].max() for i in rows]), np.mean([p[i].argmax() == LABELS[i] for i in rows])
            wanted += len(rows) / 400 * abs(sure - right)
            assert found.counts[0, b] == len(rows)
            assert (found.means[0, b], found.shares[0, b]) == pytest.approx((sure, right))
    assert found.ece["student"].mean == pytest.approx(wanted)


def test_edges_belong_to_the_bin_below():
    assert reliability.equal_width(np.array([0.1, 0.2, 0.21, 0.6, 1.0, 0.0]), 5).tolist() == [0, 0, 1, 2, 4, 0]


def test_bins_of_equal_mass_hold_as_many_samples_and_keep_ties_together():
    assert reliability.equal_mass(np.array([0.9, 0.1, 0.5, 0.3]), 2).tolist() == [1, 0, 1, 0]
    assert reliability.equal_mass(np.full(6, 0.7), 3).tolist() == [0] * 6


def test_classwise_in_a_loop():
    p, wanted = softmax(STUDENT.astype(float), axis=1), []
    for k in range(4):
        bins = [
            [i for i in range(400) if b / 15 < p[i, k] <= (b + 1) / 15 or (b == 0 and p[i, k] == 0)] for b in range(15)
        ]
        wanted.append(sum(abs(sum((LABELS[i] == k) - p[i, k] for i in rows)) for rows in bins) / 400)
    assert one(STUDENT, LABELS).classwise["student"].mean == pytest.approx(np.mean(wanted))


def test_a_calibrated_model_lies_within_its_null():
    inside = 0
    for seed in range(20):
        found = one(*drawn(500, seed))
        null = found.null["student"]
        inside += null.low <= found.ece["student"].mean <= null.high
    assert inside >= 17


def test_a_model_that_is_not_calibrated_lies_outside():
    found = one(*drawn(1500, gap=0.15))
    assert found.ece["student"].mean > found.null["student"].high
    assert found.p_calibrated["student"] < 0.01


def test_calibration_errors_have_a_null_beside_them_and_no_interval():
    found = one(STUDENT, LABELS)
    for name, null in (("ece", "null"), ("adaptive", "adaptive_null"), ("classwise", "classwise_null")):
        assert np.isnan(getattr(found, name)["student"].low)
        assert 0 < getattr(found, null)["student"].low < getattr(found, null)["student"].high


@pytest.mark.slow
@pytest.mark.parametrize(("samples", "classes"), [(100, 3), (300, 10)])
def test_every_null_holds_calibrated_models_as_often_as_it_says_and_leaves_others_out(samples, classes):
    luck, inside, outside, rounds = np.random.default_rng(samples + classes), np.zeros(2), 0, 30
    for k in range(rounds):
        logits = luck.normal(0, 2, (samples, classes))
        p = softmax(logits, axis=1)
        labels = (p.cumsum(axis=1) < luck.random((samples, 1))).sum(axis=1)
        confidence, hits = p.max(axis=1), p.argmax(axis=1) == labels
        bin_of = reliability.equal_width(confidence, 15)
        top = reliability.error(hits - confidence, bin_of, 15), reliability.null_errors(confidence, bin_of, 15, k)
        for at, (found, null) in enumerate((top, reliability.classwise(p, labels, 15, k))):
            low, high = np.quantile(null, [0.025, 0.975])
            inside[at] += low <= found <= high
        found, null = reliability.classwise(softmax(3 * logits, axis=1), labels, 15, k)
        outside += found > np.quantile(null, 0.975)
    assert (inside / rounds >= 0.83).all()  # 0.95 less three standard errors
    assert outside / rounds > 0.9


def test_the_null_of_one_bin_is_a_folded_normal():
    """|mean of n centred Bernoulli draws| has mean sqrt(2 / pi) sd and sd^2 = p (1 - p) / n."""
    n, p = 2000, 0.8
    found = reliability.null_errors(np.full(n, p), np.zeros(n, int), 1, seed=0)
    assert found.mean() == pytest.approx(math.sqrt(2 / math.pi * p * (1 - p) / n), rel=0.08)


def test_the_debiased_error_is_zero_on_average_where_the_plain_one_is_not():
    squares, plain = [], []
    for seed in range(60):
        found = reliability_of(seed)
        squares.append(found[0])
        plain.append(found[1])
    assert abs(np.mean(squares)) < 3 * np.std(squares) / 60**0.5
    assert np.mean(plain) > 0.02


def reliability_of(seed):
    generator = np.random.default_rng(seed)
    confidence = np.repeat([0.6, 0.75, 0.9], 40)
    hits = (generator.random(120) < confidence).astype(float)
    bin_of = reliability.equal_width(confidence, 15)
    return reliability.debiased(hits, confidence, bin_of, 15), reliability.error(hits - confidence, bin_of, 15)


def test_likelihood_and_brier_against_scikit_learn():
    found, p = one(STUDENT, LABELS), softmax(STUDENT.astype(float), axis=1)
    assert found.nll["student"].mean == pytest.approx(log_loss(LABELS, p))
    wanted = sum(brier_score_loss(k == LABELS, p[:, k]) for k in range(4))
    assert found.brier["student"].mean == pytest.approx(wanted)
    assert found.nll["student"].low < log_loss(LABELS, p) < found.nll["student"].high


def test_the_likelihood_of_the_released_code_is_not_reproduced():
    logits, labels = np.array([[5.0, 0, 0], [0, 5.0, 0]]), [0, 1]
    for mode in ("corrected", "paper"):
        assert one(logits, labels, mode=mode).nll["student"].mean == pytest.approx(0.0134, abs=5e-5)
    released = -log_softmax(logits, axis=1)[..., labels].mean()  # every label of the batch for every sample
    assert released == pytest.approx(2.51, abs=5e-3)


def test_parts_of_the_brier_score_add_up():
    found, p = one(STUDENT, LABELS), softmax(STUDENT.astype(float), axis=1)
    parts, hits = found.brier_parts["student"], STUDENT.argmax(1) == LABELS
    whole = parts["reliability"] - parts["resolution"] + parts["uncertainty"] + parts["within"]
    assert whole == pytest.approx(np.square(p.max(1) - hits).mean())
    exact = one(*of_confidence([0.6] * 5 + [0.9] * 5, [1, 0, 1, 0, 1, 1, 1, 1, 1, 0])).brier_parts["student"]
    assert exact["within"] == pytest.approx(0)
    assert exact["reliability"] == pytest.approx(0.5 * 0.0**2 + 0.5 * 0.1**2)
    assert exact["resolution"] == pytest.approx(0.1**2)
    assert exact["uncertainty"] == pytest.approx(0.7 * 0.3)


def test_the_temperature_undoes_a_known_scale():
    generator = np.random.default_rng(3)
    logits = generator.normal(0, 2, (6000, 5))
    labels = (softmax(logits, axis=1).cumsum(1) < generator.random((6000, 1))).sum(1)
    assert optimal_temperature(3 * logits, labels) == pytest.approx(3, rel=0.05)
    best = optimal_temperature(STUDENT, LABELS)
    losses = [log_loss(LABELS, softmax(STUDENT / (best * f), axis=1)) for f in (0.97, 1, 1.03)]
    assert losses[1] == min(losses)


def test_the_temperature_comes_from_validation_alone():
    split = {"validation": {"student": 2 * STUDENT[:200]}, "validation_labels": LABELS[:200]}
    found = one(STUDENT[200:], LABELS[200:], **split)
    again = one(np.roll(STUDENT[200:], 1, axis=1), LABELS[200:], **split)
    assert found.temperature == again.temperature
    scaled = softmax(STUDENT[200:].astype(float) / found.temperature["student"], axis=1)
    assert found.scaled_nll["student"].mean == pytest.approx(log_loss(LABELS[200:], scaled, labels=range(4)))
    assert math.isnan(one(STUDENT, LABELS).temperature["student"])


def test_a_validation_split_without_errors_is_told():
    logits = np.eye(2)[[0, 1] * 20]
    found = one(logits, [0, 1] * 20, validation={"student": logits}, validation_labels=[0, 1] * 20)
    assert any("student: the validation split asks for a temperature beyond" in each for each in found.warnings)


def test_relative_calibration_compares_with_the_teachers_probabilities():
    student, _ = of_confidence([0.9] * 6, [1] * 6)
    teacher, _ = of_confidence([0.7] * 6, [1] * 6)
    found = calibration({"student": student, "teacher": teacher}, [0] * 6)
    assert found.relative.mean == pytest.approx(0.2)
    same = calibration({"student": teacher, "teacher": teacher}, [1] * 6)
    assert same.relative.mean == pytest.approx(0, abs=1e-12)  # both are wrong throughout, and alike
    assert math.isnan(one(STUDENT, LABELS).relative.mean)


def test_an_ensemble_is_as_sure_as_the_mean_of_its_probabilities():
    members = np.stack([TEACHER, 2 * TEACHER, TEACHER[:, ::-1]])
    mean = np.mean([softmax(each.astype(float), axis=1) for each in members], axis=0)
    found = calibration({"teacher": members}, LABELS)
    assert found.confidence["teacher"].mean == pytest.approx(mean.max(axis=1).mean())
    assert found.nll["teacher"].mean == pytest.approx(log_loss(LABELS, mean, labels=range(4)))


def test_the_papers_ten_bins():
    found = one(STUDENT, LABELS, mode="paper")
    assert (found.bins, found.provenance["fidelity"]) == (10, "paper")
    assert found.ece["student"].mean == one(STUDENT, LABELS, bins=10).ece["student"].mean


def test_a_run_without_models_has_no_temperature_and_says_why():
    found = calibration_of(examples.run(classes=4))
    assert found.models == ("student", "teacher")
    assert any("no temperature was fitted: run digits-kd" in each for each in found.warnings)


@pytest.mark.slow
def test_a_run_brings_its_validation_split(tmp_path):
    run, setting = distilled()
    found = calibration_of(run)
    student, labels = run.revive().student, setting.validation.labels.numpy()
    assert found.temperature["student"] == optimal_temperature(answers(student, setting.validation.inputs), labels)
    assert 0.05 < found.temperature["teacher"] < 20


def distilled() -> tuple[Run, object]:
    from workbench.engine.distill import collect, distill
    from workbench.methods.logits.kd import KD
    from workbench.records.budget import Budget
    from workbench.settings.digits import Digits

    setting = Digits(student_labels=100)
    return collect(distill(setting, KD(), Budget(epochs=3))), setting


def answers(model, inputs):
    import torch

    with torch.no_grad():
        return model(inputs).numpy()


@pytest.mark.parametrize(
    ("logits", "options", "message"),
    [
        ({}, {}, "0 models"),
        ({"student": STUDENT}, {"bins": 0}, "0 bins"),
        ({"student": STUDENT[:9]}, {}, r"labels \(400,\) do not go with logits \(9, 4\)"),
        ({"mine": np.full((400, 4), np.nan)}, {}, "mine logits hold NaN"),
    ],
)
def test_bad_input(logits, options, message):
    with pytest.raises(ValueError, match=message):
        calibration(logits, LABELS, **options)
