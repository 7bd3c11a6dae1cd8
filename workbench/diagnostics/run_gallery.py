"""The cards of a run's test samples, with what its student and teacher say of them."""

from __future__ import annotations

import numpy as np

from workbench.diagnostics.outputs import outputs_of
from workbench.diagnostics.samples import cards
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.settings import catalog
from workbench.settings.setting import Setting
from workbench.widgets.gallery import Gallery


def run_gallery(run: Run, setting: Setting | None, first: Selection | None = None, temperature: float = 1.0) -> Gallery:
    """All test samples, those of a selection first and in its order.

    Args:
        run: with the outputs of its teacher.
        setting: whose samples are shown; without one, or with other samples, the cards hold numbers instead.
        first: the samples at the beginning; the run's own order if None.
        temperature: of the soft labels.
    """
    rank = {} if first is None else {int(i): place for place, i in enumerate(first.ids)}
    order = np.argsort([rank.get(int(i), len(rank)) for i in run.test_ids], kind="stable")
    known = setting is not None and np.array_equal(setting.test.ids.cpu().numpy(), run.test_ids)
    shown = cards(setting.test, setting.look) if known else [f"sample {int(i)}" for i in run.test_ids]
    student = outputs_of(run, "student")
    names = run.facts.get("class_names") or (setting.class_names if known else range(student.shape[1]))
    return Gallery(
        shown[order] if isinstance(shown, np.ndarray) else [shown[row] for row in order],
        student_logits=student[order],
        teacher_logits=outputs_of(run, "teacher")[order],
        labels=run.test_labels[order],
        ids=run.test_ids[order],
        class_names=list(map(str, names)),
        temperature=temperature,
    )


def setting_of(run: Run) -> Setting | None:
    """The setting of a run, made again; None for one that is not in the catalogue, or whose data are not here."""
    name = run.setting["name"]
    if name not in catalog.catalog():
        return None
    try:
        return catalog.make(name, dict(run.setting["config"]))
    except (FileNotFoundError, KeyError, ValueError):
        return None
