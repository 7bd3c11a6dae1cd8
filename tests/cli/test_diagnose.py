"""`diagnose` asks what can be asked of a stored run or study, and says what does not apply."""

from __future__ import annotations

from tests.cli.conftest import Studies


def test_a_run_is_diagnosed(call, studies: Studies) -> None:
    wanted = studies.distilled.json["runs"]["kd"]["1"]
    found = call("diagnose", wanted, "--only", "agreement", "--json")
    assert found.status == 0
    assert found.json["about"] == wanted
    rows = {row["quantity"]: row for row in found.json["results"]["agreement"]["rows"]}
    assert rows["top1"]["low"] <= rows["top1"]["value"] <= rows["top1"]["high"]
    assert "agreement" in found.err


def test_the_text_says_the_same(call, studies: Studies) -> None:
    wanted = studies.distilled.json["runs"]["kd"]["1"]
    text = call("diagnose", wanted, "--only", "agreement").out
    assert "Student and teacher pick the same class on" in text
    assert "top1" in text


def test_an_unknown_diagnostic_is_one_line(call, studies: Studies) -> None:
    found = call("diagnose", studies.distilled.json["runs"]["kd"]["1"], "--only", "agrement")
    assert (found.status, found.out) == (2, "")
    assert "nearest: agreement" in found.err
