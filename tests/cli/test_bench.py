"""Every benchmark runs on tiny sizes and says what it measured; what the numbers are is nobody's business here."""

from __future__ import annotations

import math

import pytest
import torch

from workbench.benchmarks import methods as timing
from workbench.benchmarks.measurement import TINY, Measurement, interleaved, ratio, repeated
from workbench.benchmarks.methods import cost_of, typical
from workbench.benchmarks.steps import LiveKD, engine_steps
from workbench.benchmarks.suite import HOMES, run
from workbench.methods.logits.kd import KD
from workbench.records.budget import Budget
from workbench.settings.setting import Setting

FAST = ("agreement", "store", "views", "cuda", "digits")


class Counting(torch.nn.Linear):
    asked = 0

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        Counting.asked += 1
        return super().forward(inputs)


def _check(name: str) -> None:
    entries = [entry for _, entries in run([name], TINY) for entry in entries]
    assert entries
    for entry in entries:
        assert entry.how
        assert entry.value is None or (math.isfinite(entry.value) and entry.value >= 0)
        assert (entry.passes is None) is (entry.bar is None or entry.value is None)


@pytest.mark.parametrize("name", FAST)
def test_it_runs_on_tiny_sizes(name: str) -> None:
    _check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in HOMES if name not in FAST])
def test_it_runs_on_tiny_sizes_slowly(name: str) -> None:
    _check(name)


@pytest.mark.parametrize(("method", "calls"), [(LiveKD, 5), (KD, 0)])
def test_the_teacher_is_asked_at_each_step_or_never(method: type[KD], calls: int, tmp_path) -> None:
    data = (torch.randn(40, 4), torch.arange(40) % 2), (torch.randn(10, 4), torch.arange(10) % 2)
    setting = Setting(*data, Counting(4, 2), torch.nn.Linear(4, 2), budget=Budget(epochs=100, batch_size=4))
    steps = engine_steps(setting, method(), tmp_path)
    next(steps)  # what comes before the first step asks the teacher, too
    Counting.asked = 0
    for _ in range(5):
        next(steps)
    assert Counting.asked == calls


def test_bench_prints_one_document(call) -> None:
    found = call("bench", "--only", "views", "--tiny", "--json")
    assert found.status == 0
    assert found.json["tiny"] is True
    assert [entry["name"] for entry in found.json["entries"]] == ["slider", "brush"]
    for entry in found.json["entries"]:
        assert set(entry) == {"name", "value", "unit", "bar", "how", "details", "passes"}
        assert entry["passes"] is (entry["value"] <= entry["bar"])
    assert "bench views" in found.err


def test_the_table_says_whether_a_bar_is_kept(call) -> None:
    table = call("bench", "--only", "cuda", "--only", "views", "--tiny").out
    assert "brush" in table
    assert "yes" in table or "NO" in table


def test_a_bar_is_kept_up_to_its_value() -> None:
    found = [Measurement("it", value, "s", bar, "how").passes for value, bar in ((1, 1), (2, 1), (1, None), (None, 1))]
    assert found == [True, False, None, None]


def test_contenders_take_turns_and_the_warm_up_is_left_out() -> None:
    order: list[str] = []

    def steps(name: str):
        while True:
            order.append(name)
            yield

    seconds = interleaved({name: steps(name) for name in "ab"}, steps=2, warm_up=1)
    assert "".join(order) == "ab" + "ba" + "ab"
    assert {name: len(values) for name, values in seconds.items()} == {"a": 2, "b": 2}


def test_a_ratio_is_one_of_medians() -> None:
    assert ratio({"a": [1.0, 3.0, 100.0], "b": [2.0, 2.0, 0.1]}, "a", "b") == 1.5


def test_repeats_leave_the_first_call_out() -> None:
    calls: list[int] = []
    assert len(repeated(lambda: calls.append(1), 3)) == 3
    assert len(calls) == 4


@pytest.mark.parametrize(
    ("ratio", "cost"), [(0.5, "low"), (1.5, "low"), (1.51, "medium"), (3.0, "medium"), (3.1, "high")]
)
def test_a_ratio_has_a_class(ratio: float, cost: str) -> None:
    assert cost_of(ratio) == cost


def test_the_first_step_counts_as_the_others_do_unless_it_works_for_many() -> None:
    assert typical([9.0, 1.0, 3.0]) == pytest.approx(6.0)
    assert typical([90.0, 1.0, 3.0]) == pytest.approx(94.0)
    assert typical([2.0]) == 2.0


def test_what_costs_more_than_it_declares_breaks_its_bar_and_further_models_count(monkeypatch) -> None:
    monkeypatch.setattr(
        timing, "_race", lambda *given: ({("student", "a"): [2.0] * 4, ("helper", "b"): [1.0] * 4}, [1.0] * 8)
    )
    entry = timing._measured("kd", timing.place_of("kd", 4), TINY)
    assert (entry.value, entry.bar, entry.passes) == (3.0, 1.5, False)
    assert entry.details["measured"] == "medium"
    assert entry.details["steps of the student alone"] == 2.0


def test_only_the_methods_are_measured_if_they_are_asked_for(call, monkeypatch) -> None:
    monkeypatch.setattr(timing, "catalog", lambda: {"kd": KD})
    found = call("bench", "--methods", "--tiny", "--json").json
    assert [entry["name"] for entry in found["entries"]] == ["method kd"]
    assert found["entries"][0]["details"]["declared"] == "low"
