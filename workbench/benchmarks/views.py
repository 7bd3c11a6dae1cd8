"""From a moved slider or brush to the figure a page would be sent, in the kernel and without a browser."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np

from workbench.benchmarks.measurement import Measurement, Size, repeated
from workbench.diagnostics.agreement.measure import agreement
from workbench.diagnostics.soft_labels.measure import soft_labels
from workbench.drawing.draw import draw
from workbench.records.selection import Selection
from workbench.widgets.gallery import Gallery
from workbench.widgets.plot_view import PlotView
from workbench.widgets.sample_map import SampleMap

CLASSES = 10


def redrawn(size: Size) -> list[Measurement]:
    """A temperature slider with its soft labels, and a brush with its gallery and agreement figure."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, CLASSES, size.samples)
    student, teacher = (generator.normal(size=(size.samples, CLASSES)) + 3 * np.eye(CLASSES)[labels] for _ in range(2))
    slide, brush = _slider(student, teacher, labels), _brush(student, teacher, labels, generator)
    found = {"slider": repeated(slide, size.repeats), "brush": repeated(brush, size.repeats)}
    about = (
        f"median of {size.repeats}, {size.samples:,} samples of {CLASSES} classes, in the kernel up to the JSON sent"
    )
    return [
        Measurement(
            name, statistics.median(found[name]), "s", 0.1, f"{about}: {what}", {"largest (s)": max(found[name])}
        )
        for name, what in (
            ("slider", "temperature -> soft labels of one sample -> figure"),
            ("brush", "half of the sample map -> gallery, agreement with its intervals -> figure"),
        )
    ]


def _slider(student: np.ndarray, teacher: np.ndarray, labels: np.ndarray) -> Callable[[], None]:
    view, temperatures = PlotView(), iter(np.linspace(1, 20, 1000))

    def slide() -> None:
        result = soft_labels(student[0], teacher[0], labels[0], temperature=float(next(temperatures)))
        view.show(draw(result))
        view.get_state("_figure")

    return slide


def _brush(
    student: np.ndarray, teacher: np.ndarray, labels: np.ndarray, generator: np.random.Generator
) -> Callable[[], None]:
    view = PlotView()
    images = generator.integers(0, 256, (len(labels), 28, 28), dtype=np.uint8)
    gallery = Gallery(images, student_logits=student, teacher_logits=teacher, labels=labels)
    samples = SampleMap(generator.normal(size=(len(labels), 2)), classes=labels)

    def show(selection: Selection) -> None:
        gallery.show(selection)
        view.show(draw(agreement(student[selection.ids], teacher[selection.ids], labels[selection.ids])))
        view.get_state("_figure")

    samples.on_selection(show)
    return lambda: samples.set_state({"mask": memoryview((generator.random(len(labels)) < 0.5).tobytes())})
