"""Concepts planted into linear scores are found, orthogonal ones are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from captum.concept import TCAV, Classifier, Concept
from scipy.stats import kstest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from tests.diagnostics.attribution import attribution_scene as scene
from tests.diagnostics.interaction.planted import planted as tensors
from workbench.diagnostics.attribution.measure_attributors import out_of_place
from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.attribution.measure_scores import Case, Scored, asked
from workbench.diagnostics.concepts.measure import active_samples, concepts, concepts_of
from workbench.diagnostics.concepts.measure_numbers import (
    Counts,
    Sets,
    counter_sets,
    measured,
    normals,
    slopes_of,
    told_apart,
)
from workbench.diagnostics.interaction.measure import interaction
from workbench.models.convnet import ConvNet
from workbench.models.tracing import Tracer
from workbench.records.selection import Selection

PLANTED = Plan(score="dark_logit", baseline="mean")
SETS = 40


def planted(direction: int) -> np.ndarray:
    """(3, SETS) of a concept along one axis of the features, for a score that grows along the first axis only."""
    generator = np.random.default_rng(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    model[1].weight.data = torch.tensor([[0.0, 0, 0, 0], [1.0, 0, 0, 0]])  # label 0, the other class is 1
    random = generator.normal(size=(400, 4))
    shifted = generator.normal(size=(100, 4))
    shifted = np.concatenate([shifted, shifted * np.array([-1, 1, 1, 1])])  # no lean along the first axis
    shifted[:, direction] = np.abs(shifted[:, direction]) + 3
    every = np.concatenate([shifted, random])
    inputs = torch.tensor(generator.normal(size=(30, 4)), dtype=torch.float32)
    case = Case(inputs, asked(torch.zeros(30, 2), torch.zeros(30, dtype=torch.int64)), inputs[None])
    slopes = slopes_of(Scored(model, "dark_logit"), "1:input", case)
    return measured(every, slopes, counter_sets(np.arange(200), 600, SETS, generator))


@pytest.mark.parametrize(("samples", "features", "shift"), [(60, 8, 0.0), (20, 30, 0.5), (60, 8, 20.0)])
def test_planes_are_those_of_scikit_learns_logistic_regression(samples: int, features: int, shift: float) -> None:
    generator = np.random.default_rng(features)
    table = generator.normal(size=(3 * samples, features)) * generator.lognormal(size=features)
    table[:samples] += shift
    sets = counter_sets(np.arange(samples), len(table), 4, generator)
    for found, accuracy, *rows in zip(normals(table, sets), told_apart(table, sets), *sets, strict=True):
        points, inside = table[np.concatenate(rows)], np.repeat([1, 0], samples)
        scale, plane = StandardScaler(), LogisticRegression(tol=1e-10, max_iter=10_000)
        plane.fit(scale.fit_transform(points), inside)
        wanted = plane.coef_[0] / scale.scale_
        np.testing.assert_allclose(found, wanted / np.linalg.norm(wanted), atol=1e-5)
        out = np.arange(2 * samples) % 3 == 0
        both = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-10, max_iter=10_000))
        assert accuracy == both.fit(points[~out], inside[~out]).score(points[out], inside[out])


def of_random_concepts(generator: np.random.Generator, concept: np.ndarray, table: np.ndarray, slopes: np.ndarray):
    """One concept beside 99 random ones of its size, from features and gradients."""
    mixed = [generator.permutation(len(table))[: len(concept)] for _ in range(99)]
    own, *null = (measured(table, slopes, counter_sets(c, len(table), 10, generator)) for c in (concept, *mixed))
    counts = Counts(*own[:, None, None], *np.array(null).mean(axis=2).T[:, None, None])
    return held(counts)


@pytest.mark.slow
def test_p_values_of_random_concepts_are_uniform_and_a_planted_concept_is_found() -> None:
    generator = np.random.default_rng(0)
    table = generator.normal(size=(300, 8)) @ generator.normal(size=(8, 8))
    slopes = generator.normal(size=8) + 0.1 * generator.normal(size=(40, 8))  # nearly one gradient for all samples
    found = [of_random_concepts(generator, generator.permutation(300)[:25], table, slopes) for _ in range(40)]
    p_values = np.array([each.p_values[0, 0] for each in found])
    assert kstest(p_values, "uniform").pvalue > 0.01
    assert (p_values <= 0.05).sum() <= 6  # 2 expected; more than 6 of 40 have a chance below 1 %
    assert sum(each.moves[0, 0] for each in found) <= 2
    table[:25] += 3 * slopes.mean(axis=0)
    planted = of_random_concepts(generator, np.arange(25), table, slopes)
    assert planted.p_values[0, 0] == 0.01
    assert planted.moves[0, 0]
    assert "beyond random concepts for student (p 0.01)" in planted.explain()


def test_a_planted_concept_raises_the_score_for_every_sample() -> None:
    counts, magnitudes, accuracies = planted(0)
    assert (counts == 1).all()
    assert (magnitudes > 0.9).all()  # the score's gradient has length 1 and points along the concept
    assert (magnitudes <= 1 + 1e-6).all()
    assert accuracies.mean() > 0.95


def test_an_orthogonal_concept_says_nothing() -> None:
    counts, magnitudes, accuracies = planted(2)
    assert 0.25 < counts.mean() < 0.75
    assert set(counts) == {0.0, 1.0}  # one gradient for all samples
    assert np.abs(magnitudes).max() < 0.3
    assert accuracies.mean() > 0.95


def test_captum_finds_the_same_of_the_same_planes(tmp_path: Path) -> None:
    generator, every = np.random.default_rng(0), torch.randn(60, 1, 6, 6)
    model = ConvNet(1, (3, 4), 5).eval()
    case = Case(every[:20], asked(torch.randn(20, 5), torch.arange(20) % 5), every[None, :20])
    scored = Scored(model, "dark_contrast", 2.0)
    sets = Sets(*(np.stack([start + generator.permutation(30) for _ in range(3)]) for start in (0, 30)))
    with torch.no_grad():
        features = Tracer(model, ["layer2"])(every)["layer2"].flatten(1).numpy()

    class Given(Classifier):
        def __init__(self) -> None:
            self.row, self.known = torch.zeros(0), [0, 0]

        def train_and_eval(self, dataloader: Any, **_: Any) -> dict[str, float]:
            sets = [(rows.numpy(), int(label[0])) for rows, label in dataloader]
            count = len(sets[0][0])
            rows = np.concatenate([rows for rows, _ in sets]).astype(np.float64)
            (found,) = normals(rows, Sets(np.arange(count)[None], np.arange(count, 2 * count)[None]))
            self.row, self.known = torch.from_numpy(np.stack([found, -found])).float(), [label for _, label in sets]
            return {}

        def weights(self) -> Tensor:
            return self.row

        def classes(self) -> list[int]:
            return self.known

    class Column(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scored = out_of_place(scored)

        def forward(self, inputs: Tensor, *known: Tensor) -> Tensor:
            return self.scored(inputs, *known)[:, None] if known else self.scored.model(inputs)

    made = [
        Concept(k, "set", [every[torch.from_numpy(rows)]])
        for k, rows in enumerate(row for p in zip(*sets, strict=True) for row in p)
    ]
    tool = TCAV(Column(), ["scored.model.layer2"], classifier=Given(), save_path=str(tmp_path))
    told = tool.interpret(case.inputs, [*zip(made[::2], made[1::2], strict=True)], 0, tuple(case.asked))
    rows = [told[f"{2 * k}-{2 * k + 1}"]["scored.model.layer2"] for k in range(3)]
    literal = [[float(row[what][0]) for row in rows] for what in ("sign_count", "magnitude")]
    found = measured(features.astype(np.float64), slopes_of(scored, "layer2", case), sets)
    np.testing.assert_allclose(found[:2], literal, rtol=1e-4)


def counts_of(*shares: float, accuracy: float = 0.9) -> Counts:
    """One party, a concept for each share with ten counter-sets around it, and 99 random concepts around 0.5."""
    spread = np.linspace(-0.04, 0.04, 10)
    signs = np.array([[np.clip(share + spread, 0, 1) for share in shares]])
    null = np.broadcast_to(np.linspace(0.3, 0.7, 99), (1, len(shares), 99))
    return Counts(signs, signs - 0.5, np.full(signs.shape, accuracy), null, null - 0.5, np.full(null.shape, 0.6))


def held(counts: Counts, **changes: object):
    names = {f"concept {k}": 50 for k in range(counts.sign_counts.shape[1])}
    return concepts(counts, **{"names": names, "layers": {"student": "1:input"}, "plan": PLANTED, "n": 30} | changes)


def test_p_values_count_the_random_concepts_that_are_as_far_from_zero() -> None:
    counts = counts_of(0.95, 0.05, 0.52)
    found = held(counts)
    for k in range(3):
        size, random = abs(counts.magnitudes[0, k].mean()), np.abs(counts.null_magnitudes[0, k])
        assert found.p_values[0, k] == (1 + sum(each >= size - 1e-12 for each in random)) / 100
    assert found.p_adjusted[0, :2].tolist() == [0.01, 0.01]
    assert (found.p_adjusted >= found.p_values).all()
    text = found.explain()
    assert text.count("beyond random concepts for student") == 2
    assert text.count("as random concepts do") == 1


def test_the_adjusted_p_value_counts_draws_whose_largest_is_as_far() -> None:
    luck = np.random.default_rng(0)
    random, seen = luck.normal(size=(2, 3, 99)), luck.normal(size=(2, 3)) + 1.5
    few = Counts(*(np.repeat(seen[..., None], 10, axis=2) for _ in range(3)), random, random, random)
    found = held(few, names=dict.fromkeys("abc", 50), layers={"teacher": "a", "student": "b"})
    scale = {(p, k): np.sqrt(np.mean([v**2 for v in (seen[p, k], *random[p, k])])) for p in range(2) for k in range(3)}
    largest = [max(abs(random[p, k, b]) / scale[p, k] for p, k in scale) for b in range(99)]
    for (p, k), size in scale.items():
        assert found.p_adjusted[p, k] == (1 + sum(each >= abs(seen[p, k]) / size for each in largest)) / 100


def test_a_concept_that_is_told_apart_no_better_than_random_samples_moves_nothing() -> None:
    found = held(counts_of(0.95, accuracy=0.6))
    assert found.p_adjusted.tolist() == [[0.01]]
    assert not found.moves.any()
    assert "as random concepts do" in found.explain()
    assert any("concept 0 no better than random samples: no claim" in warning for warning in found.warnings)


def test_magnitudes_that_are_all_zero_show_nothing() -> None:
    flat = Counts(*(np.zeros_like(each) for each in counts_of(0.5)))
    assert held(flat).p_values.tolist() == [[1.0]]


def test_vague_and_small_concepts_and_flat_scores_are_warned_of() -> None:
    vague = counts_of(0.9, accuracy=0.5)
    found = held(vague, names={"stripes": 4}, plan=Plan(score="kd_match", baseline="mean"))
    text = " | ".join(found.warnings)
    assert "'stripes' has only 4 samples" in text
    assert "the student separate stripes no better than random" in text
    assert "use dark_logit" in text
    assert held(counts_of(0.9)).warnings == ()


def test_shapes_and_numbers_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match="three times each"):
        held(counts_of(0.9)._replace(null=np.zeros((2, 10))))
    few = Counts(*(each[..., :5] for each in counts_of(0.9)))
    with pytest.raises(ValueError, match="5 counter-sets; 10 or more"):
        held(few)


@pytest.mark.slow
def test_a_run_is_asked_about_saved_selections() -> None:
    run, setting = scene.run(), scene.setting()
    chosen = [Selection(run.test_ids[run.test_labels == k], name) for k, name in enumerate(setting.class_names[:2])]
    found = concepts_of(run, chosen, setting, control=scene.run("labels_only"), samples=20)
    assert found.names == ("north west", "north east")
    assert found.parties == ("teacher", "student", "control")
    assert found.sign_counts.shape == (3, 2, 10)
    assert found.null.shape == (3, 2, 99)
    assert found.plan["score"] == "dark_logit"
    assert found.layers["student"] == "classifier:input"
    again = concepts_of(run, chosen, setting, control=scene.run("labels_only"), samples=20)
    assert np.array_equal(again.sign_counts, found.sign_counts)
    student = run.revive(setting).student
    assert not any(part._forward_hooks or part._backward_hooks for part in student.modules())


def test_selections_that_are_no_concepts_are_refused() -> None:
    run, setting = scene.run(), scene.setting()
    some, ids = Selection(run.test_ids[:8], "some"), run.test_ids
    with pytest.raises(ValueError, match="3 counter-sets; 10 or more"):
        concepts_of(run, [some], setting, counter_sets=3)
    with pytest.raises(ValueError, match="names of their own"):
        concepts_of(run, [some, some], setting)
    with pytest.raises(ValueError, match="'all' has 60 of 60 samples"):
        concepts_of(run, [Selection(ids, "all")], setting)
    with pytest.raises(KeyError, match="no test sample 99999"):
        concepts_of(run, [Selection(np.array([99999, 1]), "none")], setting)


def test_the_samples_on_which_a_feature_is_active_are_a_concept() -> None:
    found = interaction(tensors(samples=300), {"first": ["m0", "m1"], "second": ["m2", "m3"]})
    for feature in (0, found.features - 1):
        for model in (None, "m0"):
            expected = set()
            for pair, (place, of) in enumerate(zip(found.omega.model, found.omega.feature, strict=True)):
                if of == feature and model in (None, found.models[place]):
                    expected |= {int(id) for id, on in zip(found.ids, found.omega.active[pair], strict=True) if on}
            assert set(active_samples(found, feature, model).ids.tolist()) == expected
    assert len(active_samples(found, 0)) > 0
    assert "feature 0" in active_samples(found, 0).name
    with pytest.raises(KeyError, match="no feature 99"):
        active_samples(found, 99)
    with pytest.raises(KeyError, match="no model 'm9'"):
        active_samples(found, 0, "m9")
