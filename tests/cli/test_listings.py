"""What `methods` and `settings` list is what the catalogues hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.methods.catalog import catalog as method_catalog
from workbench.settings.catalog import catalog as setting_catalog


def test_every_method_is_listed_with_its_paper_and_parameters(call) -> None:
    found = {entry["name"]: entry for entry in call("methods", "--json").json}
    assert list(found) == list(method_catalog())
    for name, cls in method_catalog().items():
        assert (found[name]["title"], found[name]["year"]) == (cls.citation.title, cls.citation.year)
        assert (found[name]["evidence"], found[name]["cost"]) == (cls.evidence.grade, cls.cost)
        assert found[name]["reads"]
        assert found[name]["learns"]


def test_a_parameter_is_listed_as_its_signature_says(call) -> None:
    kd = next(entry for entry in call("methods", "--json").json if entry["name"] == "kd")
    assert kd["parameters"]["temperature"] | {"about": ""} == {
        "kind": "float",
        "default": 4.0,
        "choices": [],
        "range": [0.5, 20.0],
        "optional": False,
        "about": "",
    }
    assert kd["parameters"]["temperature"]["about"].startswith("Softens both distributions")
    assert "hinton" in kd["aliases"]


def test_the_table_can_be_written_into_a_file_between_its_marks(call, tmp_path: Path) -> None:
    file = tmp_path / "mine.md"
    file.write_text("before <!-- methods: begin --> <!-- methods: end --> after")
    assert call("methods", "--family", "robust", "--markdown", str(file)).out == ""
    assert "| ard | robust | 2020 |" in file.read_text()
    file.write_text("nothing")
    assert call("methods", "--markdown", str(file)).status == 2
    assert file.read_text() == "nothing"


def test_a_family_can_be_asked_for(call) -> None:
    assert {entry["family"] for entry in call("methods", "--family", "logits", "--json").json} == {"logits"}


def test_an_unknown_family_is_answered_with_those_there_are(call) -> None:
    found = call("methods", "--family", "logit")
    assert (found.status, found.out) == (2, "")
    assert found.err.startswith("workbench: no family 'logit'; there are ")
    assert "features" in found.err


@pytest.mark.parametrize("verb", ["methods", "settings"])
def test_the_table_names_every_entry(call, verb: str) -> None:
    names = [entry["name"] for entry in call(verb, "--json").json]
    table = call(verb).out
    assert [name for name in names if name not in table] == []


def test_every_setting_is_listed(call) -> None:
    found = {entry["name"]: entry for entry in call("settings", "--json").json}
    assert list(found) == list(setting_catalog())
    assert found["digits"]["about"] == setting_catalog()["digits"].about
    assert found["digits"]["data"] == "here"
    assert list(found["two_moons"]["parameters"]) == ["student_labels", "transfer_inputs", "noise"]


def test_whether_data_is_here_is_looked_up(call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    assert _data(call) == {"cifar10": "to be downloaded", "cifar100": "to be downloaded", "fashion": "to be downloaded"}
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / "cifar-10-python.tar.gz").touch()
    for member in ("train", "test", "meta"):
        (tmp_path / "cifar-100-python").mkdir(exist_ok=True)
        (tmp_path / "cifar-100-python" / member).touch()
    assert _data(call) == {"cifar10": "here", "cifar100": "here", "fashion": "to be downloaded"}


def _data(call) -> dict[str, str]:
    entries = call("settings", "--json").json
    return {entry["name"]: entry["data"] for entry in entries if setting_catalog()[entry["name"]].source}
