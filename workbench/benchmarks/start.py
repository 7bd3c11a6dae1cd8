"""What a newcomer waits for: the import, the help, the first distillation; each in a process of its own."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workbench.benchmarks.measurement import Measurement, Size, repeated

IMPORT = """
import sys, time
start = time.perf_counter()
import workbench
print(time.perf_counter() - start, int("torch" in sys.modules))
"""
DISTILL = "distill --setting digits --method kd --seeds 1 --quick --json"


def imported(size: Size) -> list[Measurement]:
    """``import workbench``, and the help of the command line."""
    found = [_python("-c", IMPORT).split() for _ in range(size.repeats + 1)][1:]
    seconds = [float(value) for value, _ in found]
    torch = any(int(flag) for _, flag in found)
    how = f"median of {size.repeats} fresh processes after one not counted, without the start of the interpreter"
    details = {"torch imported": torch, "largest (s)": max(seconds)}
    helped = repeated(lambda: _python("-m", "workbench.cli", "--help"), size.repeats)
    with_start = {"largest (s)": max(helped)}
    return [
        Measurement("import workbench", statistics.median(seconds), "s", 0.2, how, details),
        Measurement("torch imported by it", float(torch), "", 0, "looked up in sys.modules"),
        Measurement(
            "workbench --help", statistics.median(helped), "s", 0.5, how.replace("without", "with"), with_start
        ),
    ]


def first_distillation(size: Size) -> list[Measurement]:
    """Teacher, student and control on digits, from an empty home and a cold process."""
    with tempfile.TemporaryDirectory() as folder:
        epochs = [] if size.epochs > 2 else ["--epochs", str(size.epochs)]
        start = time.perf_counter()
        document = json.loads(_python("-m", "workbench.cli", *DISTILL.split(), *epochs, home=Path(folder)))
        seconds = time.perf_counter() - start
    details = {party: scores["mean"] for party, scores in document["scores"].items()}
    how = f"one cold process with an empty home: workbench {DISTILL}; imports, data and the teacher's training included"
    return [Measurement("first distillation", seconds, "s", 30, how, details)]


def _python(*arguments: str, home: Path | None = None) -> str:
    environment = os.environ | ({} if home is None else {"WORKBENCH_HOME": str(home), "WORKBENCH_DB": ""})
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"python {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
