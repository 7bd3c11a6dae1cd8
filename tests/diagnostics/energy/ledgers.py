"""Ledgers written by hand, for everything that reads them."""

from __future__ import annotations

from typing import Any

from workbench.energy.component import Component
from workbench.energy.cost import Cost

MACHINE = {"cores": 2, "preset": "server", "lacking": {"rapl": "there are no counters", "nvml_power": "no driver"}}
FLOPS_PER_CPU_S = 1e9


def row(stage: str, cpu_s: float, **given: Any) -> Cost:
    """A row whose operations go with its processor seconds."""
    flops = {"student forward": FLOPS_PER_CPU_S * cpu_s} if cpu_s else {}
    return Cost(stage, **({"wall_s": 1.5 * cpu_s, "cpu_s": cpu_s, "flops": flops} | given))


def book(
    student: float = 4.0,
    outputs: float | None = None,
    training: float | None = None,
    serving: tuple[float, float] = (1e-4, 1e-3),
    seed: int = 0,
    **changes: Any,
) -> dict[str, Any]:
    """The ledger of one run in processor seconds; with ``outputs`` it read a teacher that was trained earlier."""
    rows = [
        row("preparation", 0.1),
        row("student", student, steps=100, samples=6400),
        row("evaluation", 0.3, samples=900),
    ]
    shared: dict[str, Any] = {"teacher": {"t": {"paid": "given", "cost": None}}}
    if training is not None:
        shared["teacher"]["t"] = {"paid": "earlier", "cost": row("teacher_training", training).to_dict()}
    if outputs is not None:
        made = row("teacher_outputs", outputs, samples=1000, bytes=40_000)
        rows.append(made)
        shared["teacher_outputs"] = {"o": {"paid": "now", "cost": made.to_dict()}}
    served = dict(zip(("student", "teacher"), serving, strict=True))
    return {
        "stages": [each.to_dict() for each in rows],
        "shared": shared,
        "serving": {party: row("evaluation", 500 * s, samples=500).to_dict() for party, s in served.items()},
        "timeline": [[0.15, 0.1, "preparation"], [6.0, 4.0, "student"], [6.6, 4.4, "evaluation"]],
        "sessions": 1,
        "reads_teacher": outputs is not None,
        "machine": MACHINE,
        "began": 0.0,
        "ended": 10.0,
        "seed": seed,
        "device": "cpu",
        "score": {"student": 90.0 + seed, "teacher": 97.0},
        **changes,
    }


def pair(
    saved: float = 1.0, seeds: int = 5, outputs: float = 3.0, training: float | None = 20.0
) -> dict[str, list[Any]]:
    """Two arms; a distilled student saves so many processor seconds, up to some luck."""
    luck = (0.05, -0.1, 0.02, 0.08, -0.05, 0.0, -0.02)
    return {
        "labels_only": [book(5.0 + luck[k], seed=k) for k in range(seeds)],
        "kd": [book(5.0 - saved - luck[k], outputs, training, seed=k) for k in range(seeds)],
    }


def measured(book: dict[str, Any], stage: str, *components: Component) -> dict[str, Any]:
    """The same book with a stage that sensors saw."""
    rows = [
        found | {"components": [each.to_dict() for each in components]} if found["stage"] == stage else found
        for found in book["stages"]
    ]
    return book | {"stages": rows}
