"""What stands where nothing counts, or where nothing is possible, reaches neither a loss nor a gradient."""

from __future__ import annotations

import pytest
import torch

from tests.contracts import text
from tests.contracts.scene import built, kinds_of, scene
from workbench.engine.training.terms import Averages
from workbench.methods.catalog import catalog, family_of
from workbench.methods.parts.synthesis import DataFreeMethod
from workbench.models.tracing import Tracer
from workbench.records.batch import UNLABELLED
from workbench.records.trace import Trace

METHODS = catalog()
OF_TEXTS = {f"{kind}-{key}": (c, kind) for key, c in METHODS.items() if text.reads_text(c) for kind in kinds_of(c)}
AVERAGES = Averages(everyone_labelled=False)
GARBAGE = [float("nan"), float("-inf")]


def of_logits(cls):
    """Whether it reads outputs alone, of samples that it is given."""
    method = built(cls).method
    return not (method.student_layers or method.teacher_layers or issubclass(cls, DataFreeMethod))


OF_LOGITS = {key: cls for key, cls in METHODS.items() if of_logits(cls)}


def played(here, change):
    """Of each stage the averaged terms, and their gradients at everything that is read of the student, and at adapters.

    Args:
        here: the scene.
        change: (name or None for the outputs, tensor, batch) -> what the method is shown instead.
    """
    for _, learners, teachers in here.stages():
        with torch.random.fork_rng():
            torch.default_generator.manual_seed(0)
            batch = here.method.inputs(here.batch, learners) if here.facts.task == "tokens" else here.batch
        sides = (
            (learners.values(), here.method.student_layers, batch.student_inputs),
            (
                teachers,
                here.method.teacher_layers,
                batch.for_teacher,
            ),
        )
        own, theirs = ([leaves(Tracer(m, names)(x), batch, change) for m in models] for models, names, x in sides)
        shown = (side if len(side) > 1 else side[0] if side else None for side in (tuple(own), tuple(theirs)))
        terms = here.method(*shown, batch)
        losses = {k: AVERAGES(k, term, batch) for k, term in terms.items() if term.dim() < 2}
        sum(losses.values()).backward()
        read = [leaf for trace in own for leaf in (trace.outputs, *trace.features.values())]
        slopes = [tensor.grad for tensor in [*read, *here.method.parameters()] if tensor.grad is not None]
        yield losses, [slope.clone() for slope in slopes]
        here.method.zero_grad()


def leaves(trace, batch, change):
    features = {k: change(k, v.detach().clone(), batch).requires_grad_() for k, v in trace.features.items()}
    return Trace(change(None, trace.outputs.detach().clone(), batch).requires_grad_(), features)


def with_padding_of(value, *, every_token):
    """Outputs where nothing counts and no token has a label, and features of what is no token, hold a value.

    Args:
        value: of the garbage.
        every_token: the method compares the outputs of all tokens.
    """

    def change(name, tensor, batch):
        real = batch.student_inputs["attention_mask"].bool()
        read = real if name or every_token else batch.mask | (batch.labels != UNLABELLED)
        if tensor.dim() == 4:  # attention, by heads
            return tensor.masked_fill(~real[:, None, :, None], value)
        return tensor.masked_fill(~(read if len(read) == len(tensor) else real)[..., None], value)

    return change


@pytest.mark.parametrize("value", GARBAGE)
@pytest.mark.parametrize(("cls", "kind"), OF_TEXTS.values(), ids=OF_TEXTS)
def test_garbage_where_no_text_counts_gives_the_terms_and_gradients_of_zeros(cls, kind, value):
    zeros, garbage = (
        list(played(scene(cls, kind), with_padding_of(x, every_token=family_of(cls) == "encoders")))
        for x in (0.0, value)
    )
    torch.testing.assert_close(garbage, zeros)


def with_an_impossible_class(number):
    def change(name, tensor, batch):
        tensor[..., number] = -torch.inf
        return tensor

    return change


RAW = ("cka",)
"""What takes logits for points in space: minus infinity means nothing there."""


OF_CLASSES = {
    key: cls for key, cls in OF_LOGITS.items() if cls.tasks[0] in ("classification", "tokens") and key not in RAW
}


@pytest.mark.parametrize("cls", OF_CLASSES.values(), ids=OF_CLASSES)
def test_a_class_that_is_impossible_on_both_sides_gives_finite_terms_and_gradients(cls):
    here, number = scene(cls), 2
    if here.facts.task == "tokens":
        number = text.TOKENIZER.pad  # no token's label
    here.batch = here.batch.but(labels=here.batch.labels.masked_fill(here.batch.labels == number, 0))
    for losses, slopes in played(here, with_an_impossible_class(number)):
        assert all(loss.isfinite() for loss in losses.values()), losses
        assert all(slope.isfinite().all() for slope in slopes)
