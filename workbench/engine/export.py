"""A deployed student as files that other programs can read."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import Dim, ExportedProgram

from workbench.records.exported import Exported
from workbench.records.files import replacing, write_text
from workbench.records.plain import plain
from workbench.records.revived import Revived
from workbench.records.run import Run

NEEDED = ("onnx", "onnxscript")
OPSET = 18


def export(run: Run, revived: Revived, folder: Path) -> Exported:
    """Write the student; see ``Run.export``.

    Args:
        run: described in ``run.json``.
        revived: its models.
        folder: made if it is not there.

    Raises:
        ValueError: the student is not a net.
        WriteFailed: a file cannot be written; the message names it.
    """
    student = revived.student
    if not isinstance(student, nn.Module) or not student.state_dict():
        raise ValueError(
            f"the student of run {run.id} is a {type(student).__name__} without tensors; nets are exported"
        )
    files, skipped = {}, {}
    writers = {
        "state_dict": ("student.pt", _state_dict),
        "safetensors": ("student.safetensors", _safetensors),
        "torch.export": ("student.pt2", _program),
        "onnx": ("student.onnx", _onnx),
    }
    inputs = revived.setting.test.batch(torch.arange(min(2, len(revived.setting.test)))).student_inputs
    for form, (name, write) in writers.items():
        try:
            with replacing(folder / name) as part, _quiet():
                write(student, inputs, part)
        except OSError:
            raise
        except Exception as error:  # whatever a tracer may raise on a net that it cannot follow
            skipped[form] = str(error).partition("\n")[0][:300] or type(error).__name__
        else:
            files[form] = folder / name
    files["description"] = folder / "run.json"
    write_text(files["description"], json.dumps(_described(run, inputs), indent=2, default=str))
    return Exported(files, skipped)


def _state_dict(student: nn.Module, inputs: Any, path: Path) -> None:
    torch.save(student.state_dict(), path)


def _safetensors(student: nn.Module, inputs: Any, path: Path) -> None:
    from safetensors.torch import save_model

    save_model(student, str(path))  # tensors that share storage are written once


def _program(student: nn.Module, inputs: Any, path: Path) -> None:
    with path.open("wb") as file:
        torch.export.save(_traced(student, inputs), file)


def _onnx(student: nn.Module, inputs: Any, path: Path) -> None:
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ModuleNotFoundError(f"needs {' and '.join(missing)}: pip install 'kd-workbench[export]'")
    program = torch.onnx.export(_traced(student, inputs), dynamo=True, opset_version=OPSET, verbose=False)
    if program is None:  # only of the exporter that dynamo=True replaces
        raise RuntimeError("no ONNX program was made")
    program.save(str(path), external_data=False)


def _traced(student: nn.Module, inputs: Any) -> ExportedProgram:
    """The student's graph for batches of any size, or of the size of ``inputs`` if it does not allow that."""
    positional = inputs if isinstance(inputs, tuple) else () if isinstance(inputs, dict) else (inputs,)
    named = inputs if isinstance(inputs, dict) else {}
    batch = {0: Dim("batch", min=1)}
    shapes: Any = dict.fromkeys(named, batch) if named else tuple(batch for _ in positional)
    student.eval()
    try:
        return torch.export.export(student, positional, named, dynamic_shapes=shapes)
    except Exception:  # a net that fixes its batch size cannot be traced for others
        return torch.export.export(student, positional, named)


def _described(run: Run, inputs: Any) -> dict[str, Any]:
    parts = inputs if isinstance(inputs, tuple) else inputs.values() if isinstance(inputs, dict) else (inputs,)
    return plain(
        {
            "id": run.id,
            "setting": run.setting,
            "method": run.method,
            "budget": run.budget.to_dict(),
            "seed": run.seed,
            "scores": {party: asdict(scores) for party, scores in run.scores.items()},
            "facts": run.facts,
            "inputs": [{"shape": ["batch", *part.shape[1:]], "dtype": str(part.dtype)} for part in parts],
        }
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """The tracers' notes on their own progress are not the user's concern."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
