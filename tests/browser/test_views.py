"""PlotView, SampleMap and Gallery in JupyterLab, in a real browser."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from playwright.sync_api import Locator

from tests.browser.driver import Lab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EVALUATIONS = "performance.getEntriesByName('workbench-plotly-evaluated').length"
DRAWN = """() => [...document.querySelectorAll('.wb-plot')].map((view) => [
    view.getAttribute('aria-label'),
    (view.firstChild.calcdata ?? []).map((trace) => trace.length),
    [...view.querySelectorAll('.annotation-text')].map((text) => text.textContent)])"""
SAME = f"wanted => JSON.stringify(({DRAWN})()) === wanted"

PLOTS = [
    """
import threading
import numpy as np
import plotly.graph_objects as go
from workbench.widgets.plot_view import PlotView

steps = np.arange(20)
losses = PlotView(label="losses", height=260, figure=go.Figure(
    [go.Scatter(x=steps, y=np.exp(-steps / 9), name="soft_targets"),
     go.Scatter(x=steps, y=0.5 * np.exp(-steps / 5), name="labels")],
    dict(xaxis_title="step", yaxis_title="loss term")))
scores = PlotView(label="scores", height=220, figure=go.Figure(
    go.Scatter(x=steps, y=np.tanh(steps / 9), mode="markers", customdata=100 + steps, name="accuracy"),
    dict(dragmode="select", title="Accuracy of the student")))
confusion = PlotView(go.Figure(go.Heatmap(z=np.eye(10))), label="confusion", height=300)
losses""",
    "scores",
    "confusion",
    """
def grow():
    for step in range(20, 50):
        losses.extend({"soft_targets": {"x": [step], "y": [np.exp(-step / 9)]},
                       1: {"x": np.array([step]), "y": np.array([0.1])}})
    losses.mark(35, "temperature 4 -> 6 & <b>")
thread = threading.Thread(target=grow)
thread.start()
thread.join()""",
    "losses",
    "print(scores.selected)",
    "scores.show(go.Figure(go.Bar(x=['teacher', 'student', 'control'], y=[0.97, 0.95, 0.93])))",
    """
losses._revision += 1  # as if a change had gone out while the page was loading
losses.extend({0: {"x": [90], "y": [0.2]}}, max_points=40)""",
]

LINKED = [
    """
import numpy as np
from workbench.widgets.gallery import Gallery
from workbench.widgets.sample_map import SampleMap

random = np.random.default_rng(0)
centres = random.uniform(-3, 3, (10, 2))
classes = random.integers(0, 10, 50_000)
points = centres[classes] + random.normal(0, 0.35, (50_000, 2))
names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
here = SampleMap(points, classes=classes, class_names=names, label="student")
there = SampleMap(points @ [[0, 1], [1, 0.3]], classes=classes, class_names=names, label="teacher", height=300)
teacher = 4 * np.eye(10)[classes[:400]] + random.normal(0, 1, (400, 10))
student = teacher + random.normal(0, 1.5, (400, 10))
images = np.kron(random.integers(0, 255, (400, 4, 4)), np.ones((4, 4))).astype("u1")
cards = Gallery(images, student_logits=student, teacher_logits=teacher, labels=classes[:400],
                class_names=[*names[:9], "<b>nine</b>"], temperature=2.0)
here.on_selection(there.select)
here.on_selection(cards.show)
here""",
    "there",
    "cards",
    "import json; print(json.dumps([len(here.selection), len(there.selection), cards.total, cards.temperature, cards.page]))",
    "cards.temperature = 8.0",
]


def numbers(lab: Lab, cell: int) -> list[Any]:
    return json.loads(lab.run(cell))


def drag(lab: Lab, on: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag the mouse between two places, given as shares of the width and height."""
    box = on.bounding_box()
    assert box is not None
    for share, act in ((start, lab.page.mouse.down), (end, lab.page.mouse.up)):
        lab.page.mouse.move(box["x"] + share[0] * box["width"], box["y"] + share[1] * box["height"], steps=8)
        act()


def wait_drawn(lab: Lab, *views: tuple[str, list[int], list[str]]) -> None:
    """Wait until the page shows these plots: label, points per trace, marks."""
    lab.page.wait_for_function(SAME, arg=json.dumps(views, separators=(",", ":")))


def test_plots_share_a_bundle_grow_from_a_thread_and_survive_a_reload(lab: Lab) -> None:
    lab.open(lab.server.notebook(PLOTS))
    for cell in range(3):
        lab.run(cell)
    others = [("scores", [20], []), ("confusion", [1], [])]
    wait_drawn(lab, ("losses", [20, 20], []), *others)

    lab.run(3)
    grown = ("losses", [50, 50], ["temperature 4 -> 6 & <b>"])
    wait_drawn(lab, grown, *others)

    lab.run(4)
    wait_drawn(lab, grown, *others, grown)
    assert lab.page.evaluate(EVALUATIONS) == 1
    lab.cell(0)
    lab.screenshot("plots-grown")

    lab.reload()
    wait_drawn(lab, grown, *others, grown)
    assert lab.page.evaluate(EVALUATIONS) == 1
    lab.screenshot("plots-reloaded")

    lab.run(3)
    again = ("losses", [80, 80], 2 * grown[2])
    wait_drawn(lab, again, *others, again)

    lab.run(7)
    mended = ("losses", [40, 80], again[2])
    wait_drawn(lab, mended, *others, mended)


def test_a_box_on_a_plot_reaches_python_and_another_figure_takes_its_place(lab: Lab) -> None:
    lab.open(lab.server.notebook(PLOTS))
    lab.run(0)
    lab.run(1)
    wait_drawn(lab, ("losses", [20, 20], []), ("scores", [20], []))
    drag(lab, lab.cell(1).locator(".nsewdrag"), (0.0, 0.02), (0.272, 0.98))
    lab.page.wait_for_timeout(300)
    lab.screenshot("plots-selected")
    selected = json.loads(lab.run(5))
    assert len(selected) > 2
    assert selected == list(range(100, 100 + len(selected)))

    assert lab.cell(1).locator(".modebar-btn").count() > 0
    titles = lab.cell(1).locator(".modebar-btn").evaluate_all("buttons => buttons.map(b => b.dataset.title)")
    assert not [title for title in titles if title is None or "Chart" in title or "Cloud" in title]

    lab.run(6)
    wait_drawn(lab, ("losses", [20, 20], []), ("scores", [3], []))
    lab.page.set_viewport_size({"width": 1024, "height": 800})
    lab.page.wait_for_function(
        "() => [...document.querySelectorAll('.wb-plot > div')].every(p => p._fullLayout.width === p.clientWidth)"
    )
    lab.cell(1)
    lab.screenshot("plots-narrow")


def test_a_brush_reaches_python_the_linked_map_and_the_gallery(lab: Lab) -> None:
    lab.open(lab.server.notebook(LINKED))
    for cell in range(3):
        lab.run(cell)
    lab.cell(2).locator("article").first.wait_for()
    lab.screenshot("linked-gallery")
    lab.cell(0)
    lab.screenshot("linked-map")
    assert numbers(lab, 3) == [0, 0, 400, 2.0, 0]

    lab.page.evaluate("""() => {
        const [here, there] = [...document.querySelectorAll('.wb-map')];
        here.addEventListener('pointerup', () => { window.brushed = performance.now(); }, true);
        const seen = () => { window.linked = performance.now() - window.brushed; };
        new MutationObserver(seen).observe(there.querySelector('canvas'), { attributeFilter: ['data-draws'] });
    }""")
    drag(lab, lab.cell(0).locator("canvas").last, (0.5, 0.1), (0.9, 0.6))
    lab.page.wait_for_function("window.linked !== undefined")
    drawn = lab.page.locator(".wb-map canvas:first-child").evaluate_all("all => all.map(c => c.dataset.milliseconds)")
    logging.getLogger(__name__).warning(
        "linked brush over 50,000 points: %.0f ms to the other map, drawing %s ms",
        lab.page.evaluate("window.linked"),
        drawn,
    )
    here, there, total, _, _ = numbers(lab, 3)
    assert 0 < here == there < 50_000
    assert 0 < total < 400
    brushed = f"{here:,} of 50,000 brushed"
    assert lab.page.locator(".wb-map output").all_inner_texts() == [brushed, brushed]
    assert lab.cell(2).locator("header > output").inner_text() == f"{total} samples"
    lab.cell(0)
    lab.screenshot("linked-brushed")

    lab.reload()
    lab.page.wait_for_function(
        "text => [...document.querySelectorAll('.wb-map output')].filter(o => o.innerText === text).length === 2",
        arg=brushed,
    )
    lab.cell(0).locator("canvas").last.focus()
    lab.page.keyboard.press("Escape")
    lab.page.wait_for_function("document.querySelector('.wb-gallery header output').innerText === '400 samples'")
    assert numbers(lab, 3)[:3] == [0, 0, 400]


def test_the_keyboard_brushes_a_map(lab: Lab) -> None:
    lab.open(lab.server.notebook(LINKED))
    lab.run(0)
    lab.cell(0).locator("canvas").last.focus()
    for key in ("Enter", *10 * ["ArrowRight"], *10 * ["ArrowDown"]):
        lab.page.keyboard.press(key)
    lab.screenshot("map-keyboard")
    lab.page.keyboard.press("Enter")
    lab.page.wait_for_function("document.querySelector('.wb-map output').innerText.includes('brushed')")
    assert numbers(lab, 3)[0] > 0


def test_the_temperature_changes_bars_in_the_page_and_names_stay_text(lab: Lab) -> None:
    lab.open(lab.server.notebook(LINKED))
    lab.run(0)
    lab.run(2)
    cards = lab.cell(2)
    cards.locator("article").first.wait_for()
    widths = "bars => bars.map(bar => parseFloat(bar.style.width))"
    teacher = cards.locator("article").first.locator(".wb-gallery-bar.wb-teacher")
    cold = teacher.evaluate_all(widths)
    assert sum(cold) == pytest.approx(100, abs=0.1)

    cards.get_by_role("slider", name="temperature").focus()
    lab.page.keyboard.press("End")
    warm = teacher.evaluate_all(widths)
    assert max(warm) < max(cold)
    assert sum(warm) == pytest.approx(100, abs=0.1)
    assert numbers(lab, 3)[3] == 20.0

    lab.run(4)
    lab.page.wait_for_function("document.querySelector('.wb-gallery input').value === '8'")
    assert max(warm) < max(teacher.evaluate_all(widths)) < max(cold)

    assert cards.get_by_text("<b>nine</b>", exact=True).count() > 0
    lab.click("Next page")
    cards.get_by_text("page 2 of 67").wait_for()
    cards.get_by_role("article", name="Sample 6:").wait_for()  # the kernel sends them after the page has turned
    assert numbers(lab, 3)[4] == 1


def test_the_views_follow_a_dark_theme(lab: Lab) -> None:
    lab.open(lab.server.notebook([PLOTS[0], "confusion", LINKED[0], "cards"]))
    lab.command("apputils:change-theme", theme="JupyterLab Dark")
    for cell in range(4):
        lab.run(cell)
    lab.page.wait_for_function("document.querySelectorAll('.wb-plot .xtitle').length === 1")
    ink = lab.page.locator(".wb-plot .xtitle").first.evaluate("title => getComputedStyle(title).fill")
    paper = lab.page.locator(".jp-Notebook").first.evaluate("page => getComputedStyle(page).backgroundColor")
    assert lightness(ink) > lightness(paper) + 100
    for cell in (0, 2, 3):
        lab.cell(cell)
        lab.screenshot(f"dark-{cell}")
    lab.command("apputils:change-theme", theme="JupyterLab Light")
    lab.page.wait_for_function("document.body.dataset.jpThemeLight === 'true'")
    lab.page.wait_for_function(
        "old => getComputedStyle(document.querySelector('.wb-plot .xtitle')).fill !== old", arg=ink
    )


def lightness(colour: str) -> float:
    """The mean of red, green and blue in ``rgb(...)`` or ``rgba(...)``."""
    parts = colour[colour.index("(") + 1 : -1].split(",")
    return sum(map(float, parts[:3])) / 3
