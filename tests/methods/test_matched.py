"""The content of a method's picture: against what the built method really traces, and by name for one of each kind."""

from __future__ import annotations

import pytest

from tests.contracts.scene import built
from workbench.methods.catalog import catalog
from workbench.methods.matched import matched
from workbench.methods.method import Method
from workbench.records.provenance import PARTS

METHODS = catalog()
every_method = pytest.mark.parametrize("cls", METHODS.values(), ids=METHODS)
INSIDE = {"layers", "features"}
BRANCHED = ("on_the_fly_ensemble",)  # its branches are layers of a wrapped student; it reads their logits


@every_method
def test_a_part_is_read_where_the_built_method_traces_one(cls) -> None:
    found, method = matched(cls), built(cls).method
    if method.name not in BRANCHED:
        assert bool(INSIDE & set(found.student_parts)) == bool(method.student_layers)
    if cls.reads_teacher:
        assert bool(INSIDE & set(found.partner_parts)) == bool(method.teacher_layers)
        assert found.partner


@every_method
def test_links_join_parts_that_are_read(cls) -> None:
    found = matched(cls)
    assert found.student_parts
    assert set(found.student_parts) | set(found.partner_parts) <= set(PARTS)
    assert all(mine in found.student_parts and theirs in found.partner_parts for mine, theirs in found.links)
    assert bool(found.links) == bool(found.partner)
    assert found.labels or found.terms


@every_method
def test_answers_are_kept_only_where_the_engine_can_keep_them(cls) -> None:
    """The conditions of the engine, on the built method: the data's inputs, no layers, no gradients, one teacher."""
    method, facts = built(cls).method, built(cls).facts
    alone = all(plan.teacher is None or isinstance(plan.teacher, str) for plan in method.stages(facts))
    own = type(method).inputs is not Method.inputs
    keeps = cls.reads_teacher and alone and not (own or method.teacher_layers or method.teacher_input_gradient)
    assert matched(cls).asked.startswith("once") == keeps


@pytest.mark.parametrize(
    ("key", "partner", "links", "rest"),
    [
        ("kd", "the teacher, frozen", "logits-logits", {"inputs": "the data", "terms": ("soft",), "labels": True}),
        ("rkd", "the teacher, frozen", "features-features", {"relations": True}),
        ("attention_transfer", "the teacher, frozen", "layers-layers", {"learnt": ""}),
        ("fitnets", "the teacher, frozen", "layers-layers logits-logits", {"learnt": "adapter"}),
        ("ofa_kd", "the teacher, frozen", "layers-logits logits-logits", {"learnt": "heads"}),
        ("norm_direction", "the teacher, frozen", "features-features", {"partner_parts": ("features", "logits")}),
        ("simkd", "the teacher, frozen", "layers-layers", {"labels": False}),
        ("dafl", "the teacher, frozen", "logits-logits", {"inputs": "made up, no data", "student_parts": ("logits",)}),
        ("gkd", "the teacher, frozen", "logits-logits", {"inputs": "texts, some written by a model"}),
        ("averaged_teachers", "several teachers, frozen", "logits-logits", {"asked": "at every step"}),
        ("teacher_assistant", "an assistant whom the teacher has taught", "logits-logits", {}),
        ("deep_mutual_learning", "a peer", "logits-logits", {"partner_learns": True, "asked": "no teacher is asked"}),
        ("okddip", "3 peers", "features-features logits-logits", {"partner_learns": True}),
        ("mean_teacher", "an average of its own past", "logits-logits", {"inputs": "the data, changed by the method"}),
        ("born_again", "the generation before", "logits-logits", {}),
        ("cs_kd", "itself: classmates", "logits-logits", {}),
        ("be_your_own_teacher", "its own deepest exit", "layers-layers features-features logits-logits", {}),
        ("labels_only", "", "", {"asked": "never", "terms": ()}),
        ("teacher_free", "", "", {"terms": ("reg_virtual",)}),
    ],
)
def test_one_of_each_kind(key, partner, links, rest) -> None:
    found = matched(METHODS[key])
    assert found.partner == partner
    assert " ".join("-".join(pair) for pair in found.links) == links
    assert {name: getattr(found, name) for name in rest} == rest


def test_a_picture_in_words() -> None:
    assert str(matched(METHODS["fitnets"])) == (
        "Inputs: the data. Partner: the teacher, frozen. Compared: layers, logits. Learnt between them: adapter. "
        "Terms: labels, hint, soft."
    )
    assert str(matched(METHODS["rkd"])).count("features as relations of samples") == 1
    assert str(matched(METHODS["labels_only"])) == "Inputs: the data. There is no partner. Terms: labels."
