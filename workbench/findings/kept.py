"""What came out when the findings were last tried: one JSON file each, in ``data/findings/``."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path

from workbench.data.shipped import shipped
from workbench.findings.catalog import code_of
from workbench.records.files import SEAL, check, file_name, replacing, seal
from workbench.records.finding import Finding
from workbench.records.interval import Interval
from workbench.records.plain import plain


def kept(name: str) -> Finding | None:
    """The outcome that comes with the project, None if the claim was never tried."""
    try:
        path = shipped(f"findings/{name}.json")
    except KeyError:
        return None
    return read(path)


def is_stale(found: Finding) -> bool:
    """Whether the code that tried the claim has changed since."""
    return found.made.get("code") != code_of(found.name)


def keep(found: Finding, folder: Path) -> Path:
    """Write an outcome; the earlier one of the same name is replaced."""
    values = {f.name: getattr(found, f.name) for f in fields(found)}
    values["numbers"] = {name: interval.to_dict() for name, interval in found.numbers.items()}
    path = folder / f"{file_name(found.name)}.json"
    with replacing(path) as part:
        text = json.dumps({"seal": SEAL, **plain(values)}, indent=1, ensure_ascii=False)
        part.write_text(f"{text}\n", encoding="utf-8")
        seal(part)
    return path


def read(path: Path) -> Finding:
    """The inverse of ``keep``.

    Raises:
        ValueError: the file is not as it was written.
    """
    try:
        check(path)
        values = json.loads(path.read_text(encoding="utf-8"))
        del values["seal"]
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{path} is damaged ({error}); `workbench findings {path.stem} --keep {path.parent}` writes it again"
        ) from error
    values |= {name: tuple(values[name]) for name in ("seeds", "controls", "notes")}
    values["per_seed"] = {name: tuple(map(_number, row)) for name, row in values["per_seed"].items()}
    numbers = values["numbers"].items()
    bounds = ("mean", "low", "high")
    values["numbers"] = {name: Interval(**{**row, **{b: _number(row[b]) for b in bounds}}) for name, row in numbers}
    return Finding(**values)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
