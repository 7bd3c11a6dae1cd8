"""The wedge of a study's agreement is what the accuracies allow, and every measure has its own dots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.diagnostics.study_agreement.examples import stored
from workbench.diagnostics.study_agreement.measure import study_agreement_of
from workbench.drawing.draw import draw

RESULT = study_agreement_of(stored())


@pytest.mark.parametrize("classes", [2, 4])
def test_the_wedge_is_what_the_accuracies_allow(classes: int) -> None:
    """With two classes models that are both wrong agree, so that 30 % and 20 % cannot agree on less than half."""
    low = {arm: [0.1, 0.5, 0.95] for arm in RESULT.arms}
    teacher = dict.fromkeys(RESULT.arms, 0.7)
    made = replace(RESULT, classes=classes, teacher_accuracy=teacher, per_seed={**RESULT.per_seed, "accuracy": low})
    edge = draw(made).data[0]
    half = len(edge.x) // 2
    assert half >= 4  # both ends of the axis, the teacher's accuracy and where both together are right once
    for x, top, bottom in zip(edge.x[:half], edge.y[:half], edge.y[::-1], strict=False):
        assert top == pytest.approx(1 - abs(x - 0.7))
        assert bottom == pytest.approx(abs(x - 0.3) if classes == 2 else max(0, x - 0.3))


def test_another_measure_has_its_dots_and_no_wedge() -> None:
    made = draw(RESULT, measure="forward_kl")
    assert made.layout.yaxis.title.text == "KL from the teacher (nats)"
    dots = [trace for trace in made.data if trace.name == "one seed"]
    assert [list(trace.y) for trace in dots] == [RESULT.per_seed["forward_kl"][arm] for arm in RESULT.arms]
    assert not any("allowed" in trace.name for trace in made.data)
    low, high = made.layout.yaxis.range
    assert all(low < y < high for y in np.concatenate([trace.y for trace in dots]))
    with pytest.raises(KeyError, match="no measure 'kappa'; there are top1, phi, forward_kl"):
        draw(RESULT, measure="kappa")
