"""How runs and studies are listed: plain values for tables and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

DAMAGED = {
    "runs": {
        **dict.fromkeys(("created", "setting", "method"), ""),
        **dict.fromkeys(("seed", "last", "selected", "teacher", "agreement", "seconds")),
        "config": {},
        "control": "none",
        "live_changes": 0,
        "leaks_test": False,
    },
    "studies": {"created": "", "setting": "", "arms": [], "seeds": []},
}
"""What stands for the values of a row that cannot be trusted."""


def entry(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as it is listed; in place of a damaged one the ``error`` about it, among its warnings."""
    if "error" in row:
        return {"id": row["id"], **DAMAGED[kind], "warnings": [str(row["error"])]}
    return _run(row) if kind == "runs" else _study(row)


def _run(row: Mapping[str, Any]) -> dict[str, Any]:
    by_party = {each["party"]: each for each in row["scores"]}
    student, teacher = by_party.get("student", {}), by_party.get("teacher", {})
    return {
        "id": row["id"],
        "created": _when(row["created"]),
        "setting": row["identity"]["setting"]["name"],
        "method": row["identity"]["method"]["name"],
        "config": row["identity"]["method"].get("config", {}),
        "control": row["control"],
        "seed": row["seed"],
        "last": student.get("last"),
        "selected": student.get("selected"),
        "teacher": teacher.get("last"),
        "agreement": row["facts"].get("agreement"),
        "seconds": row["facts"].get("seconds"),
        "live_changes": len(row["changes"]),
        "leaks_test": row["leaks_test"],
        "warnings": row["facts"].get("warnings", []),
    }


def _study(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "created": _when(row["created"]),
        "setting": row["study"]["setting"]["name"],
        "arms": list(row["study"]["arms"]),
        "seeds": row["study"]["seeds"],
        "warnings": [],
    }


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
