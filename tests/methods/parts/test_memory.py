"""What grows with the square of a batch, or with the data, is refused before it is made, and said in the docstring."""

from __future__ import annotations

import pytest
import torch

from tests.contracts.scene import kinds_of, scene
from workbench.methods.catalog import catalog
from workbench.methods.declared import declared
from workbench.methods.parts import memory
from workbench.methods.parts.bank import AnswerBank, MemoryBank
from workbench.methods.parts.memory import refuse_larger
from workbench.methods.sequences.sequence_level_kd import TextBank

METHODS = catalog()


def test_a_table_is_refused_from_its_shape_alone():
    like = torch.empty(0)
    refuse_larger("tables", (2**15, 2**15), like, "shrink")
    with pytest.raises(ValueError, match=r"tables of 32,768 x 32,769 numbers take 4\.0 GiB, more than 4; shrink"):
        refuse_larger("tables", (2**15, 2**15 + 1), like, "shrink")
    with pytest.raises(ValueError, match=r"take 8\.0 GiB"):
        refuse_larger("tables", (2**15, 2**15), like.double(), "shrink")


def refuses(key, kind):
    """Whether a method builds a table that is measured first."""
    try:
        here = scene(METHODS[key], kind)
        here.terms()
        here.method.after_step(here.student, here.batch)
    except ValueError as error:
        return "numbers take" in str(error)
    return False


@pytest.mark.parametrize("key", METHODS)
def test_who_refuses_a_table_that_does_not_fit_states_its_memory(key, monkeypatch):
    monkeypatch.setattr(memory, "LARGEST", 0)
    said = declared(METHODS[key])
    stated = "memory" in said.cost.lower()
    assert any(refuses(key, kind) for kind in kinds_of(METHODS[key])) == stated


@pytest.mark.parametrize(
    "make",
    [lambda: MemoryBank(2**30, 128), lambda: AnswerBank(2**20, 2**11), lambda: _filled(2**29)],
    ids=["vectors", "answers", "texts"],
)
def test_a_bank_is_refused_from_its_size_alone(make):
    with pytest.raises(ValueError, match="GiB, more than 4; "):
        make()


def _filled(width):
    bank = TextBank(2)
    bank.keep(
        torch.tensor([1]), torch.zeros((1, 1), dtype=torch.int64).expand(1, width), torch.ones(1, 1).expand(1, width)
    )
