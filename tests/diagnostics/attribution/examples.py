"""Examples of attributions and of how faithful they are, of images, series, tables and points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.examples import HOSTILE
from workbench.diagnostics.attribution.measure import Attribution, attribution
from workbench.diagnostics.attribution.measure_maps import Maps
from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.faithfulness.measure import Faithfulness, faithfulness

CLASSES = 3


def maps(shape: tuple[int, ...] = (6, 6), samples: int = 9, *, control: bool = True, split: bool = False) -> Maps:
    """A student that follows its teacher, and a control that does less."""
    generator = np.random.default_rng(0)
    teacher = generator.normal(size=(samples, *shape))
    noise = {"teacher": 0.0, "student": 0.4} | ({"control": 2.0} if control else {})
    made = {name: teacher + spread * generator.normal(size=teacher.shape) for name, spread in noise.items()}
    halves = np.stack([0.3 * made["student"], 0.7 * made["student"]], 1)
    return Maps(
        maps=made,
        values={name: generator.normal(size=samples) for name in made},
        references={name: generator.normal(size=samples) for name in made},
        gaps={name: np.full(samples, 0.001) for name in made},
        steps={name: np.full(samples, 32) for name in made},
        divergence={name: np.abs(generator.normal(size=(samples, 2, 2))) for name in made},
        part_maps=halves if split else np.zeros((samples, 0)),
        inputs=generator.random((samples, 1, *shape) if len(shape) > 1 else (samples, *shape)),
        teacher_logits=generator.normal(size=(samples, CLASSES)),
        labels=np.arange(samples) % CLASSES,
        ids=100 + np.arange(samples),
        asked_for=samples,
    )


def image(**options: bool) -> Attribution:
    names = ("circle", "square", "triangle")
    plan = Plan(score="kd_match") if options.get("split") else Plan()
    return attribution(maps(**options), plan, class_names=names, look="image")


def flat(look: str, width: int, columns: tuple[str, ...] = ()) -> Attribution:
    return attribution(maps((width,), 7), Plan(baseline="mean"), look=look, columns=columns)


def trusted(samples: int = 5, layers: tuple[str, ...] = ("classifier", "layer1.0")) -> Faithfulness:
    generator = np.random.default_rng(0)
    shares = np.linspace(0, 1, 11)
    falling = (1 - shares)[:, None] * (1 + generator.random(samples))
    curves = np.stack([falling**2, falling[::-1] ** 0.5, falling, falling[::-1]])
    return faithfulness(
        curves,
        shares,
        infidelity=generator.random((samples, 2)) + 0.1,
        sensitivity=generator.random(samples),
        dependence={name: generator.normal(0.2, 0.1, samples) for name in layers},
        ids=np.arange(samples),
        plan=Plan(),
    )


def results() -> list[Attribution | Faithfulness]:
    return [image(), trusted()]


def incomplete() -> list[Attribution | Faithfulness]:
    still = trusted(samples=1, layers=())
    blank = maps(samples=3)
    blank.maps["student"][:] = 0
    return [
        image(control=False, split=True),
        attribution(blank, Plan(), look="image"),
        flat("series", 20),
        flat("table", 15, tuple(f"column {k}" for k in range(15))),
        flat("points", 2),
        still,
        replace(still, low_curves=np.full((4, 11), np.nan), high_curves=np.full((4, 11), np.nan)),
    ]


def hostile() -> list[Attribution | Faithfulness]:
    names = (HOSTILE, "b", "c")
    return [
        attribution(maps(), Plan(), class_names=names, look="image"),
        flat("table", 4, (HOSTILE, "a", "b", "c")),
        trusted(layers=(HOSTILE,)),
    ]
