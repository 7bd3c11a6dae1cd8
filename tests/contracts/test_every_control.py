"""The permuted controls that a study plans for a method can be run, and no other is left out."""

from __future__ import annotations

from functools import partial

import pytest

from tests.contracts import text
from tests.contracts.probes.world import nets_for, run, setting_of
from workbench.engine.study.plan import plan_study
from workbench.methods.catalog import catalog, family_of, make
from workbench.records.budget import Budget

pytestmark = pytest.mark.slow
TEXT = Budget(epochs=1, batch_size=16, optimizer="adamw", learning_rate=0.01)
FEW = {"deep_inversion": {"iterations": 3, "images": 16}}


def place(name):
    """A setting that suits the method, and a budget of one epoch."""
    cls = catalog()[name]
    if not text.reads_text(cls):
        return setting_of(cls.tasks[0], **nets_for(cls)), Budget(epochs=1, batch_size=16, clip=1.0)
    if family_of(cls) != "encoders":
        return text.text_setting(), TEXT
    return text.text_setting(teacher=text.encoder(8, 2), student=partial(text.encoder, 8, 2)), TEXT


@pytest.mark.parametrize("name", catalog())
def test_what_is_planned_can_be_run_and_what_is_left_out_cannot(name):
    where, budget = place(name)
    method = make(name, FEW.get(name))
    planned = {arm.control for arm in plan_study(where, [method], 1, budget=budget, smallest_effect=0.5).arms}
    for control in planned - {"none"}:
        assert run(where, method, budget, control=control).control == control
    if method.own_inputs:
        with pytest.raises(ValueError, match="permute"):
            run(where, method, budget, control="permuted_targets")
    elif method.reads_teacher:
        assert "permuted_targets" in planned
