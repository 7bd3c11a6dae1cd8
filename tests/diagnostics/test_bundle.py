"""A bundle holds what a loop over single samples would have found, and refuses what does not belong together."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from workbench.data.transfer import TransferSet
from workbench.diagnostics.bundle import Bundle, bundle_of, digest


@pytest.fixture
def data() -> TransferSet:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(300, 1, 2, 3, generator=generator)
    return TransferSet(inputs, torch.arange(300) % 4, ids=1000 + torch.arange(300), teacher_inputs=-inputs)


@pytest.fixture
def net() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Dropout(0.5), nn.ReLU(), nn.Linear(5, 4))


def test_it_holds_what_each_sample_gives_alone(data: TransferSet, net: nn.Module) -> None:
    net.train()
    found = bundle_of({"student": net, "teacher": net}, data, ["1", "3"])
    assert net.training
    assert net[2].training
    hidden, last = net[1], net[4]
    for row in (0, 255, 256, 299):
        for name, sign in (("student", 1), ("teacher", -1)):
            inside = hidden(sign * data.inputs[row].reshape(1, 6))
            assert np.allclose(found.feature(name, "1")[row], inside.detach().numpy()[0], atol=1e-6)
            assert np.allclose(found.logits[name][row], last(inside.relu()).detach().numpy()[0], atol=1e-6)
    assert found.ids.tolist() == list(range(1000, 1300))
    assert found.labels.tolist() == [k % 4 for k in range(300)]
    assert found.feature("student", "3").shape == (300, 5)


def test_layers_may_differ_between_models(data: TransferSet, net: nn.Module) -> None:
    found = bundle_of({"a": net, "b": nn.Sequential(nn.Flatten(), nn.Linear(6, 4))}, data, {"a": ["1"]})
    assert {name: list(layers) for name, layers in found.features.items()} == {"a": ["1"], "b": []}
    with pytest.raises(KeyError, match=r"no feature '9' of 'a' in this bundle; recorded: .*'a': \['1'\]"):
        found.feature("a", "9")


def test_a_digest_tells_weights_apart(net: nn.Module) -> None:
    before = digest(net)
    assert before == digest(net)
    with torch.no_grad():
        net[1].bias[0] += 1e-6
    assert digest(net) != before


def test_what_cannot_be_is_refused(data: TransferSet, net: nn.Module) -> None:
    with pytest.raises(ValueError, match="no layer 'nothing'"):
        bundle_of({"a": net}, data, ["nothing"])
    with torch.no_grad():
        net[4].bias[0] = torch.nan
    with pytest.raises(ValueError, match="outputs of 'a' hold NaN"):
        bundle_of({"a": net}, data)
    with pytest.raises(ValueError, match=r"bundle of 2 samples.*logits of a has 3"):
        Bundle({"a": np.zeros((3, 2))}, {}, np.zeros(2, int), np.arange(2))
