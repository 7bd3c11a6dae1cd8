"""A deployed student written to files says there what it says here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import workbench as wb
from workbench.engine.distill import collect
from workbench.methods.catalog import make
from workbench.records.run import Run
from workbench.settings.setting import Setting

BUDGET = wb.Budget(epochs=1, clip=5.0)


@pytest.fixture(scope="module")
def setting() -> Setting:
    return wb.settings.Digits(student_labels=60)


@pytest.fixture(scope="module")
def run(setting: Setting) -> Run:
    return collect(wb.distill(setting, make("labels_only"), BUDGET))


@pytest.mark.slow
def test_every_form_gives_the_stored_predictions_for_batches_of_any_size(
    run: Run, setting: Setting, tmp_path: Path
) -> None:
    found = run.export(tmp_path / "student")
    assert found.skipped == {}
    inputs = setting.test.batch(torch.arange(7)).student_inputs
    expected = run.predictions["student"][:7]
    weights = torch.load(found.files["state_dict"], weights_only=True)
    assert weights.keys() == load_file(found.files["safetensors"]).keys() == run.models["student"].keys()
    program = torch.export.load(found.files["torch.export"])
    assert np.allclose(program.module()(inputs).detach().numpy(), expected, atol=1e-5)

    from onnx.reference import ReferenceEvaluator

    session = ReferenceEvaluator(str(found.files["onnx"]))
    (said,) = session.run(None, {session.input_names[0]: inputs.numpy()})
    assert np.allclose(said, expected, atol=1e-4)
    about = json.loads(found.files["description"].read_text())
    assert about["id"] == run.id
    assert about["inputs"] == [{"shape": ["batch", *inputs.shape[1:]], "dtype": "torch.float32"}]


class Branching(nn.Module):
    """Its graph depends on its values, which no tracer can follow."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self.linear(inputs.flatten(1))
        return outputs if outputs.sum().item() > 0 else -outputs


@pytest.mark.slow
def test_a_form_that_a_net_cannot_take_is_left_out_and_the_others_are_written(tmp_path: Path) -> None:
    digits = wb.settings.Digits(student_labels=60)
    mine = wb.Setting(train=digits.train, test=digits.test, teacher=digits.teacher, student=Branching, name="branching")
    found = collect(wb.distill(mine, make("labels_only"), BUDGET)).export(tmp_path)
    assert set(found.files) == {"state_dict", "safetensors", "description"}
    assert set(found.skipped) == {"torch.export", "onnx"}
    assert all(found.skipped.values())
    assert not list(tmp_path.glob("*.part"))


def test_a_folder_that_cannot_be_made_is_one_clear_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"could not write .*file.student"):
        run.export(tmp_path / "file")
