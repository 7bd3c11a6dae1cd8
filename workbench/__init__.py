"""Run and dissect knowledge distillations: every picture has a number, every number an uncertainty and a control.

The names below are loaded at first use, so that importing the workbench is quick and needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench import diagnostics as diagnostics
    from workbench import methods as methods
    from workbench import settings as settings
    from workbench.data.transfer import TransferSet as TransferSet
    from workbench.diagnostics.agreement.measure import agreement_of as agreement_of
    from workbench.diagnostics.attribution.measure import attribution_of as attribution_of
    from workbench.diagnostics.divergence.measure import divergence_of as divergence_of
    from workbench.diagnostics.energy.measure import energy_of as energy_of
    from workbench.drawing.draw import draw as draw
    from workbench.engine.distill import distill as distill
    from workbench.engine.library import load as load
    from workbench.engine.library import runs as runs
    from workbench.engine.run import run as run
    from workbench.engine.study.study import study as study
    from workbench.engine.study.study_of import study_of as study_of
    from workbench.engine.tracking import MLflow as MLflow
    from workbench.engine.tracking import TensorBoard as TensorBoard
    from workbench.lab import lab as lab
    from workbench.lab.picker import pick as pick
    from workbench.methods.method import Method as Method
    from workbench.records.budget import Budget as Budget
    from workbench.records.measure import Measure as Measure
    from workbench.records.run import Run as Run
    from workbench.reports.diagnose import diagnose as diagnose
    from workbench.reports.method_card import card as card
    from workbench.reports.page import report as report
    from workbench.settings.setting import Recipe as Recipe
    from workbench.settings.setting import Setting as Setting
    from workbench.widgets.panel import panel as panel

_HOMES = {
    "Budget": "workbench.records.budget:Budget",
    "MLflow": "workbench.engine.tracking:MLflow",
    "Measure": "workbench.records.measure:Measure",
    "Method": "workbench.methods.method:Method",
    "Recipe": "workbench.settings.setting:Recipe",
    "Run": "workbench.records.run:Run",
    "Setting": "workbench.settings.setting:Setting",
    "TensorBoard": "workbench.engine.tracking:TensorBoard",
    "TransferSet": "workbench.data.transfer:TransferSet",
    "agreement_of": "workbench.diagnostics.agreement.measure:agreement_of",
    "attribution_of": "workbench.diagnostics.attribution.measure:attribution_of",
    "card": "workbench.reports.method_card:card",
    "diagnose": "workbench.reports.diagnose:diagnose",
    "diagnostics": "workbench.diagnostics",
    "distill": "workbench.engine.distill:distill",
    "divergence_of": "workbench.diagnostics.divergence.measure:divergence_of",
    "draw": "workbench.drawing.draw:draw",
    "energy_of": "workbench.diagnostics.energy.measure:energy_of",
    "lab": "workbench.lab:lab",
    "load": "workbench.engine.library:load",
    "methods": "workbench.methods",
    "panel": "workbench.widgets.panel:panel",
    "pick": "workbench.lab.picker:pick",
    "report": "workbench.reports.page:report",
    "run": "workbench.engine.run:run",
    "runs": "workbench.engine.library:runs",
    "settings": "workbench.settings",
    "study": "workbench.engine.study.study:study",
    "study_of": "workbench.engine.study.study_of:study_of",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Load a public name from the module it lives in."""
    if name == "__version__":
        from importlib.metadata import version

        return version("kd-workbench")
    if name not in _HOMES:
        raise AttributeError(_unknown(name))
    module, _, attribute = _HOMES[name].partition(":")
    value = import_module(module)
    globals()[name] = value = getattr(value, attribute) if attribute else value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(_HOMES)


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, _HOMES, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(_HOMES)}"
    return f"workbench has no {name!r}; {hint}"
