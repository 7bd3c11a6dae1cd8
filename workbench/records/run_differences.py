"""The test samples on which two runs answer differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from workbench.records.run import Run


def differences(run: Run, other: Run, party: str) -> pd.DataFrame:
    """See ``Run.differences``."""
    import pandas as pd

    first, second = (_outputs(each, party) for each in (run, other))
    if not np.array_equal(run.test_ids, other.test_ids):
        raise ValueError(f"runs {run.id} and {other.id} were scored on different test samples")
    if first.shape != second.shape:
        raise ValueError(f"the outputs of {run.id} have shape {first.shape}, those of {other.id} {second.shape}")
    names = ("this", "other")
    table = {"id": run.test_ids, "label": _cells(run.test_labels)}
    if _of_classes(run, first):
        sides = [_answers(outputs, run.test_labels) for outputs in (first, second)]
        for column in ("answer", "confidence", "correct"):
            table |= {f"{column} ({name})": side[column] for name, side in zip(names, sides, strict=True)}
        differ = sides[0]["answer"] != sides[1]["answer"]
        rank = np.minimum(sides[0]["confidence"], sides[1]["confidence"])
    else:
        rank = np.abs(first.astype(np.float64) - second).reshape(len(first), -1).mean(1)
        table |= {f"answer ({name})": _cells(outputs) for name, outputs in zip(names, (first, second), strict=True)}
        table["distance"], differ = rank, rank > 0
    frame = pd.DataFrame(table).assign(_rank=rank)[differ]
    return frame.sort_values("_rank", ascending=False, kind="stable").drop(columns="_rank").reset_index(drop=True)


def _outputs(run: Run, party: str) -> np.ndarray:
    if party not in run.predictions:
        there = ", ".join(run.predictions) or "none"
        raise KeyError(f"run {run.id} has no predictions of {party!r}; it has {there}")
    return run.predictions[party]


def _of_classes(run: Run, outputs: np.ndarray) -> bool:
    """Whether a row of outputs holds the logits of one class label."""
    return outputs.ndim == 2 and run.test_labels.ndim == 1 and run.test_labels.dtype.kind in "iu"


def _answers(outputs: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    powers = np.exp(outputs.astype(np.float64) - outputs.max(1, keepdims=True))
    answer = outputs.argmax(1)
    return {"answer": answer, "confidence": (powers / powers.sum(1, keepdims=True)).max(1), "correct": answer == labels}


def _cells(values: np.ndarray) -> list[object]:
    return list(values) if values.ndim > 1 else values.tolist()
