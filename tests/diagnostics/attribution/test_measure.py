"""The comparison of maps against literal loops, and runs from their models to their maps."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests import examples
from tests.diagnostics.attribution import attribution_scene as scene
from workbench.data.transfer import TransferSet
from workbench.diagnostics.attribution.measure import attribution, attribution_of
from workbench.diagnostics.attribution.measure_maps import PORTION, Maps, collected, form_of
from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.attribution.measure_scores import Scored, asked
from workbench.diagnostics.attribution.measure_source import Source
from workbench.drawing.draw import draw
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.reports.diagnose import diagnostics

N = 40


@pytest.fixture
def maps() -> Maps:
    """A teacher, a student that follows it closely and a control that does so loosely."""
    generator = np.random.default_rng(0)
    teacher = generator.normal(size=(N, 6, 6))
    noise = {"teacher": 0.0, "student": 0.3, "control": 2.0}
    made = {name: teacher + spread * generator.normal(size=teacher.shape) for name, spread in noise.items()}
    numbers = {name: generator.normal(size=N) for name in made}
    divergence = {name: np.abs(generator.normal(size=(N, 2, 2))) for name in made}
    return Maps(
        maps=made,
        values=numbers,
        references=numbers,
        gaps={name: np.zeros(N) for name in made},
        steps={name: np.full(N, 32) for name in made},
        divergence=divergence,
        part_maps=np.zeros((N, 0)),
        inputs=generator.random((N, 1, 6, 6)),
        teacher_logits=generator.normal(size=(N, 3)),
        labels=np.arange(N) % 3,
        ids=100 + np.arange(N),
        asked_for=N,
    )


def test_the_gain_is_the_mean_paired_difference_of_likeness(maps: Maps) -> None:
    found = attribution(maps, Plan(), look="image")
    gains = []
    for t, s, c in zip(
        *(maps.maps[name].reshape(N, -1).tolist() for name in ("teacher", "student", "control")), strict=True
    ):
        likeness = [
            sum(a * b for a, b in zip(each, t, strict=True)) / math.hypot(*each) / math.hypot(*t) for each in (s, c)
        ]
        gains.append(likeness[0] - likeness[1])
    assert found.gain.mean == pytest.approx(sum(gains) / N)
    assert found.gain.low > 0.3
    assert found.gain.low < found.gain.mean < found.gain.high
    assert found.gain.n == N
    assert set(found.numbers) == {"cosine", "spearman", "iou", "ssim"}
    paired = found.gain.high - found.gain.low
    assert paired < sum(
        found.numbers["cosine"][who].high - found.numbers["cosine"][who].low for who in ("student", "control")
    )


def test_the_same_maps_are_wholly_alike_and_gain_nothing(maps: Maps) -> None:
    same = replace(maps, maps=dict.fromkeys(maps.maps, maps.maps["teacher"]))
    found = attribution(same, Plan())
    assert found.numbers["cosine"]["student"].mean == pytest.approx(1)
    assert (found.gain.mean, found.gain.low, found.gain.high) == (0, 0, 0)


def test_class_pairs_are_counted_by_label_and_first_other_class(maps: Maps) -> None:
    found = attribution(maps, Plan(), class_names=("a", "b", "c"))
    expected: dict[tuple[int, int], list[int]] = {}
    for row, (logits, label) in enumerate(zip(maps.teacher_logits.tolist(), maps.labels.tolist(), strict=True)):
        others = [k for k in range(3) if k != label]
        other = max(others, key=lambda k: logits[k])
        expected.setdefault((label, other), []).append(row)
    assert {(p["label"], p["other"]): p["n"] for p in found.pairs} == {k: len(v) for k, v in expected.items()}
    assert [p["n"] for p in found.pairs] == sorted((p["n"] for p in found.pairs), reverse=True)
    first = found.pairs[0]
    rows = expected[first["label"], first["other"]]
    assert first["cosine"]["control"].mean == pytest.approx(found.similarity[0, 1, rows].mean())
    assert first["rest"] == pytest.approx(maps.divergence["student"][rows, 1, 1].mean())
    assert found.of_pair(first["label"], first["other"]).ids.tolist() == [100 + row for row in rows]
    assert "a" in found.of_pair(0, 1).name


def test_warnings_say_what_weakens_the_numbers(maps: Maps) -> None:
    assert attribution(maps, Plan()).warnings == ()
    weak = replace(
        maps,
        maps={
            name: np.where(np.arange(N)[:, None, None] < 2, 0, each)
            for name, each in maps.maps.items()
            if name != "control"
        },
        gaps={"student": np.where(np.arange(N) < 3, 0.05, 0.0), "teacher": np.zeros(N)},
        divergence={name: 1e-5 * each for name, each in maps.divergence.items()},
        asked_for=64,
    )
    found = attribution(weak, Plan(attributor="saliency"), notes=("the control has seed 1 and the run 0",))
    text = " | ".join(found.warnings)
    for words in (
        "the control has seed 1",
        "stopped early: 40 of 64",
        "no control was given",
        "3 of the student's maps miss the score by more than 1 %",
        "saliency compares with noise",
        "flat and their gradients vanish: use the score dark_logit",
        "2 samples have a map that is zero everywhere",
    ):
        assert words in text
    assert found.numbers["cosine"]["student"].n == N - 2
    assert "Without a control" in found.explain()


def test_maps_that_are_not_there_are_named(maps: Maps) -> None:
    with pytest.raises(KeyError, match="no maps of the teacher; there are those of student"):
        attribution(replace(maps, maps={"student": maps.maps["student"]}), Plan())
    with pytest.raises(ValueError, match="2 class names for 3 classes"):
        attribution(maps, Plan(), class_names=("a", "b"))


def test_a_run_is_explained_beside_its_control() -> None:
    setting = scene.setting()
    found = attribution_of(scene.run(), setting, control=scene.run("labels_only"), samples=20, steps=8, temperature=2.0)
    assert found.parties == ("teacher", "student", "control")
    assert found.maps.shape == (3, 20, 8, 8)
    assert found.class_names == setting.class_names
    assert set(found.ids) <= set(setting.test.ids.tolist())
    rows = torch.tensor([setting.test.ids.tolist().index(id) for id in found.ids])
    inputs = setting.test.batch(rows).student_inputs
    with torch.no_grad():
        known = asked(setting.teacher(inputs), setting.test.labels[rows])
        expected = Scored(scene.run().revive(setting).student, "nckd_match", 2.0)(inputs, *known)
    assert np.allclose(found.values[1], expected.numpy(), atol=1e-6)
    assert np.allclose(found.maps[1].sum((1, 2)), found.values[1] - found.references[1], atol=1e-3)
    assert np.allclose(found.values[0], 0, atol=1e-6)  # the teacher matches itself
    assert found.row_of(int(found.ids[3])) == 3
    with pytest.raises(KeyError, match="sample -1 was not explained; 20 were"):
        found.row_of(-1)


def test_samples_are_found_by_id_in_their_order() -> None:
    ids = scene.setting().test.ids[[7, 2, 11]].numpy()
    found = attribution_of(scene.run(), scene.setting(), samples=Selection(ids), steps=4)
    assert found.ids.tolist() == ids.tolist()
    assert np.array_equal(found.inputs, scene.setting().test.inputs[[7, 2, 11]].numpy())
    with pytest.raises(KeyError, match="no test sample 99999; it has 60"):
        attribution_of(scene.run(), scene.setting(), samples=[99999])
    with pytest.raises(ValueError, match="no samples are chosen"):
        attribution_of(scene.run(), scene.setting(), samples=[])


def test_the_maps_of_both_parts_add_up_to_the_students() -> None:
    found = attribution_of(scene.run(), scene.setting(), samples=6, score="kd_match", temperature=2.0, steps=16)
    assert found.part_maps.shape == (2, 6, 8, 8)
    assert np.allclose(found.part_maps.sum(0), found.maps[1], atol=1e-6)
    whole = found.divergence[1].sum(1)  # T^2 KL at the baselines and at the inputs
    assert np.allclose(-whole[:, 1], found.values[1], atol=1e-5)
    assert np.allclose(-whole[:, 0], found.references[1], atol=1e-5)
    gained = found.divergence[1, :, :, 0] - found.divergence[1, :, :, 1]
    assert np.allclose(found.part_maps.sum((2, 3)), gained.T, atol=0.02 * np.abs(gained).max())


@pytest.mark.parametrize(("look", "shape"), [("series", (16,)), ("table", (6,))])
def test_series_and_tables_are_explained_too(look: str, shape: tuple[int, ...]) -> None:
    found = attribution_of(scene.run("kd", look), scene.setting(look), samples=5, steps=8)
    assert found.maps.shape == (2, 5, *shape)
    assert found.plan["baseline"] == ("blur" if look == "series" else "mean")
    assert "ssim" not in found.measures
    assert np.isfinite(found.maps).all()


def test_spectrograms_are_explained_like_images() -> None:
    found = attribution_of(scene.run("kd", "spectrogram"), scene.setting("spectrogram"), samples=5, steps=8)
    assert scene.setting("spectrogram").look == "series"
    assert found.maps.shape == (2, 5, 8, 6)
    assert found.plan["baseline"] == "blur"
    assert "ssim" in found.measures
    assert np.allclose(found.maps[1].sum((1, 2)), found.values[1] - found.references[1], atol=1e-2)
    assert len(draw(found, ids=[int(found.ids[0])]).data) == 3  # the sample and two maps on a sheet


def test_stopping_keeps_what_is_done() -> None:
    told: list[float] = []

    def stop(share: float, words: str) -> None:
        told.append(share)
        assert "samples explained" in words
        raise StopIteration

    found = attribution_of(scene.run(), scene.setting(), samples=40, steps=4, tell=stop)
    assert (found.n, told) == (PORTION, [PORTION / 40])
    assert f"stopped early: {PORTION} of 40 samples are explained" in found.warnings
    full = attribution_of(scene.run(), scene.setting(), samples=40, steps=4)
    assert np.allclose(full.maps[:, :PORTION], found.maps)


def test_an_interrupt_before_anything_is_done_ends_it() -> None:
    class Interrupting(torch.nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            raise KeyboardInterrupt

    source = Source.of(scene.run(), scene.setting())
    models = {"teacher": Interrupting(), "student": source.models["student"]}
    with pytest.raises(KeyboardInterrupt):
        collected(models, scene.setting().test, source.pool, Plan(), "image")


def test_what_cannot_be_explained_says_what_can() -> None:
    setting = scene.setting()
    with pytest.raises(TypeError, match="no choice 'scores'; it has score"):
        attribution_of(scene.run(), setting, scores="pair")
    with pytest.raises(ValueError, match="must be two classes from 0 to 3"):
        attribution_of(scene.run(), setting, score="pair", pair=(0, 9))
    with pytest.raises(ValueError, match="was not made by distill or a store"):
        attribution_of(examples.run())
    other = replace(scene.run("labels_only"), seed=3)
    assert any(
        "the control has seed 3" in w for w in attribution_of(scene.run(), setting, control=other, samples=2).warnings
    )


def test_the_temperature_is_the_runs_own_unless_another_is_given() -> None:
    assert attribution_of(scene.run(), scene.setting(), samples=2, steps=2).plan["temperature"] == 4.0
    assert attribution_of(scene.run("labels_only"), scene.setting(), samples=2, steps=2).plan["temperature"] == 1.0


def test_texts_pairs_of_inputs_and_other_tasks_are_refused_in_words() -> None:
    inputs = torch.rand(4, 1, 6, 6)
    assert form_of(TransferSet(inputs), "image") == "image"
    bytes_first = TransferSet((255 * inputs).to(torch.uint8), transform=lambda images: images / 255)
    assert form_of(bytes_first, "image") == "image"
    assert form_of(TransferSet(inputs), "series") == "image"  # a spectrogram
    assert form_of(TransferSet(inputs[:, 0, 0]), "series") == "series"
    assert form_of(TransferSet(inputs[:, 0, 0]), "points") == "table"
    for texts in (TransferSet(torch.ones(4, 6, dtype=torch.int64)), TransferSet({"input_ids": torch.ones(4, 6)})):
        with pytest.raises(
            ValueError, match=r"spectrograms, .* tables are\. .*layer_integrated_gradients at the embedding"
        ):
            form_of(texts, "text")
    with pytest.raises(ValueError, match="see different inputs here"):
        form_of(TransferSet(inputs, teacher_inputs=2 * inputs), "image")


def test_a_score_that_is_always_zero_is_refused() -> None:
    setting = scene.setting()
    source = replace(
        Source.of(scene.run(), setting), setting=SimpleNamespace(test=setting.test, look="image", classes=2)
    )
    with pytest.raises(ValueError, match="nckd_match is always 0; kd_match, tckd_match and pair"):
        source.plan({"score": "nckd_match"})
    assert source.plan({}).score == "kd_match"
    assert Source.of(scene.run(), setting).plan({}).score == "nckd_match"


def test_diagnosing_a_run_asks_for_it_too() -> None:
    assert {"attribution", "faithfulness"} <= set(diagnostics(Run))
