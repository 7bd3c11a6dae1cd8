"""What a Tracer records, what it leaves behind, and how it fails."""

from __future__ import annotations

import copy
import itertools
import pickle
import threading

import pytest
import torch
from torch import Tensor, nn

from workbench.models.layers import executed_layers, layers_of, penultimate_of, stages_of
from workbench.models.tracing import Tracer


class Recurrent(nn.Module):
    """Runs one cell k times."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k, self.cell, self.unused, self.head = k, nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.k):
            x = torch.tanh(self.cell(x))
        return self.head(x)


class Pair(nn.Module):
    """Adds two inputs after a layer each."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(2, 4), nn.Linear(3, 4)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.left(a) + self.right(input=b)


class Answer(nn.Module):
    """Returns what it is told to make of its inputs."""

    def __init__(self, wrap) -> None:
        super().__init__()
        self.wrap, self.body = wrap, nn.Identity()

    def forward(self, x: Tensor) -> object:
        return self.wrap(self.body(x))


class Output:
    """As Hugging Face models return it."""

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits


def inplace_net() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(32, 5)
    )


def hooks(module: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in module.modules())


def test_outputs_and_features_are_those_of_the_layers() -> None:
    net, x = inplace_net().eval(), torch.randn(2, 1, 8, 8)
    trace = Tracer(net, ["0", "3:input", "5:input", "5"])(x)
    first = net[0](x)
    active = torch.relu(net[1](first))
    flat = net[3](active).flatten(1)
    torch.testing.assert_close(trace["0"], first)
    torch.testing.assert_close(trace["3:input"], active)
    torch.testing.assert_close(trace["5:input"], flat)
    torch.testing.assert_close(trace["5"], trace.logits)
    torch.testing.assert_close(trace.logits, net[5](flat))
    with pytest.raises(KeyError, match="recorded"):
        trace["1"]


def test_nothing_is_left_on_the_module() -> None:
    net = inplace_net()
    before = {name: set(vars(m)) for name, m in net.named_modules()}
    with Tracer(net, ["1", "2", "0:input"]) as tracer:
        assert hooks(net) == 0
        tracer(torch.randn(2, 1, 8, 8))
        assert hooks(net) == 0
        copied = pickle.loads(pickle.dumps(copy.deepcopy(net)))
        with pytest.raises(RuntimeError):
            tracer(torch.randn(2, 7, 8, 8))
        assert hooks(net) == hooks(copied) == 0
    assert {name: set(vars(m)) for name, m in net.named_modules()} == before
    with pytest.raises(RuntimeError, match="closed"):
        tracer(torch.randn(2, 1, 8, 8))


def test_without_layers_no_hook_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = inplace_net().eval(), torch.randn(2, 1, 8, 8)
    expected = net(x)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a hook was registered")

    monkeypatch.setattr(nn.Module, "register_forward_hook", refuse)
    monkeypatch.setattr(nn.Module, "register_forward_pre_hook", refuse)
    trace = Tracer(net)(x)
    assert torch.equal(trace.outputs, expected)
    assert trace.features == {}


@pytest.mark.parametrize(
    "modes", list(itertools.permutations([torch.enable_grad, torch.no_grad, torch.inference_mode]))
)
def test_what_is_overwritten_in_place_is_kept(modes) -> None:
    net, x = inplace_net().eval(), torch.randn(4, 1, 8, 8)
    first = net[0](x).detach()
    normalised = net[1](first).detach()
    assert (normalised < 0).any()
    tracer = Tracer(net, ["0", "1", "2:input", "2"])
    for mode in (*modes, *modes):
        with mode():
            trace = tracer(x)
            assert torch.equal(trace["0"], first)
            assert torch.equal(trace["1"], normalised)
            assert torch.equal(trace["2:input"], normalised)
            assert torch.equal(trace["2"], normalised.relu())


def test_only_what_is_overwritten_is_copied() -> None:
    net, x = inplace_net(), torch.randn(2, 1, 8, 8)
    seen: list[Tensor] = []
    for layer in (net[0], net[1]):
        layer.register_forward_hook(lambda _layer, _inputs, output: seen.append(output))
    tracer = Tracer(net, ["0", "1"])
    for _ in range(2):  # the first pass copies both until it knows, and yet hands out the original where it may
        seen.clear()
        trace = tracer(x)
        assert trace["0"] is seen[0]
        assert trace["1"] is not seen[1]


def test_an_overwrite_that_comes_later_is_an_error() -> None:
    class Moody(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.overwrite = nn.Linear(2, 2), False

        def forward(self, x: Tensor) -> Tensor:
            y = self.inner(x)
            return y.relu_() if self.overwrite else y.relu()

    net = Moody()
    tracer = Tracer(net, ["inner"])
    tracer(torch.randn(3, 2))
    net.overwrite = True
    with pytest.raises(RuntimeError, match=r"'inner' was overwritten in place"):
        tracer(torch.randn(3, 2))
    assert torch.equal(Tracer(net, ["inner"])(torch.ones(1, 2))["inner"], net.inner(torch.ones(1, 2)))


def test_gradients_flow_through_features() -> None:
    net, x = inplace_net(), torch.randn(2, 1, 8, 8)
    trace = Tracer(net, ["1", "3:input"])(x)
    (trace["1"].sum() + trace["3:input"].square().sum()).backward()
    assert net[0].weight.grad.abs().sum() > 0
    assert net[5].weight.grad is None
    assert not Tracer(net, ["1"])(x)["1"].is_leaf
    with torch.no_grad():
        assert not Tracer(net, ["1"])(x)["1"].requires_grad


def test_a_layer_that_runs_several_times_is_stacked() -> None:
    net, x = Recurrent(3), torch.randn(5, 3)
    trace = Tracer(net, ["cell", "cell:input", "head"])(x)
    states, inputs = [], []
    state = x
    for _ in range(3):
        inputs.append(state)
        states.append(net.cell(state))
        state = states[-1].tanh()
    torch.testing.assert_close(trace["cell"], torch.stack(states))
    torch.testing.assert_close(trace["cell:input"], torch.stack(inputs))
    assert trace["cell"].shape == (3, 5, 3)
    assert Tracer(Recurrent(1), ["cell"])(x)["cell"].shape == (5, 3)


def test_runs_of_different_shape_cannot_be_stacked() -> None:
    net = Answer(lambda y: net.body(y[:1]))
    with pytest.raises(ValueError, match=r"'body' ran 2 times with shapes \[\(4, 2\), \(1, 2\)\]"):
        Tracer(net, ["body"])(torch.randn(4, 2))


@pytest.mark.parametrize(
    "inputs", [(torch.ones(4, 2), torch.ones(4, 3)), {"b": torch.ones(4, 3), "a": torch.ones(4, 2)}]
)
def test_tuples_and_dicts_are_unpacked(inputs) -> None:
    net = Pair()
    trace = Tracer(net, ["left:input", "right:input", "left"])(inputs)
    torch.testing.assert_close(trace.outputs, net(torch.ones(4, 2), torch.ones(4, 3)))
    assert torch.equal(trace["left:input"], torch.ones(4, 2))
    assert torch.equal(trace["right:input"], torch.ones(4, 3))  # the layer got it by keyword


@pytest.mark.parametrize(
    "wrap", [Output, lambda y: (y, "more"), lambda y: [y], lambda y: {"loss": None, "logits": y}, lambda y: y]
)
def test_logits_are_found_in_what_models_return(wrap) -> None:
    x = torch.randn(3, 2)
    assert torch.equal(Tracer(Answer(wrap))(x).logits, x)


@pytest.mark.parametrize("wrap", [lambda _: None, lambda _: (), lambda y: {"scores": y}, lambda _: ("a",)])
def test_outputs_without_a_tensor_are_refused(wrap) -> None:
    with pytest.raises(TypeError, match=r"the model is \w+, not a tensor; what works"):
        Tracer(Answer(wrap))(torch.randn(3, 2))


def test_an_unknown_layer_lists_the_layers_nearest_first() -> None:
    with pytest.raises(ValueError, match=r"no layer 'cel'.*\['cell', .*'unused'"):
        Tracer(Recurrent(1), ["cel"])
    with pytest.raises(ValueError, match=r"no layer 'cell:output'; a feature is 'layer', 'layer:input'"):
        Tracer(Recurrent(1), ["cell:output"])


def test_a_layer_that_never_ran_is_an_error_that_lists_those_that_did() -> None:
    net = nn.Sequential(nn.BatchNorm1d(3), Recurrent(2)).train()
    with pytest.raises(RuntimeError, match=r"\['1.unused'\] did not run in this pass.*'1.cell'"):
        Tracer(net, ["1.unused", "1.cell"])(torch.randn(4, 3))
    assert net[0].num_batches_tracked == 1  # looking for the list did not train anything
    assert all(m.training for m in net.modules())


def test_two_threads_tracing_one_module_do_not_mix() -> None:
    inside, go = threading.Event(), threading.Event()

    class Slow(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if x[0, 0] == 1:
                inside.set()
                go.wait(10)
            return x

    net = nn.Sequential(Slow(), nn.Identity())
    traces = {}
    first = threading.Thread(target=lambda: traces.update(a=Tracer(net, ["0", "1"])(torch.ones(1, 1))))
    first.start()
    inside.wait(10)
    traces["b"] = Tracer(net, ["0", "1"])(torch.zeros(1, 1))
    go.set()
    first.join()
    for name, value in (("a", 1.0), ("b", 0.0)):
        assert torch.equal(traces[name]["0"], torch.full((1, 1), value))
        assert torch.equal(traces[name]["1"], torch.full((1, 1), value))


def test_layers_are_named_and_run_in_order() -> None:
    net = Recurrent(2)
    assert layers_of(net) == ["cell", "unused", "head"]
    assert executed_layers(net, torch.randn(1, 3)) == ["cell", "head"]
    assert hooks(net) == 0
    assert net.training


def test_the_penultimate_feature_is_the_input_of_the_last_linear() -> None:
    class HeadFirst(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head, self.body = nn.Linear(4, 2), nn.Linear(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.body(x))

    assert penultimate_of(inplace_net()) == "5:input"
    assert penultimate_of(HeadFirst()) == "body:input"  # all that registration can tell
    assert penultimate_of(HeadFirst(), torch.randn(2, 3)) == "head:input"
    with pytest.raises(ValueError, match=r"has no nn.Linear.*layers: \['0', '1'\]"):
        penultimate_of(nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU()))


def test_stages_are_declared_or_read_from_the_structure() -> None:
    block = lambda: nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())  # noqa: E731
    head = nn.Sequential(nn.Dropout(), nn.Linear(1, 2))
    declared = nn.Sequential(block(), block(), nn.Linear(1, 2))
    declared.feature_layers = ("1",)
    assert stages_of(declared) == ["1"]
    assert stages_of(nn.Sequential(nn.Conv2d(1, 1, 1), block(), block(), nn.ReLU(), head)) == ["1", "2"]
    assert stages_of(nn.ModuleDict({"trunk": nn.Sequential(block(), block()), "head": head})) == ["trunk.0", "trunk.1"]
    assert stages_of(nn.ModuleDict({"blocks": nn.ModuleList([block(), block()]), "fc": nn.Linear(1, 2)})) == [
        "blocks.0",
        "blocks.1",
    ]
    assert stages_of(inplace_net()) == ["0", "3"]
    with pytest.raises(ValueError, match=r"Linear has no feature stages; name the layers"):
        stages_of(nn.Linear(2, 2))
