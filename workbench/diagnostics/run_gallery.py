"""The cards of a run's test samples, with what its student and teacher say of them."""

from __future__ import annotations

import numpy as np

from workbench.data.transfer import TransferSet
from workbench.diagnostics.outputs import outputs_of
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.settings import catalog
from workbench.settings.setting import Setting
from workbench.widgets.gallery import Gallery

MOST_COLUMNS = 6

MOST_READ = 10_000
"""Of a larger set that is not in memory the samples are not read to be shown."""


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


def cards(data: TransferSet, look: str) -> np.ndarray | list[str]:
    """(N, H, W) or (N, H, W, 3) uint8 for images, else N short texts."""
    inputs = data.in_memory().inputs if len(data) <= MOST_READ else data.inputs
    if not hasattr(inputs, "numpy"):
        return [f"sample {int(i)}" for i in data.ids]
    if look == "image":
        return pixels(inputs.numpy())
    rows = inputs.reshape(len(data), -1)[:, :MOST_COLUMNS].numpy()
    more = ", ..." if inputs[0].numel() > MOST_COLUMNS else ""
    return [", ".join(f"{value:.3g}" for value in row) + more for row in rows]


def pixels(images: np.ndarray) -> np.ndarray:
    """(N, C, H, W) of one or three channels as uint8; numbers that are not uint8 are stretched over their range."""
    if images.dtype != np.uint8:
        low, high = float(images.min()), float(images.max())
        low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
        images = ((images - low) * (255 / (high - low or 1))).round().astype(np.uint8)
    return images[:, 0] if images.shape[1] == 1 else np.ascontiguousarray(np.moveaxis(images, 1, -1))
