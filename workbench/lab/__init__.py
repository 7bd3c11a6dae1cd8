"""The application: the live panel, and the lists and cards of methods. ``workbench.lab()`` opens it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from workbench.records.arguments import checked_arguments
from workbench.records.rooms import Room

if TYPE_CHECKING:
    from workbench.lab.live import LivePanel
    from workbench.methods.method import Method
    from workbench.settings.setting import Setting

sys.modules[__name__].__class__ = Room


@checked_arguments
def lab(
    setting: Setting | type[Setting] | str = "digits", method: Method | type[Method] | str = "kd", *, seeds: int = 5
) -> LivePanel:
    """The live panel: a teacher, a student and its control, ready to start.

    Args:
        setting: a name of the catalogue, or a setting of one's own.
        method: likewise.
        seeds: of the study that the verdict will rest on; the live run is its first.

    Raises:
        KeyError: no setting or method of that name; the message names the nearest.
    """
    from workbench.lab.live import LivePanel

    return LivePanel(setting, method, seeds=seeds)
