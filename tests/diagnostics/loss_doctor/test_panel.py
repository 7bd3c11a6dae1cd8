"""The loss doctor's panel, and its place in the live one."""

from __future__ import annotations

import json
from dataclasses import replace

from tests import examples
from tests.diagnostics.loss_doctor.examples import curves, faulty
from tests.diagnostics.loss_doctor.test_figure import probes, snapshot
from tests.examples import HOSTILE
from workbench.diagnostics.loss_doctor.measure import loss_doctor
from workbench.diagnostics.loss_doctor.panel import LossDoctorPanel, findings
from workbench.drawing.draw import draw
from workbench.lab.live_plots import LivePlots
from workbench.widgets.panel import panel


def test_it_shows_what_was_found_or_every_check() -> None:
    made = panel(faulty())
    assert isinstance(made, LossDoctorPanel)
    assert made.picture.figure == draw(made.result)
    assert made.words.value.count("<li>") == len(made.result.findings) == 6
    made.shown.value = "all checks"
    assert made.words.value.count("<li>") == 11
    assert "6 findings" in repr(made)


def test_a_healthy_result_says_so() -> None:
    made = panel(loss_doctor(curves()))
    assert "Nothing unusual was found" in made.words.value
    assert "nothing unusual in 11 checks on 12 probed steps" in findings(made.result)
    assert findings(None) == ""


def test_the_parties_of_a_run_can_be_chosen_and_the_choice_is_kept() -> None:
    both = curves() | {f"assistant/{name}": each for name, each in curves(label_weight=1000.0).items()}
    run = replace(examples.run(), curves=both | {"peer_1/terms/labels": curves()["terms/labels"]})
    made = LossDoctorPanel(run)
    assert made.party.options == ("student", "assistant")
    made.party.value = "assistant"
    assert {check["check"] for check in made.result.findings} == {"term scale", "gradient balance"}
    assert made.picture.figure == draw(made.result)
    again = LossDoctorPanel.from_state(json.loads(json.dumps(made.state())), run)
    assert again.state() == made.state()
    assert again.words.value == made.words.value


def test_names_of_terms_are_escaped() -> None:
    bad = curves(soft=HOSTILE)
    bad |= {
        f"probe/gradient/{HOSTILE}": replace(
            bad[f"probe/gradient/{HOSTILE}"], values=0 * bad["probe/logit_scale"].values
        )
    }
    result = loss_doctor(bad)
    assert any(HOSTILE in check["seen"] for check in result.findings)
    for text in (panel(result).words.value, findings(result)):
        assert "<img" not in text
        assert "&lt;img" in text


def test_the_live_panel_has_a_third_plot_and_a_line_only_where_there_is_something_to_examine() -> None:
    plots = LivePlots()
    assert plots.doctor.layout.display == plots.findings.layout.display == "none"
    plots.show(snapshot(probes()))
    assert plots.doctor.layout.display == plots.findings.layout.display == ""
    assert plots.doctor.figure.data[0].name == "gradient of soft"
    assert "nothing unusual" in plots.findings.value
    plots.show(snapshot({}))
    assert plots.doctor.layout.display == plots.findings.layout.display == "none"


def test_the_live_plot_grows_to_every_probe() -> None:
    plots, whole = LivePlots(), probes()
    for count in (1, 2, 7, 12):
        part = {name: replace(c, steps=c.steps[:count], values=c.values[:count]) for name, c in whole.items()}
        plots.show(snapshot(part))
    shown = {trace.name: trace for trace in plots.doctor.figure.data}
    assert shown["gradient of soft"].y.tolist() == whole["gradient/soft"].values.tolist()
    assert shown["cosine labels, soft"].x.tolist() == whole["cosine/labels|soft"].steps.tolist()
