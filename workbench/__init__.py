"""Run and dissect knowledge distillations: every picture has a number, every number an uncertainty and a control.

The names below are loaded at first use, so that importing the workbench is quick and needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench import methods as methods
    from workbench import settings as settings
    from workbench.diagnostics.agreement import agreement_of as agreement_of
    from workbench.diagnostics.attribution import attribution_of as attribution_of
    from workbench.diagnostics.bounds import bounds_of as bounds_of
    from workbench.diagnostics.break_even import break_even_of as break_even_of
    from workbench.diagnostics.calibration import calibration_of as calibration_of
    from workbench.diagnostics.concepts import concepts_of as concepts_of
    from workbench.diagnostics.confusion import confusion_of as confusion_of
    from workbench.diagnostics.divergence import divergence_of as divergence_of
    from workbench.diagnostics.divergence_sweep import divergence_sweep_of as divergence_sweep_of
    from workbench.diagnostics.energy import energy_of as energy_of
    from workbench.diagnostics.faithfulness import faithfulness_of as faithfulness_of
    from workbench.diagnostics.fidelity import fidelity_of as fidelity_of
    from workbench.diagnostics.flatness import flatness_of as flatness_of
    from workbench.diagnostics.flips import flips_of as flips_of
    from workbench.diagnostics.inherited_errors import inherited_errors_of as inherited_errors_of
    from workbench.diagnostics.interaction import interaction_of as interaction_of
    from workbench.diagnostics.interaction_feature import interaction_feature as interaction_feature
    from workbench.diagnostics.landscape import landscape_of as landscape_of
    from workbench.diagnostics.linear_gaussian import linear_gaussian as linear_gaussian
    from workbench.diagnostics.method_cost import method_cost_of as method_cost_of
    from workbench.diagnostics.ranking import ranking_of as ranking_of
    from workbench.diagnostics.rarefaction import rarefaction_of as rarefaction_of
    from workbench.diagnostics.reproduction import published_spread as published_spread
    from workbench.diagnostics.seed_disagreement import seed_disagreement_of as seed_disagreement_of
    from workbench.diagnostics.strata import strata_of as strata_of
    from workbench.diagnostics.study_agreement import study_agreement_of as study_agreement_of
    from workbench.engine.distill import distill as distill
    from workbench.engine.study import study as study
    from workbench.engine.study_of import study_of as study_of
    from workbench.figures.draw import draw as draw
    from workbench.records.budget import Budget as Budget
    from workbench.records.run import Run as Run
    from workbench.reports.method_card import card as card
    from workbench.settings.setting import Setting as Setting
    from workbench.widgets.lab import lab as lab
    from workbench.widgets.panel import panel as panel
    from workbench.widgets.picker import pick as pick

_HOMES = {
    "Budget": "workbench.records.budget:Budget",
    "card": "workbench.reports.method_card:card",
    "method_cost_of": "workbench.diagnostics.method_cost:method_cost_of",
    "pick": "workbench.widgets.picker:pick",
    "published_spread": "workbench.diagnostics.reproduction:published_spread",
    "ranking_of": "workbench.diagnostics.ranking:ranking_of",
    "Run": "workbench.records.run:Run",
    "Setting": "workbench.settings.setting:Setting",
    "agreement_of": "workbench.diagnostics.agreement:agreement_of",
    "attribution_of": "workbench.diagnostics.attribution:attribution_of",
    "bounds_of": "workbench.diagnostics.bounds:bounds_of",
    "break_even_of": "workbench.diagnostics.break_even:break_even_of",
    "calibration_of": "workbench.diagnostics.calibration:calibration_of",
    "concepts_of": "workbench.diagnostics.concepts:concepts_of",
    "confusion_of": "workbench.diagnostics.confusion:confusion_of",
    "distill": "workbench.engine.distill:distill",
    "divergence_of": "workbench.diagnostics.divergence:divergence_of",
    "divergence_sweep_of": "workbench.diagnostics.divergence_sweep:divergence_sweep_of",
    "draw": "workbench.figures.draw:draw",
    "energy_of": "workbench.diagnostics.energy:energy_of",
    "faithfulness_of": "workbench.diagnostics.faithfulness:faithfulness_of",
    "fidelity_of": "workbench.diagnostics.fidelity:fidelity_of",
    "flatness_of": "workbench.diagnostics.flatness:flatness_of",
    "flips_of": "workbench.diagnostics.flips:flips_of",
    "inherited_errors_of": "workbench.diagnostics.inherited_errors:inherited_errors_of",
    "interaction_feature": "workbench.diagnostics.interaction_feature:interaction_feature",
    "interaction_of": "workbench.diagnostics.interaction:interaction_of",
    "lab": "workbench.widgets.lab:lab",
    "landscape_of": "workbench.diagnostics.landscape:landscape_of",
    "linear_gaussian": "workbench.diagnostics.linear_gaussian:linear_gaussian",
    "methods": "workbench.methods",
    "panel": "workbench.widgets.panel:panel",
    "rarefaction_of": "workbench.diagnostics.rarefaction:rarefaction_of",
    "seed_disagreement_of": "workbench.diagnostics.seed_disagreement:seed_disagreement_of",
    "settings": "workbench.settings",
    "strata_of": "workbench.diagnostics.strata:strata_of",
    "study": "workbench.engine.study:study",
    "study_agreement_of": "workbench.diagnostics.study_agreement:study_agreement_of",
    "study_of": "workbench.engine.study_of:study_of",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Load a public name from the module it lives in."""
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
