"""The one line that opens the workbench."""

from __future__ import annotations

from workbench.lab.live import LivePanel
from workbench.methods.method import Method
from workbench.records.arguments import checked_arguments
from workbench.settings.setting import Setting


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
    return LivePanel(setting, method, seeds=seeds)
