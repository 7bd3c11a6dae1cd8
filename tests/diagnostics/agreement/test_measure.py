"""Agreement against closed forms, identities and slow literal loops."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from tests import examples
from workbench.diagnostics.agreement.measure import OUTCOMES, agreement, agreement_of, bounds
from workbench.diagnostics.agreement.measure_chance import credit_of
from workbench.records.interval import Interval


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return examples.outputs(classes=5, samples=60)


def test_identical_models_agree_on_everything(drawn: tuple[np.ndarray, ...]) -> None:
    student, _, labels = drawn
    found = agreement(student, student, labels)
    assert (found.top1.mean, found.top1.high) == (1, 1)
    assert (found.forward_kl.mean, found.forward_kl.low, found.forward_kl.high) == (0, 0, 0)
    assert found.student_only == found.teacher_only == 0
    assert found.top1_teacher_wrong.mean == 1
    assert found.highest == 1
    assert np.array_equal(found.confusion, np.diag(found.confusion.diagonal()))


def test_deranged_classes_never_agree(drawn: tuple[np.ndarray, ...]) -> None:
    _, teacher, labels = drawn
    found = agreement(np.roll(teacher, 1, axis=1), teacher, labels)
    assert found.top1.mean == 0
    assert found.confusion.trace() == 0
    assert found.confusion.sum() == found.n == 60


def test_halved_logits_of_two_classes_have_a_closed_form() -> None:
    gap = np.array([0.5, 1.0, -3.0, 2.0])
    teacher = np.c_[gap, np.zeros(4)]

    def of_one(z: float) -> float:
        p, q = 1 / (1 + math.exp(-z)), 1 / (1 + math.exp(-z / 2))
        return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))

    found = agreement(teacher / 2, teacher, [0, 0, 1, 0])
    assert found.top1.mean == 1
    assert found.forward_kl.mean == pytest.approx(sum(map(of_one, gap)) / 4, rel=1e-12)


def test_a_uniform_student_is_log_c_minus_the_teachers_entropy_away(drawn: tuple[np.ndarray, ...]) -> None:
    _, teacher, labels = drawn
    probabilities = np.exp(teacher.astype(float)) / np.exp(teacher.astype(float)).sum(1, keepdims=True)
    entropy = -(probabilities * np.log(probabilities)).sum(1).mean()
    found = agreement(np.zeros_like(teacher), teacher, labels)
    assert found.forward_kl.mean == pytest.approx(math.log(5) - entropy, rel=1e-6)


def test_every_number_against_a_literal_loop(drawn: tuple[np.ndarray, ...]) -> None:
    student, teacher, labels = drawn
    counts, table, follows, kl = dict.fromkeys(OUTCOMES, 0), np.zeros((5, 5), int), [], 0.0
    for s, t, y in zip(student.tolist(), teacher.tolist(), labels.tolist(), strict=True):
        mine, taught = s.index(max(s)), t.index(max(t))
        outcome = {(1, 1): "both_right", (1, 0): "student_only", (0, 1): "teacher_only", (0, 0): "both_wrong"}
        counts[outcome[int(mine == y), int(taught == y)]] += 1
        table[taught][mine] += 1
        follows += [mine == taught] if taught != y else []
        p, q = ([math.exp(v) / sum(map(math.exp, z)) for v in z] for z in (t, s))
        kl += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)) / 60
    found = agreement(student, teacher, labels)
    assert {name: getattr(found, name) for name in OUTCOMES} == counts
    assert {name: share.mean for name, share in found.shares.items()} == {k: v / 60 for k, v in counts.items()}
    assert found.confusion.tolist() == table.tolist()
    assert found.top1.mean == pytest.approx(table.trace() / 60)
    assert (found.top1_teacher_wrong.mean, found.top1_teacher_wrong.n) == (sum(follows) / len(follows), len(follows))
    assert found.forward_kl.mean == pytest.approx(kl, rel=1e-9)
    assert found.forward_kl.low < kl < found.forward_kl.high


def test_the_share_has_wilsons_interval() -> None:
    student = np.eye(2)[[0] * 8 + [1] * 2]
    found = agreement(student, np.eye(2)[[0] * 10], [0] * 5 + [1] * 5)
    assert (found.top1.mean, found.top1.method) == (0.8, "wilson")
    assert (round(found.top1.low, 4), round(found.top1.high, 4)) == (0.4902, 0.9433)  # Wilson 1927, 8 of 10


def test_bounds_reproduce_the_published_example() -> None:
    assert bounds(0.55, 0.95) == pytest.approx((0.5, 0.6))  # Stanton et al. 2021
    assert bounds(0.75, 0.95) == pytest.approx((0.7, 0.8))
    assert bounds(0.2, 0.3) == pytest.approx((0.0, 0.9))


@given(arrays(np.int64, (3, 12), elements=st.integers(0, 2)))
def test_agreement_stays_within_its_bounds(drawn: np.ndarray) -> None:
    student, teacher, labels = drawn
    found = agreement(np.eye(3)[student], np.eye(3)[teacher], labels)
    assert found.lowest - 1e-12 <= found.top1.mean <= found.highest + 1e-12


def test_a_teacher_that_is_never_wrong_leaves_that_number_open() -> None:
    found = agreement(np.eye(2)[[0, 1, 1]], np.eye(2)[[0, 1, 0]], [0, 1, 0])
    assert math.isnan(found.top1_teacher_wrong.mean)
    assert found.top1_teacher_wrong.n == 0
    assert any("right on every sample" in warning for warning in found.warnings)
    assert any("only 3 samples" in warning for warning in found.warnings)
    assert "Where the teacher is wrong" not in found.explain()


def test_identical_models_use_all_the_room_there_is(drawn: tuple[np.ndarray, ...]) -> None:
    student, _, labels = drawn
    found = agreement(student, student, labels)
    assert (found.phi.mean, found.phi.low, found.phi.high) == pytest.approx((1, 1, 1))
    assert found.kappa.mean == pytest.approx(1)
    assert "phi, 0 at that agreement and 1 at the highest possible one, is 1 (no spread)" in found.explain()
    perfect = agreement(np.eye(3)[[0, 1, 2]], np.eye(3)[[0, 1, 2]], [0, 1, 2])
    assert math.isnan(perfect.phi.mean)
    assert any("phi is undefined" in warning for warning in perfect.warnings)
    assert "phi" not in perfect.explain()


def test_unrelated_models_of_two_accuracies() -> None:
    """A is a b + (1 - a)(1 - b) / (C - 1), which is all that the labels explain: phi is 0."""
    generator, n = np.random.default_rng(0), 5000
    labels = generator.integers(0, 4, n)
    student, teacher = (
        np.where(generator.random(n) < right, labels, (labels + generator.integers(1, 4, n)) % 4)
        for right in (0.75, 0.9)
    )
    found = agreement(np.eye(4)[student], np.eye(4)[teacher], labels)
    assert found.top1.low < 0.75 * 0.9 + 0.25 * 0.1 / 3 < found.top1.high
    assert found.independent == pytest.approx(0.75 * 0.9 + 0.25 * 0.1 / 3, abs=0.02)
    assert found.phi.low < 0 < found.phi.high


def test_credit_counts_near_misses(drawn: tuple[np.ndarray, ...]) -> None:
    student, teacher, labels = drawn
    near = np.kron(np.eye(3), np.ones((2, 2)))[:5, :5]  # 0 and 1 are neighbours, 2 and 3, and 4 alone
    found = agreement(student, teacher, labels, credit=near)
    merged = agreement(*(np.eye(3)[z.argmax(1) // 2] for z in (student, teacher)), labels // 2)
    assert found.weighted_kappa.mean == pytest.approx(merged.kappa.mean)
    without = agreement(student, teacher, labels)
    assert math.isnan(without.weighted_kappa.mean)
    names = [{row["quantity"] for row in each.rows()} for each in (found, without)]
    assert names[0] - names[1] == {"weighted_kappa"}


def test_the_paper_averages_means_of_batches() -> None:
    generator = np.random.default_rng(1)
    student, teacher = generator.normal(size=(2, 130, 4))
    labels = np.zeros(130, int)
    each = [agreement(student[[k]], teacher[[k]], [0]).forward_kl.mean for k in range(130)]
    found = agreement(student, teacher, labels, mode="paper")
    assert found.forward_kl.mean == pytest.approx((sum(each[:128]) / 128 + sum(each[128:]) / 2) / 2)
    assert agreement(student, teacher, labels).forward_kl.mean == pytest.approx(sum(each) / 130)
    assert (found.provenance["fidelity"], found.forward_kl.method) == ("paper", "none")


def test_runs_are_not_saved(tmp_path: Path) -> None:
    found = agreement_of(examples.run())
    assert [run.id for run in found.runs] == ["digits-kd-s0-0123456789ab"]
    assert type(found).load(found.save(tmp_path / "found")).runs == ()


def test_large_logits_stay_finite() -> None:
    assert agreement([[5e4, 0.0], [0.0, 1.0]], [[0.0, 5e4], [0.0, 1.0]], [0, 1]).forward_kl.mean == 2.5e4


@pytest.mark.parametrize(
    ("student", "teacher", "labels", "message"),
    [
        (np.zeros((4, 3)), np.zeros((4, 2)), [0] * 4, r"\(4, 3\) and teacher logits \(4, 2\)"),
        (np.zeros((4, 3)), np.zeros((4, 3)), [0] * 3, r"labels \(3,\) do not go with logits \(4, 3\)"),
        (np.zeros((4, 1)), np.zeros((4, 1)), [0] * 4, "one class"),
        (np.zeros((0, 3)), np.zeros((0, 3)), [], "one sample or more"),
        (np.zeros(3), np.zeros(3), [0] * 3, "one sample or more"),
        (np.zeros((2, 2)), np.array([[0, 1], [np.nan, 0]]), [0, 1], "teacher logits hold NaN.*row 1"),
        (np.array([[np.inf, 0]]), np.zeros((1, 2)), [0], "student logits hold NaN or infinite"),
        (np.zeros((2, 2)), np.zeros((2, 2)), [0, 2], "from 0 to 1, got 0 to 2"),
        (np.zeros((2, 2)), np.zeros((2, 2)), [-1, 1], "from 0 to 1, got -1 to 1"),
        (np.zeros((2, 2)), np.zeros((2, 2)), [0.0, 1.0], "float64"),
    ],
)
def test_bad_input_is_one_clear_error(student: object, teacher: object, labels: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        agreement(student, teacher, labels)


def test_class_names_must_fit() -> None:
    with pytest.raises(ValueError, match="1 class names for 2 classes"):
        agreement(np.eye(2), np.eye(2), [0, 1], class_names=["a"])


def test_a_run_brings_its_outputs_labels_and_names() -> None:
    run = examples.run(classes=3, names=("a", "b", "c"))
    found, student, teacher = agreement_of(run), run.predictions["student"], run.predictions["teacher"]
    assert found.class_names == ("a", "b", "c")
    assert found.top1.mean == (student.argmax(1) == teacher.argmax(1)).mean()
    assert isinstance(found.forward_kl, Interval)


def test_a_run_takes_a_hierarchy_and_says_what_it_changes() -> None:
    run = examples.run(classes=4)
    found = agreement_of(run, credit=credit_of("aabb"))
    student, teacher = (run.predictions[party].argmax(1) for party in ("student", "teacher"))
    coarse, fine = (cohen_kappa_score(student // size, teacher // size) for size in (2, 1))
    assert min(coarse, fine) < found.weighted_kappa.mean < max(coarse, fine)  # half of the credit is the superclass's
    assert f"Kappa is {fine:.3g}, with credit for near misses {found.weighted_kappa.mean:.3g}" in found.explain()
    assert "near misses" not in agreement_of(run).explain()


def test_another_runs_student_may_take_the_teachers_place() -> None:
    run = examples.run()
    other = examples.run(predictions={"student": run.predictions["teacher"]})
    assert agreement_of(run, other).to_frame().equals(agreement_of(run).to_frame())
    with pytest.raises(ValueError, match="their ids differ"):
        agreement_of(run, examples.run(test_ids=run.test_ids[::-1]))


def test_a_run_without_a_teacher_says_what_it_has() -> None:
    with pytest.raises(KeyError, match="no outputs of 'teacher'; it has student"):
        agreement_of(examples.run(predictions={"student": np.zeros((360, 10))}))
    with pytest.raises(ValueError, match="359 outputs of 'student' for 360 test ids"):
        agreement_of(examples.run(predictions={"student": np.zeros((359, 10)), "teacher": np.zeros((360, 10))}))


def test_many_classes_need_no_table_of_all_their_pairs() -> None:
    import tracemalloc

    generator = np.random.default_rng(0)
    student, teacher = generator.standard_normal((2, 300, 6000), dtype=np.float32)
    labels = generator.integers(0, 6000, 300)
    agreement(student[:, :10], teacher[:, :10], labels % 10)  # imports are not counted
    tracemalloc.start()
    found = agreement(student, teacher, labels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * (student.nbytes + teacher.nbytes)
    assert found.picked[:, 2].sum() == found.n
    pairs = {(t, s) for t, s in zip(teacher.argmax(1).tolist(), student.argmax(1).tolist(), strict=True)}
    assert {(t, s) for t, s, _ in found.picked.tolist()} == pairs


def test_the_table_of_picks_is_counted_by_hand() -> None:
    student, teacher = np.eye(3)[[0, 1, 1, 2]], np.eye(3)[[0, 1, 2, 2]]
    table = agreement(student, teacher, [0, 1, 1, 2]).confusion
    assert table.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
