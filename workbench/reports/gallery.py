"""The samples on which student and teacher differ most, with what both say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.diagnostics.agreement.measure_disagreement import disagreement_of
from workbench.diagnostics.soft_labels.measure import SoftLabels, soft_labels_of
from workbench.records.run import Run
from workbench.reports.markup import Markup, section, tag
from workbench.reports.png import data_uri

if TYPE_CHECKING:
    from workbench.settings.setting import Setting

MOST, CLASSES = 12, 3


def gallery(run: Run, setting: Setting | None = None) -> Markup:
    """Cards of the samples furthest apart; with pictures where the setting is given and its samples are images.

    Raises:
        ValueError: the setting's test set is not the one the run was scored on.
    """
    chosen = disagreement_of(run)
    shown = [_card(soft_labels_of(run, int(i)), _picture(setting, int(i))) for i in chosen.ids[:MOST]]
    if not shown:
        return section("Disagreements", tag("p", "Student and teacher pick the same class for every test sample."))
    text = f"{len(chosen)} test samples, the {len(shown)} furthest apart (KL of teacher and student at temperature 1)."
    return section("Disagreements", tag("p", text), tag("div", *shown, class_="cards"))


def _picture(setting: Setting | None, id: int) -> Markup:
    if setting is None or setting.look != "image":
        return Markup("")
    rows = np.flatnonzero(setting.test.ids.cpu().numpy() == id)
    if not len(rows):
        raise ValueError(f"setting {setting.name!r} has no test sample {id}: the run was scored on other data")
    image = setting.test.inputs[int(rows[0])].cpu().numpy()
    return tag("img", src=data_uri(image), alt=f"test sample {id}")


def _card(found: SoftLabels, picture: Markup) -> Markup:
    order = np.argsort(-np.maximum(found.student, found.teacher), kind="stable")[:CLASSES]
    bars = [part for k in order for part in _bars(found, int(k))]
    head = tag("figcaption", f"id {found.id}, label {found.class_names[found.label]}")
    return tag("figure", picture, head, tag("div", *bars, class_="bars"))


def _bars(found: SoftLabels, k: int) -> tuple[Markup, ...]:
    name = tag("b" if k == found.label else "span", found.class_names[k], class_="name")
    bars = [_bar("teacher", float(found.teacher[k])), _bar("student", float(found.student[k]))]
    return name, tag("span", *bars)


def _bar(party: str, share: float) -> Markup:
    fill = tag("i", class_=party, style=f"width:{100 * share:.1f}%")
    return tag("span", fill, tag("small", f"{party} {share:.1%}"), class_="bar")
