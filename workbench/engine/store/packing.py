"""A run as one database row, its scores as rows of their own, and its arrays as named tensors; and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote, unquote

import torch
from torch import Tensor

from workbench.records.budget import Budget
from workbench.records.files import file_name
from workbench.records.run import Curve, Run, Scores


def row_of(run: Run) -> dict[str, Any]:
    """The plain values of a run, by column; those that runs are searched by are short and plain in every database."""
    return {
        "id": run.id,
        "setting": file_name(str(run.setting["name"])),
        "method": file_name(str(run.method["name"])),
        "control": run.control,
        "seed": run.seed,
        "budget": run.budget.to_dict(),
        "identity": {"setting": dict(run.setting), "method": dict(run.method)},
        "facts": dict(run.facts),
        "changes": [dict(change) for change in run.changes],
        "leaks_test": run.leaks_test,
    }


def score_rows(run: Run) -> list[dict[str, Any]]:
    """One row of scores per party; NaN becomes a missing value."""
    rows = [{"run": run.id, "party": party, **asdict(scores)} for party, scores in run.scores.items()]
    return [{key: None if value != value else value for key, value in row.items()} for row in rows]


def tensors_of(run: Run) -> dict[str, Tensor]:
    """Every array of a run under a name such as ``models/student/0.weight`` or ``curves/terms%2Fsoft/values``."""
    found: dict[tuple[str, ...], Any] = {("test", "ids"): run.test_ids, ("test", "labels"): run.test_labels}
    for party, outputs in run.predictions.items():
        found["predictions", party] = outputs
    for name, curve in run.curves.items():
        found["curves", name, "steps"], found["curves", name, "values"] = curve.steps, curve.values
    for party, model in run.models.items():
        found |= {("models", party, name): tensor for name, tensor in model.items()}
    return {_join(path): torch.as_tensor(values) for path, values in found.items()}


def run_of(row: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Run:
    """The inverse of the three above, the rows of scores being among the values of the row."""
    arrays: dict[str, dict[str, Any]] = {"test": {}, "predictions": {}, "curves": {}, "models": {}}
    for name, tensor in tensors.items():
        kind, first, *last = (unquote(part) for part in name.split("/"))
        if last:
            arrays[kind].setdefault(first, {})[last[0]] = tensor if kind == "models" else tensor.numpy()
        else:
            arrays[kind][first] = tensor.numpy()
    return Run(
        id=row["id"],
        setting=row["identity"]["setting"],
        method=row["identity"]["method"],
        budget=Budget.from_dict(row["budget"]),
        seed=row["seed"],
        control=row["control"],
        scores={s["party"]: _scores(s) for s in row["scores"]},
        curves={name: Curve(**parts) for name, parts in arrays["curves"].items()},
        predictions=arrays["predictions"],
        test_ids=arrays["test"]["ids"],
        test_labels=arrays["test"]["labels"],
        models=arrays["models"],
        changes=tuple(row["changes"]),
        facts=row["facts"],
        leaks_test=row["leaks_test"],
    )


def _scores(row: Mapping[str, Any]) -> Scores:
    numbers = {key: row[key] for key in ("last", "selected", "validation")}
    return Scores(
        **{key: math.nan if value is None else value for key, value in numbers.items()},
        selected_epoch=row["selected_epoch"],
    )


def _join(path: tuple[str, ...]) -> str:
    return "/".join(quote(part, safe="") for part in path)
