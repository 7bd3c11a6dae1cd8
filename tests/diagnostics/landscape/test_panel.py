"""The panel of landscapes without a kernel."""

from __future__ import annotations

import json

from tests.diagnostics.landscape import examples as landscape
from workbench.diagnostics.landscape.panel import LandscapePanel
from workbench.drawing.draw import draw
from workbench.widgets.panel import panel


def test_one_may_look_near_or_far() -> None:
    (result,) = landscape.results()
    shown = panel(result)
    shown.reach.value = 0.5
    assert shown.view.figure == draw(result, reach=0.5)
    assert max(shown.view.figure.data[0].x) == 0.5
    again = LandscapePanel.from_state(json.loads(json.dumps(shown.state())), result)
    assert again.view.figure == shown.view.figure
    assert "only by filter norm" in repr(shown)
