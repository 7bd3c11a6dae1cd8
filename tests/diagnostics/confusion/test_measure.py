"""Confusion beside dark knowledge: closed forms, hand examples, planted structure and slow literal loops."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests import examples
from workbench.diagnostics.confusion import measure_numbers as confusion_numbers
from workbench.diagnostics.confusion.measure import confusion, confusion_of
from workbench.diagnostics.confusion.measure_similarity import NAMES, similarity, top_overlaps


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confusion_numbers, "RESAMPLES", 60)


def of(soft: list[list[float]], hard: list[list[float]]) -> dict[str, float]:
    first, second = (np.array(table, float) for table in (soft, hard))
    return dict(zip(NAMES, similarity(first, second, np.ones(len(first), bool)), strict=True))


def planted(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A student with exactly these (C, C) confusions, and a teacher whose mean soft labels are the same shares."""
    labels = np.repeat(np.arange(len(counts)), counts.sum(axis=1))
    chosen = np.concatenate([np.repeat(np.arange(len(counts)), row) for row in counts])
    shares = counts / counts.sum(axis=1, keepdims=True)
    return 9 * np.eye(len(counts))[chosen], np.log(shares[labels] + 1e-300), labels


COUNTS = np.array([[50, 6, 3, 1], [8, 40, 2, 10], [1, 4, 30, 5], [2, 2, 12, 44]])


def test_a_confusion_equal_to_the_soft_labels_is_perfect() -> None:
    found = confusion(*planted(COUNTS), mode="paper")
    assert found.pearson.mean == pytest.approx(1, abs=1e-8)
    assert found.cosine.mean == pytest.approx(1, abs=1e-8)
    assert found.soft_iou.mean == pytest.approx(1, abs=1e-7)
    assert found.top_overlap.mean == pytest.approx(1)
    assert (found.cosine_sd, found.errors, found.n) == (pytest.approx(0, abs=1e-7), 56, 220)


def test_a_uniform_off_diagonal_has_no_correlation_but_a_cosine() -> None:
    flat = [[0.1, 0.1], [0.1, 0.1], [0.1, 0.1]]
    found = of(flat, [[0.2, 0.2], [0.2, 0.2], [0.2, 0.2]])
    assert math.isnan(found["pearson"])
    assert math.isnan(found["spearman"])
    assert math.isnan(found["top_overlap"])
    assert found["cosine"] == pytest.approx(1)
    assert found["soft_iou"] == pytest.approx(0.5)


def test_an_undefined_number_is_nan_with_a_warning() -> None:
    student, _, labels = planted(COUNTS)
    found = confusion(student, np.zeros((220, 4)), labels)
    assert math.isnan(found.pearson.mean)
    assert math.isnan(found.pearson.low)
    assert math.isnan(found.p["pearson"])
    assert 0 < found.cosine.mean < 1
    assert any("not defined" in warning and "pearson" in warning for warning in found.warnings)
    assert "not defined" in found.explain()


def test_three_classes_by_hand() -> None:
    found = of([[0.2, 0.1], [0.3, 0.1], [0.0, 0.4]], [[0.1, 0.1], [0.4, 0.0], [0.2, 0.2]])
    # means 11/60 and 10/60; in sixtieths: (1, -5, 7, -5, -11, 13) . (-4, -4, 14, -10, 2, 2)
    product, lengths = 168, math.sqrt((1 + 25 + 49 + 25 + 121 + 169) * (16 + 16 + 196 + 100 + 4 + 4))
    assert found["pearson"] == pytest.approx(product / lengths)
    # ranks (4, 2.5, 5, 2.5, 1, 6) and (2.5, 2.5, 6, 1, 4.5, 4.5), both around 3.5
    assert found["spearman"] == pytest.approx(6.75 / math.sqrt(17 * 16.5))
    rows = (0.03 / math.sqrt(0.05 * 0.02), 0.12 / math.sqrt(0.1 * 0.16), 0.08 / math.sqrt(0.16 * 0.08))
    assert found["cosine"] == pytest.approx(sum(rows) / 3)
    assert found["soft_iou"] == pytest.approx((2 / 3 + 3 / 5 + 2 / 6) / 3)
    assert found["top_overlap"] == pytest.approx(1.0)  # row 2 alone has an entry above its smallest


def test_ties_for_the_last_place_count_in_part() -> None:
    soft = np.array([[0.5, 0.4, 0.3, 0.2, 0.1]])
    assert top_overlaps(soft, np.array([[5, 2, 2, 2, 0]])) == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    assert top_overlaps(soft, np.array([[0, 0, 0, 7, 0]])) == pytest.approx(0)
    assert top_overlaps(soft, np.array([[9, 8, 0, 0, 7]])) == pytest.approx(2 / 3)


def test_every_number_of_the_released_form_against_a_literal_loop() -> None:
    student, teacher, labels = examples.outputs(classes=5, samples=90)
    soft, hard = [[0.0] * 5 for _ in range(5)], [[0] * 5 for _ in range(5)]
    size = [labels.tolist().count(j) for j in range(5)]
    for s, t, y in zip(student.tolist(), teacher.tolist(), labels.tolist(), strict=True):
        hard[y][s.index(max(s))] += 1
        whole = sum(math.exp(z) for z in t)
        for k in range(5):
            soft[y][k] += math.exp(t[k]) / whole / size[y]
    pairs = [(j, k) for j in range(5) for k in range(5) if j != k]
    x, y = [soft[j][k] for j, k in pairs], [(hard[j][k] + 1e-8) / size[j] for j, k in pairs]
    cosine, iou = [], []
    for j in range(5):
        p = [soft[j][k] for k in range(5) if k != j]
        q = [(hard[j][k] + 1e-8) / size[j] for k in range(5) if k != j]
        dot = sum(a * b for a, b in zip(p, q, strict=True))
        cosine.append(dot / math.sqrt(sum(a * a for a in p) * sum(b * b for b in q)))
        iou.append(sum(map(min, p, q)) / sum(map(max, p, q)))
    found = confusion(student, teacher, labels, mode="paper")
    assert found.pearson.mean == pytest.approx(_pearson(x, y), rel=1e-6)
    assert found.spearman.mean == pytest.approx(_pearson(_ranks(x), _ranks(y)), rel=1e-9)
    assert found.cosine_by_class == pytest.approx(cosine, rel=1e-5)
    assert found.soft_iou_by_class == pytest.approx(iou, rel=1e-5)
    assert found.cosine.mean == pytest.approx(sum(cosine) / 5, rel=1e-5)
    assert found.soft_iou_sd == pytest.approx(math.sqrt(sum((v - sum(iou) / 5) ** 2 for v in iou) / 5), rel=1e-5)
    assert found.counts.tolist() == hard
    assert found.provenance["fidelity"] == "paper"


def test_the_mended_form_divides_rows_and_leaves_classes_without_errors_out() -> None:
    counts = np.array([[10, 0, 0, 0], [3, 5, 1, 0], [2, 2, 6, 4], [0, 7, 1, 2]])
    student, _, labels = planted(counts)
    teacher = np.log(np.array([[0.7, 0.1, 0.1, 0.1], [0.2, 0.5, 0.2, 0.1], [0.1, 0.3, 0.4, 0.2], [0.1, 0.5, 0.1, 0.3]]))
    found = confusion(student, teacher[labels], labels)
    x = [2 / 5, 2 / 5, 1 / 5, 1 / 6, 3 / 6, 2 / 6, 1 / 7, 5 / 7, 1 / 7]
    y = [(c + 1 / 3) / (n + 1) for row, n in (((3, 1, 0), 4), ((2, 2, 4), 8), ((0, 7, 1), 8)) for c in row]
    assert found.pearson.mean == pytest.approx(_pearson(x, y), rel=1e-12)
    assert found.spearman.mean == pytest.approx(_pearson(_ranks(x), _ranks(y)), rel=1e-12)
    assert math.isnan(found.cosine_by_class[0])
    assert found.cosine.mean == pytest.approx(np.nanmean(found.cosine_by_class))
    assert any("1 classes are never mistaken" in warning for warning in found.warnings)


def test_classes_without_samples_are_left_out_and_said() -> None:
    student, teacher, labels = planted(COUNTS)
    wider = [np.pad(logits, ((0, 0), (0, 1)), constant_values=-30.0) for logits in (student, teacher)]
    for mode in ("corrected", "paper"):
        found = confusion(*wider, labels, mode=mode)
        assert found.pearson.mean > 0.9
        assert math.isnan(found.cosine_by_class[4])
        assert any("1 classes have no samples" in warning for warning in found.warnings)


def test_shuffled_errors_are_the_null_and_structure_lies_above_it() -> None:
    generator = np.random.default_rng(0)
    alike = generator.dirichlet(np.full(9, 0.3), size=10)
    chances = np.zeros((10, 10))
    chances[~np.eye(10, dtype=bool)] = 0.5 * alike.ravel()
    chances[np.diag_indices(10)] = 0.5
    labels = np.repeat(np.arange(10), 60)
    chosen = np.array([generator.choice(10, p=chances[y]) for y in labels])
    teacher = np.log(chances[labels] + 1e-3)
    found = confusion(np.eye(10)[chosen], teacher, labels)
    assert found.pearson.low > found.null["pearson"].high
    assert found.disjoint["pearson"] > found.null["pearson"].high
    assert found.p["pearson"] == pytest.approx(1 / 61)
    assert found.pearson.low < found.pearson.mean < found.pearson.high
    assert 0.8 < found.ceiling["pearson"] <= 1
    unlike = confusion(np.eye(10)[(labels + generator.integers(1, 10, 600)) % 10], teacher, labels)
    assert unlike.null["pearson"].low < unlike.pearson.mean < unlike.null["pearson"].high
    assert abs(unlike.null["pearson"].mean) < 0.1


def test_odd_samples_in_both_tables_are_told_from_classes_that_are_alike() -> None:
    student, teacher, labels = examples.outputs(
        samples=600
    )  # errors follow the teacher sample by sample, classes do not
    found = confusion(student, teacher, labels)
    assert found.pearson.mean > found.null["pearson"].high
    assert abs(found.disjoint["pearson"]) < 0.15


def test_two_teachers_are_compared_if_a_second_is_given() -> None:
    student, teacher, labels = planted(COUNTS)
    assert confusion(student, teacher, labels).teachers == {}
    found = confusion(student, teacher, labels, second_teacher=teacher + 5)  # logits may be shifted
    assert found.teachers["pearson"] == pytest.approx(1)
    assert found.teachers["soft_iou"] == pytest.approx(1)


def test_the_seed_fixes_every_number_and_both_forms_are_reported() -> None:
    drawn = examples.outputs(classes=4, samples=80)
    first, again, released = confusion(*drawn), confusion(*drawn), confusion(*drawn, mode="paper")
    assert (first.pearson, first.null, first.repeatability) == (again.pearson, again.null, again.repeatability)
    assert first.other["cosine"] == released.cosine.mean
    assert released.other["pearson"] == first.pearson.mean


@pytest.mark.parametrize("mode", ["corrected", "paper"])
def test_the_ceiling_of_every_number_is_what_equal_structures_show_on_as_many_errors(mode: str) -> None:
    luck, classes, n = np.random.default_rng(0), 6, 600
    labels = np.arange(n) % classes
    wrong = luck.dirichlet(np.full(classes - 1, 0.6), classes)
    soft = np.zeros((classes, classes))
    soft[~np.eye(classes, dtype=bool)] = (0.3 * wrong).ravel()
    soft += 0.7 * np.eye(classes)
    seen, most = [], []
    for _ in range(12):  # students that err exactly as the teacher's soft labels say
        picked = np.array([luck.choice(classes, p=soft[label]) for label in labels])
        found = confusion(np.eye(classes)[picked], np.log(soft[labels] + 1e-12), labels, mode=mode)
        seen.append([getattr(found, name).mean for name in NAMES])
        most.append([found.ceiling[name] for name in NAMES])
    np.testing.assert_allclose(np.mean(seen, axis=0), np.mean(most, axis=0), atol=0.05)
    assert np.mean(most, axis=0)[NAMES.index("soft_iou")] < 0.9  # equal structures are far from 1 on so few errors


@pytest.mark.parametrize(
    ("student", "teacher", "labels", "message"),
    [
        (np.zeros((4, 3)), np.zeros((4, 2)), [0] * 4, "differ in shape"),
        (np.zeros((4, 2)), np.zeros((4, 2)), [0, 1, 0, 1], "three are needed"),
        (np.zeros((4, 3)), np.zeros((4, 3)), [0, 1, 2, 3], "from 0 to 2"),
        (np.zeros((2, 3)), np.full((2, 3), np.nan), [0, 1], "NaN"),
    ],
)
def test_bad_input_is_one_clear_error(student: object, teacher: object, labels: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        confusion(student, teacher, labels)


def test_a_run_brings_its_outputs_and_a_control_borrows_a_teacher() -> None:
    run = examples.run(classes=4, names=tuple("abcd"))
    assert confusion_of(run).class_names == tuple("abcd")
    control = replace(run, predictions={"student": run.predictions["student"]})
    with pytest.raises(KeyError, match="no outputs of 'teacher'"):
        confusion_of(control)
    assert confusion_of(control, run).pearson == confusion_of(run).pearson
    with pytest.raises(ValueError, match="their ids differ"):
        confusion_of(control, examples.run(classes=4, test_ids=run.test_ids[::-1]))
    with pytest.raises(ValueError, match="as in a classification"):
        confusion_of(examples.run(setting={"task": "regression"}))


def test_a_second_run_brings_a_second_teacher() -> None:
    run, second = examples.run(classes=4), examples.run(classes=4, seed=3)
    found = confusion_of(run, second=replace(second, test_labels=run.test_labels))
    soft = []
    for each in (run, second):
        chances = np.exp(each.predictions["teacher"].astype(float))
        chances /= chances.sum(axis=1, keepdims=True)
        table = np.array([chances[run.test_labels == j].mean(axis=0) for j in range(4)])
        soft.append([table[j, k] / (1 - table[j, j]) for j in range(4) for k in range(4) if j != k])
    assert found.teachers["pearson"] == pytest.approx(_pearson(*soft), rel=1e-6)
    assert f"correlate at {found.teachers['pearson']:.3g} with each other" in found.explain()
    with pytest.raises(ValueError, match="their ids differ"):
        confusion_of(run, second=examples.run(classes=4, test_ids=run.test_ids[::-1]))
    with pytest.raises(ValueError, match="have other classes"):
        confusion_of(run, second=examples.run(classes=4, test_labels=(run.test_labels + 1) % 4))
    with pytest.raises(KeyError, match="no outputs of 'teacher'"):
        confusion_of(run, second=examples.run(classes=4, predictions={"student": run.predictions["student"]}))


def test_a_row_holds_everything_a_number_is_compared_with() -> None:
    student, teacher, labels = examples.outputs(classes=4, samples=120)
    found, released = (
        confusion(student, teacher, labels, second_teacher=teacher, mode=m) for m in ("corrected", "paper")
    )
    rows = {row["quantity"]: row for row in found.rows()}
    assert list(rows) == list(NAMES)
    for name in NAMES:
        assert rows[name]["value"] == getattr(found, name).mean
        assert rows[name]["paper form"] == getattr(released, name).mean
        assert rows[name]["shuffled high"] == found.null[name].high
        assert rows[name]["two teachers"] == pytest.approx(1)
    assert rows["pearson"]["ceiling"] == pytest.approx(found.ceiling["pearson"], nan_ok=True)
    assert rows["cosine"]["sd over classes"] == found.cosine_sd
    assert 0 < rows["cosine"]["ceiling"] <= 1
    assert math.isnan(confusion(student, teacher, labels).rows()[0]["two teachers"])


def _pearson(x: list[float], y: list[float]) -> float:
    a, b = sum(x) / len(x), sum(y) / len(y)
    top = sum((p - a) * (q - b) for p, q in zip(x, y, strict=True))
    return top / math.sqrt(sum((p - a) ** 2 for p in x) * sum((q - b) ** 2 for q in y))


def _ranks(values: list[float]) -> list[float]:
    return [sum(w < v for w in values) + (values.count(v) + 1) / 2 for v in values]
