"""The live panel in JupyterLab, in a real browser: from Run All to a verdict."""

from __future__ import annotations

import json
import re
import shutil
from typing import Any

import pytest
from playwright.sync_api import Locator

from tests.browser.driver import REPOSITORY, Lab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOK = REPOSITORY / "notebooks" / "01_distill_in_five_minutes.ipynb"
LINE = ".wb-panel [role=status]"
SAYS = f"text => [...document.querySelectorAll('{LINE}')].some((line) => line.textContent.includes(text))"
DRAWN = """label => {
    const view = [...document.querySelectorAll('.wb-plot')].find((each) => each.ariaLabel.startsWith(label));
    return view.firstChild.calcdata.map((trace) => trace.filter((point) => point.x !== undefined).length)}"""
MARKS = """() => [...document.querySelectorAll('.wb-plot[aria-label^="Weighted"] .annotation-text')].map(
    (note) => note.textContent)"""
OTHER_CARDS = """before => JSON.stringify([...document.querySelectorAll(
    '.wb-panel article dd:first-of-type')].map((id) => id.innerText)) !== before"""
EXECUTED = """() => window.jupyterapp.shell.currentWidget.content.widgets.every(
    (cell) => cell.model.type !== 'code' || cell.model.executionCount !== null)"""
LONG = """
import workbench as wb

setting = wb.settings.Digits().but(budget=wb.Budget(epochs=1000))
panel = wb.lab(setting, seeds=2)
panel"""


def wait_line(lab: Lab, text: str, seconds: float = 60) -> str:
    """Wait until the panel says this; returns all it says."""
    lab.page.wait_for_function(SAYS, arg=text, timeout=1000 * seconds)
    return line(lab)


def line(lab: Lab) -> str:
    return lab.page.locator(LINE).first.text_content() or ""


def steps(lab: Lab) -> tuple[int, int]:
    student, control = re.findall(r"(?:student|control) (\d+)/", line(lab))
    return int(student), int(control)


def open_panel(lab: Lab, cell: str) -> None:
    lab.open(lab.server.notebook([cell, "print(panel.session.method.temperature, len(panel.session.snapshot.marks))"]))
    lab.run(0)
    lab.page.get_by_role("button", name="Start", exact=True).wait_for()


def drag(lab: Lab, on: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    on.scroll_into_view_if_needed()
    box = on.bounding_box()
    assert box is not None
    for share, act in ((start, lab.page.mouse.down), (end, lab.page.mouse.up)):
        lab.page.mouse.move(box["x"] + share[0] * box["width"], box["y"] + share[1] * box["height"], steps=8)
        act()


def cards(lab: Lab) -> list[str]:
    """The sample ids on the cards."""
    return lab.page.locator(".wb-panel article dd:first-of-type").all_inner_texts()


def test_slide_pause_and_step_while_it_trains(lab: Lab) -> None:
    open_panel(lab, LONG)
    lab.screenshot("live-idle")
    lab.click("Start")
    wait_line(lab, "side by side")
    lab.screenshot("live-running")

    lab.page.locator(".wb-panel .noUi-handle").first.focus()
    lab.page.keyboard.press("ArrowRight")
    lab.page.wait_for_function(f"({MARKS})().includes('temperature \u2192 4.5')")
    lab.screenshot("live-marked")

    lab.click("Pause")
    wait_line(lab, "Paused.")
    held = steps(lab)
    assert held[0] == held[1] > 0
    lab.page.wait_for_timeout(800)
    assert steps(lab) == held
    lab.click("Step")
    wait_line(lab, f"student {held[0] + 1}/")
    lab.page.wait_for_timeout(800)
    assert steps(lab) == (held[0] + 1, held[1] + 1)
    lab.screenshot("live-paused")

    lab.click("Resume")
    wait_line(lab, "left.")
    lab.page.wait_for_timeout(500)
    assert steps(lab)[0] > held[0] + 1


def test_a_reloaded_page_shows_where_it_is_now_and_stops_it(lab: Lab) -> None:
    open_panel(lab, LONG)
    lab.click("Start")
    wait_line(lab, "side by side")
    lab.page.locator(".wb-panel .noUi-handle").first.focus()
    lab.page.keyboard.press("ArrowRight")
    lab.page.wait_for_function(f"({MARKS})().length === 1")
    held = steps(lab)

    lab.reload()
    lab.page.locator(LINE).first.wait_for()
    wait_line(lab, "Steps:")
    before = steps(lab)[0]
    assert before > held[0]
    lab.page.wait_for_function(f"({MARKS})().length === 1")
    assert min(lab.page.evaluate(DRAWN, "Weighted")) > 5
    lab.page.wait_for_timeout(1500)
    assert steps(lab)[0] > before
    lab.screenshot("live-reloaded")

    lab.click("Stop")
    wait_line(lab, "Stopped.")
    assert lab.run(1).strip() == "4.5 1"
    lab.screenshot("live-stopped")


def test_run_all_press_start_and_end_with_a_verdict(lab: Lab) -> None:
    shutil.copy(NOTEBOOK, lab.server.root / NOTEBOOK.name)
    lab.open(NOTEBOOK.name)
    lab.page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    start = lab.page.get_by_role("button", name="Start", exact=True).first
    start.wait_for(timeout=60_000)
    start.click()
    wait_line(lab, "Done. One seed is no verdict")
    lab.screenshot("notebook-finished")
    table = lab.page.locator(".wb-panel .wb-table").first
    assert "kd against labels only: one seed, no verdict" in table.inner_text()

    lab.page.get_by_role("button", name="Run the remaining seeds").first.click()
    wait_line(lab, "Done: every seed is run.", 120)
    table.filter(has_not_text="one seed, no verdict").wait_for()
    assert re.search(r"^kd(: | against labels only: )", table.inner_text(), re.MULTILINE)
    table.scroll_into_view_if_needed()
    lab.screenshot("notebook-verdict")
    assert explored(lab) == {"brushed", "cleared", "clicked", "slid"}
    lab.page.wait_for_function(EXECUTED, timeout=300_000)
    assert failures(lab) == []


def explored(lab: Lab) -> set[str]:
    """What the linked views of the first panel were seen to do."""
    seen = set()
    first = cards(lab)
    lab.page.get_by_label("only samples on which they disagree").first.uncheck()
    lab.page.wait_for_function("n => document.querySelectorAll('.wb-panel article').length > n", arg=len(first))
    everything = cards(lab)
    drag(lab, lab.page.locator(".wb-panel .wb-map canvas[tabindex]").first, (0.05, 0.05), (0.5, 0.5))
    lab.page.locator(".wb-panel .wb-map output", has_text="brushed").first.wait_for()
    lab.page.wait_for_function(OTHER_CARDS, arg=json.dumps(everything, separators=(",", ":")))
    seen.add("brushed")
    lab.screenshot("notebook-brushed")

    lab.page.get_by_role("button", name="Clear the selection").first.click()
    lab.page.locator(".wb-panel .wb-map output", has_text="samples").first.wait_for()
    seen.add("cleared")

    cell = lab.page.locator('.wb-plot[aria-label^="Confusion"] .nsewdrag').first
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    lab.page.mouse.click(box["x"] + 0.05 * box["width"], box["y"] + 0.05 * box["height"])
    lab.page.locator(".wb-hint", has_text="teacher 0, student 0").first.wait_for()
    seen.add("clicked")

    bars = "() => [...document.querySelectorAll('.wb-panel article')][0].innerHTML"
    before = lab.page.evaluate(bars)
    slider = lab.page.locator(".wb-panel .wb-gallery input[type=range]").first
    for _ in range(6):
        slider.press("ArrowRight")
    lab.page.wait_for_function(f"before => ({bars})() !== before", arg=before)
    seen.add("slid")
    lab.screenshot("notebook-explored")
    return seen


def failures(lab: Lab) -> list[Any]:
    """Errors and words on standard error in any cell."""
    script = """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap(
        (cell) => cell.model.outputs?.toJSON() ?? []).filter(
        (output) => output.output_type === 'error' || output.name === 'stderr')"""
    return lab.page.evaluate(script)
