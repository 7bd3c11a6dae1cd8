"""Layers compared: planted similarities are found, unrelated samples refused, and a stream agrees with the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.contracts.probes.world import run, setting
from tests.diagnostics.representation.examples import made
from workbench.diagnostics.representation.measure import Representation, representation, representation_of
from workbench.diagnostics.representation.measure_stream import RepresentationStream
from workbench.methods.catalog import make
from workbench.records.budget import Budget


@pytest.fixture(scope="module")
def result() -> Representation:
    return made(samples=80)


def test_layers_that_were_made_from_each_other_are_paired(result: Representation) -> None:
    assert [(hint["student"], hint["teacher"]) for hint in sorted(result.hints, key=lambda hint: hint["student"])] == [
        (f"layer{k}", f"layer{k}") for k in (1, 2, 3)
    ]
    assert [hint["cka"] for hint in result.hints] == sorted((hint["cka"] for hint in result.hints), reverse=True)
    cka, own = result.of("cka"), np.eye(3, dtype=bool)
    assert cka[own].min() > 0.3
    assert np.abs(cka[~own]).max() < 0.15
    assert (result.p_values[own] == 1 / 200).all()
    assert (result.p_adjusted[own] == 1 / 200).all()  # no permutation of any pair comes near
    assert (result.low[own] > 0.1).all()
    assert (result.low <= cka).all()
    assert (result.of("cka", control=True)[own] < cka[own] - 0.2).all()


def test_the_p_value_of_unrelated_layers_is_uniform() -> None:
    generator = np.random.default_rng(0)
    left = {str(k): generator.normal(size=(24, 3)) for k in range(12)}
    right = {str(k): generator.normal(size=(24, 3)) for k in range(12)}
    found = representation(left, right).p_values.ravel()
    assert 0.4 < found.mean() < 0.6
    assert 0.02 < (found <= 0.1).mean() < 0.2


def test_of_many_unrelated_pairs_none_stands_out_more_often_than_it_should() -> None:
    """Of 60 tables of 16 unrelated pairs, the smallest p is often below 0.05; after all pairs are counted, in 5 %."""
    generator, best, adjusted = np.random.default_rng(3), [], []
    for seed in range(60):
        left, right = ({f"{k}": generator.normal(size=(14, 3)) for k in range(4)} for _ in range(2))
        found = representation(left, right, seed=seed)
        assert (found.p_adjusted >= found.p_values).all()
        assert found.hints[0]["p"] == found.p_adjusted.min()
        best.append(found.p_values.min())
        adjusted.append(found.p_adjusted.min())
    assert np.mean(np.array(best) < 0.05) > 0.3
    assert np.mean(np.array(adjusted) < 0.05) <= 0.15  # 9 of 60 has a chance of 0.1 % at 5 %


def test_one_pair_needs_no_adjustment() -> None:
    left, right = np.random.default_rng(5).normal(size=(2, 20, 4))
    found = representation({"a": left}, {"b": right})
    assert found.p_adjusted.tolist() == found.p_values.tolist()


def test_the_interval_covers_what_many_samples_give() -> None:
    generator = np.random.default_rng(0)
    maps = generator.normal(size=(8, 5)), generator.normal(size=(8, 5))

    def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
        common = generator.normal(size=(count, 8))
        return common @ maps[0], common @ maps[1]

    stream = RepresentationStream(("a",), ("b",))
    for _ in range(40):
        first, second = draw(500)
        stream.add({"a": first}, {"b": second}, (np.arange(500), np.arange(500)))
    truth, hits = stream.cka()[0, 0], 0
    for _ in range(30):
        first, second = draw(60)
        found = representation({"a": first}, {"b": second})
        hits += found.low[0, 0] <= truth <= found.high[0, 0]
    assert hits >= 24


def test_a_stream_in_one_batch_is_the_whole_and_in_many_close_to_it() -> None:
    generator = np.random.default_rng(0)
    common = generator.normal(size=(3000, 4))
    student = {"one": common + generator.normal(size=(3000, 4)), "two": generator.normal(size=(3000, 2, 3))}
    teacher, ids = {"deep": common @ generator.normal(size=(4, 7))}, np.arange(3000)

    def streamed(size: int, rows: int) -> np.ndarray:
        stream = RepresentationStream(tuple(student), tuple(teacher))
        for start in range(0, rows, size):
            part = slice(start, start + size)
            sides = ({name: f[part] for name, f in side.items()} for side in (student, teacher))
            stream.add(*sides, (ids[part], ids[part]))
        assert stream.n == rows
        return stream.cka()

    few = {name: f[:200] for name, f in student.items()}, {name: f[:200] for name, f in teacher.items()}
    np.testing.assert_allclose(streamed(200, 200), representation(*few).of("cka"))
    np.testing.assert_allclose(streamed(100, 3000), streamed(1000, 3000), atol=0.03)
    assert np.isnan(RepresentationStream(("a",), ("b",)).cka()).all()


def test_other_samples_or_another_order_are_refused() -> None:
    table = np.random.default_rng(0).normal(size=(10, 3))
    ids = np.arange(10)
    with pytest.raises(ValueError, match="first in row 0: 0 and 9"):
        representation({"a": table}, {"b": table}, ids=(ids, ids[::-1]))
    with pytest.raises(ValueError, match="order differ"):
        RepresentationStream(("a",), ("b",)).add({"a": table}, {"b": table}, (ids, ids[::-1]))
    with pytest.raises(ValueError, match="student a has 10, teacher b has 9"):
        representation({"a": table}, {"b": table[:9]})


@pytest.mark.parametrize(
    ("student", "teacher", "words"),
    [
        ({}, {"b": np.eye(9)}, "no layers of student"),
        ({"a": np.eye(9) * np.nan}, {"b": np.eye(9)}, "student 'a' hold NaN"),
        ({"a": np.eye(3)}, {"b": np.eye(3)}, "too few"),
        ({"a": np.ones((9, 2))}, {"b": np.eye(9)}, "same features"),
    ],
)
def test_bad_features_are_refused(student: dict, teacher: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        representation(student, teacher)


def test_a_control_needs_the_students_layers_and_a_measure_its_name(result: Representation) -> None:
    table = np.random.default_rng(0).normal(size=(10, 3))
    with pytest.raises(ValueError, match="control has layers"):
        representation({"a": table}, {"b": table}, {"c": table})
    with pytest.raises(KeyError, match="there are cka, cka_biased"):
        result.of("kca")


def test_what_weakens_the_numbers_is_said() -> None:
    wide = np.random.default_rng(0).normal(size=(30, 64))
    assert len(representation({"a": wide}, {"b": wide[:, ::-1]}).warnings) == 3


def test_a_run_and_its_control(tmp_path: Path) -> None:
    where, budget = setting(), Budget(epochs=3, batch_size=16, learning_rate=0.1)
    taught, alone = (run(where, make(name), budget, folder=tmp_path) for name in ("kd", "labels_only"))
    found = representation_of(taught, where, alone)
    assert (found.student_layers, found.teacher_layers) == (("layer1",), ("layer1",))
    assert found.n == 60
    assert found.has_control
    few = representation_of(taught, where, layers={"student": ["classifier"]}, samples=20, seed=1)
    assert (few.n, few.student_layers, few.has_control) == (20, ("classifier",), False)
    assert "student minus control: " in found.explain()
    assert "control" not in few.explain()


def test_the_difference_to_the_control_has_a_paired_interval() -> None:
    """Against a jackknife of the whole comparison, run anew without each group of samples."""
    import torch

    generator = np.random.default_rng(7)
    teacher = generator.normal(size=(40, 5))
    student, alone = teacher + generator.normal(size=(40, 5)), generator.normal(size=(40, 5))
    found = representation({"a": student}, {"b": teacher}, {"a": alone}, seed=3)
    values = []
    for group in torch.randperm(40, generator=torch.Generator().manual_seed(3)).tensor_split(10):
        kept = np.setdiff1d(np.arange(40), group.numpy())
        part = representation({"a": student[kept]}, {"b": teacher[kept]}, {"a": alone[kept]})
        values.append(part.table[0, 0, 0] - part.control[0, 0, 0])
    error = np.sqrt(9 / 10 * ((np.array(values) - np.mean(values)) ** 2).sum())
    assert found.difference[0, 0] == pytest.approx(found.table[0, 0, 0] - found.control[0, 0, 0])
    np.testing.assert_allclose(found.difference_low, found.difference - 2.262157 * error, rtol=1e-5)
    np.testing.assert_allclose(found.difference_high, found.difference + 2.262157 * error, rtol=1e-5)
    assert "student minus control: +" in found.explain()
    assert np.isnan(representation({"a": student}, {"b": teacher}).difference_low).all()
