"""What several models say and compute about the same samples: the stored form of their traces.

How it is measured: one pass of each model over the same samples in the same order, in evaluation mode, without
augmentation. Reading it: every diagnostic that compares models starts from one. When it misleads: features of a network
that pools or crops differ in size between models; a diagnostic that needs equal sizes says so.
Cost: one forward pass per model; memory N x (C + D) float32 for each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import nn

    from workbench.data.transfer import TransferSet

Tell = Callable[[float, str], object]
SIZE = 256


@dataclass(frozen=True)
class Bundle:
    """Outputs and features of models on the same N samples.

    Attributes:
        logits: by model, (N, C) float32.
        features: by model and layer, (N, ...) float32.
        labels: (N,) labels.
        ids: (N,) sample ids; the same order for every model.
        data: digest of the samples.
        weights: digest of each model's weights.
    """

    logits: Mapping[str, np.ndarray]
    features: Mapping[str, Mapping[str, np.ndarray]]
    labels: np.ndarray
    ids: np.ndarray
    data: str = ""
    weights: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse arrays that are not about the same samples."""
        counts = {"labels": len(self.labels)} | {f"logits of {name}": len(z) for name, z in self.logits.items()}
        counts |= {f"{layer} of {name}": len(f) for name, found in self.features.items() for layer, f in found.items()}
        if wrong := {what: count for what, count in counts.items() if count != len(self.ids)}:
            shown = ", ".join(f"{what} has {count}" for what, count in wrong.items())
            raise ValueError(f"a bundle of {len(self.ids)} samples needs as many rows everywhere; {shown}")

    def feature(self, model: str, layer: str) -> np.ndarray:
        """One feature, a row per sample: (N, D).

        Raises:
            KeyError: the model or the layer was not recorded; the message lists what was.
        """
        found = self.features.get(model, {})
        if layer not in found:
            known = {name: list(layers) for name, layers in self.features.items()}
            raise KeyError(f"no feature {layer!r} of {model!r} in this bundle; recorded: {known}")
        return found[layer].reshape(len(self.ids), -1)


def bundle_of(
    models: Mapping[str, nn.Module],
    data: TransferSet,
    layers: Mapping[str, Sequence[str]] | Sequence[str] = (),
    *,
    tell: Tell | None = None,
) -> Bundle:
    """Ask every model about every sample.

    Args:
        models: by name.
        data: the samples, with their ids; a model named ``teacher`` is shown the teacher's inputs.
        layers: to record, as in a ``Trace``: the same for all models, or by model.
        tell: called with the share done in [0, 1] and a message.

    Raises:
        ValueError: a layer is not there; the message lists the model's layers. Or an output is not finite.
    """
    logits, features, tell = {}, {}, tell or (lambda share, words: None)
    for done, (name, model) in enumerate(models.items()):
        wanted = layers.get(name, ()) if isinstance(layers, Mapping) else layers
        tell(done / len(models), f"asking {name}")
        logits[name], features[name] = _pass(model, data.as_teacher_sees() if name == "teacher" else data, wanted)
        if not np.isfinite(logits[name]).all():
            raise ValueError(f"the outputs of {name!r} hold NaN or infinite values; its training has diverged")
    labels = np.zeros(len(data), np.int64) - 1 if data.labels is None else data.labels.cpu().numpy()
    weights = {name: digest(model) for name, model in models.items()}
    return Bundle(logits, features, labels, data.ids.cpu().numpy(), data.digest(), weights)


def digest(model: nn.Module) -> str:
    """16 hexadecimal digits that differ when a weight does."""
    sha = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        sha.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()[:16]


def _pass(model: nn.Module, data: TransferSet, layers: Sequence[str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    import torch

    from workbench.models.layers import evaluating
    from workbench.models.tracing import Tracer

    outputs, found = [], {layer: [] for layer in layers}
    with evaluating(model), torch.no_grad(), Tracer(model, layers) as tracer:
        for batch in data.batches(SIZE):
            trace = tracer(batch.student_inputs)
            outputs.append(trace.outputs.float().cpu().numpy())
            for layer in layers:
                found[layer].append(trace[layer].float().cpu().numpy())
    return np.concatenate(outputs), {layer: np.concatenate(parts) for layer, parts in found.items()}
