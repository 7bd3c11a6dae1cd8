"""Concepts planted into linear scores are found, orthogonal ones are not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from captum.concept import TCAV, Classifier, Concept
from torch import Tensor, nn

from tests.diagnostics.attribution import attribution_scene as scene
from tests.diagnostics.interaction.planted import planted as tensors
from workbench.diagnostics.attribution.attributors import out_of_place
from workbench.diagnostics.attribution.concepts import active_samples, concepts, concepts_of
from workbench.diagnostics.attribution.concepts_measures import Counts, normal, scores_of, told_apart
from workbench.diagnostics.attribution.plan import Plan
from workbench.diagnostics.attribution.scores import Case, Scored, asked
from workbench.diagnostics.interaction.interaction import interaction
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
    pairs = [(np.arange(200), 200 + generator.choice(400, 200, replace=False)) for _ in range(SETS)]
    signs, sizes = scores_of(Scored(model, "dark_logit"), "1:input", case, every, pairs)
    return np.array([signs, sizes, [told_apart(every, *pair) for pair in pairs]])


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
    pairs = [(generator.permutation(30), 30 + generator.permutation(30)) for _ in range(3)]
    with torch.no_grad():
        features = Tracer(model, ["layer2"])(every)["layer2"].flatten(1).numpy()

    class Given(Classifier):
        def __init__(self) -> None:
            self.row, self.known = torch.zeros(0), [0, 0]

        def train_and_eval(self, dataloader: Any, **_: Any) -> dict[str, float]:
            sets = [(rows.numpy(), int(label[0])) for rows, label in dataloader]
            count = len(sets[0][0])
            found = normal(np.concatenate([rows for rows, _ in sets]), np.arange(count), np.arange(count, 2 * count))
            self.row, self.known = torch.from_numpy(np.stack([found, -found])), [label for _, label in sets]
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
        Concept(k, "set", [every[torch.from_numpy(rows)]]) for k, rows in enumerate(row for p in pairs for row in p)
    ]
    tool = TCAV(Column(), ["scored.model.layer2"], classifier=Given(), save_path=str(tmp_path))
    told = tool.interpret(case.inputs, [*zip(made[::2], made[1::2], strict=True)], 0, tuple(case.asked))
    rows = [told[f"{2 * k}-{2 * k + 1}"]["scored.model.layer2"] for k in range(3)]
    literal = [[float(row[what][0]) for row in rows] for what in ("sign_count", "magnitude")]
    np.testing.assert_allclose(scores_of(scored, "layer2", case, features, pairs), literal, rtol=1e-4)


def counts_of(*shares: float, null: float = 0.5) -> Counts:
    """One party, a concept for each share, ten counter-sets around it."""
    spread = np.linspace(-0.04, 0.04, 10)
    signs = np.array([[np.clip(share + spread, 0, 1) for share in shares]])
    return Counts(signs, signs, np.full(signs.shape, 0.9), null + spread[None])


def held(counts: Counts, **changes: object):
    names = {f"concept {k}": 50 for k in range(counts.sign_counts.shape[1])}
    return concepts(counts, **{"names": names, "layers": {"student": "1:input"}, "plan": PLANTED, "n": 30} | changes)


def test_the_test_is_a_two_sided_rank_test_held_over_concepts() -> None:
    found = held(counts_of(0.95, 0.05, 0.5))
    z = (10 * 10 - 10 * 10 / 2 - 0.5) / math.sqrt(10 * 10 * 21 / 12)  # all ten above all ten others, half a step back
    assert found.p_values[0, :2] == pytest.approx(3 * math.erfc(z / math.sqrt(2)))
    assert found.p_values[0, 2] > 0.9
    text = found.explain()
    assert text.count("beyond random sets for student") == 2
    assert text.count("no more than random sets would") == 1


def test_counts_that_are_all_equal_show_nothing() -> None:
    same = counts_of(0.5)
    flat = Counts(*(np.full_like(each, 1.0) for each in same))
    assert held(flat).p_values.tolist() == [[1.0]]


def test_vague_and_small_concepts_and_flat_scores_are_warned_of() -> None:
    vague = counts_of(0.9)._replace(accuracies=np.full((1, 1, 10), 0.5))
    found = held(vague, names={"stripes": 4}, plan=Plan(score="kd_match", baseline="mean"))
    text = " | ".join(found.warnings)
    assert "'stripes' has only 4 samples" in text
    assert "the student do not separate stripes" in text
    assert "use dark_logit" in text
    assert held(counts_of(0.9)).warnings == ()


def test_shapes_and_numbers_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match="three times and"):
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
    assert found.null.shape == (3, 10)
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
