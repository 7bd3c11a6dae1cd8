"""One distillation to its run, kept in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from workbench.engine.conditions import Conditions
from workbench.engine.distill import Distillation, collect, distill
from workbench.engine.identity import known
from workbench.engine.revival import Revival
from workbench.engine.store import Store, open_store
from workbench.engine.tracking import Callback, heard
from workbench.methods.catalog import as_method
from workbench.methods.method import Method
from workbench.models.copies import copied
from workbench.records.annotations import Seed
from workbench.records.arguments import checked_arguments
from workbench.records.budget import Budget, budget_of
from workbench.records.run import Run
from workbench.settings.catalog import as_setting
from workbench.settings.setting import Setting


@checked_arguments
def run(
    setting: Setting | type[Setting] | str,
    method: Method | type[Method] | str,
    budget: Budget | None = None,
    seed: Seed = 0,
    *,
    fresh: bool = False,
    store: Store | None = None,
    callbacks: Sequence[Callback] | Callback = (),
) -> Run:
    """Distill once and keep the run; the same run is taken from the store if it is there.

    One run is no evidence that a method helps: ``study`` compares over seeds with controls.

    Args:
        setting: data, teacher, student and score, or its name.
        method: what the student is asked to match, or its name.
        budget: of the student; the setting's by default.
        seed: of the student.
        fresh: compute everything again, the teacher too, and replace what is stored.
        store: where the run is kept; the default store if None.
        callbacks: functions of one event, called while it runs, as ``TensorBoard`` and ``MLflow``; not for a stored run.

    Raises:
        ValueError: setting and method do not fit together; before anything is trained.
        DistillationFailed: the run failed; the message says where and why.

    Example:
        >>> import workbench as wb
        >>> found = wb.run("two_moons", "kd", wb.Budget(epochs=2, batch_size=8))
        >>> found.method["name"], sorted(found.scores)
        ('kd', ['student', 'teacher'])
    """
    setting, method, store = as_setting(setting), as_method(method), store or open_store()
    conditions = Conditions(folder=store.folder, fresh=fresh)
    asked = (setting, copied(method), budget_of(budget, setting.budget), seed, conditions)
    about = known(setting, [conditions.teacher_seed])[conditions.teacher_seed]
    stream = heard(distill(*asked, about=about), callbacks)
    name = Distillation(*asked, about).id
    if store.has(name) and not fresh:
        return replace(store.load(name), reviver=Revival(store.folder, setting, method))
    found = collect(stream)
    store.save(found)
    return found
