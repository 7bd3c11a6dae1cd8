"""What holds for every method of the catalogue, old or new."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest
import torch
from torch import nn

from tests.contracts.scene import FACTS, built, example_of, kinds_of, rows_of, scene
from workbench.methods.catalog import catalog, check_task, find, make
from workbench.methods.method import SEAMS, Method, Sum
from workbench.methods.parts.synthesis import DataFreeMethod
from workbench.records.parameters import parameters
from workbench.records.provenance import Evidence

METHODS = catalog()
every_method = pytest.mark.parametrize("cls", METHODS.values(), ids=METHODS)
PAIRS = {f"{kind}-{key}": (cls, kind) for key, cls in METHODS.items() for kind in kinds_of(cls)}
every_kind = pytest.mark.parametrize(("cls", "kind"), PAIRS.values(), ids=PAIRS)


def reads_layers(cls, side="guided"):
    method = built(cls).method
    return bool(method.student_layers if side == "guided" else method.teacher_layers)


# --- what forward returns -----------------------------------------------------------------------------------------
@every_kind
def test_terms_are_finite_one_per_sample_or_one_per_batch_and_keep_the_type(cls, kind):
    for dtype in (torch.float32, torch.float64):
        terms = scene(cls, kind, dtype).terms()
        assert cls.progress.term in {name.rpartition("/")[2] for name in terms}
        for name, term in terms.items():
            assert term.shape in ((), (8,)), name
            assert term.isfinite().all(), name
            assert term.dtype == dtype, name


@every_kind
def test_gradients_reach_students_and_adapters_but_never_the_teacher(cls, kind):
    here, reached = scene(cls, kind), set()
    for _, learners, teachers in here.stages():
        sum(term.sum() for term in here.ask(learners, teachers).values()).backward()
        for party, model in learners.items():
            assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters()), party
        reached |= {name for name, p in here.method.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert reached == {name for name, _ in here.method.named_parameters()}
    assert all(p.grad is None for p in here.teacher.parameters())


@every_kind
def test_the_order_of_the_batch_does_not_matter(cls, kind):
    order = torch.tensor([5, 2, 7, 0, 1, 6, 4, 3])
    here, there = scene(cls, kind), scene(cls, kind)
    straight, turned = here.terms(), there.terms(rows_of(there.batch, order))
    moves = not isinstance(here.method, DataFreeMethod)  # inputs that are made up follow no batch
    for name, term in straight.items():
        torch.testing.assert_close(turned[name], term[order] if term.dim() and moves else term, msg=name)


@every_method
def test_asking_twice_gives_the_same_terms_and_no_hook_stays_behind(cls):
    here = scene(cls)
    torch.testing.assert_close(here.terms(), here.terms(), rtol=0, atol=0)
    for model in (here.student, here.teacher):
        assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in model.modules())


@every_method
def test_a_batch_without_any_label_is_accepted(cls):
    here = scene(cls)
    bare = here.batch.but(labels=None)
    for name, term in here.terms(bare).items():
        assert term.isfinite().all()
        if name.endswith("/labels"):
            assert term.abs().sum() == 0


@pytest.mark.parametrize("samples", [1, 2])
@every_kind
def test_a_batch_of_one_or_two_samples_gives_finite_terms_and_gradients_while_training(cls, kind, samples):
    here = scene(cls, kind)
    here.batch = rows_of(here.batch, torch.arange(samples))
    for _, learners, teachers in here.stages():
        for model in learners.values():
            model.train()
        terms = here.ask(learners, teachers)
        assert all(term.isfinite().all() for term in terms.values())
        sum(term.sum() for term in terms.values()).backward()
        moved = [
            p.grad for model in (*learners.values(), here.method) for p in model.parameters() if p.grad is not None
        ]
        assert all(gradient.isfinite().all() for gradient in moved)


@every_method
def test_all_state_is_in_the_state_dict(cls):
    here, there = scene(cls, seed=1), scene(cls, seed=2)
    for _ in range(2):
        here.terms()
        here.method.after_step(here.student, here.batch)
    there.method.load_state_dict(here.method.state_dict())
    there.student.load_state_dict(here.student.state_dict())  # it may carry parts
    torch.testing.assert_close(there.terms(), here.terms(), rtol=0, atol=0)


# --- models that do not fit ---------------------------------------------------------------------------------------
class Opaque(nn.Module):
    """A model without layers."""

    def forward(self, inputs):
        return inputs[:, :3]


@every_method
def test_models_without_layers_are_refused_by_who_reads_layers_and_nobody_else(cls):
    here, method = built(cls), cls()
    pair = (method.prepare(Opaque()), Opaque() if cls.reads_teacher else None)
    if reads_layers(cls) or reads_layers(cls, "hint"):
        with pytest.raises(ValueError, match=r"Opaque has no .*layers"):
            method.build(*pair, example_of(here.batch), here.facts)
    elif not cls.needs:
        method.build(*pair, example_of(here.batch), here.facts)


@pytest.mark.parametrize("side", ["guided", "hint"])
@every_method
def test_a_layer_that_is_not_there_is_named_with_those_that_are(cls, side):
    read = reads_layers(cls, side) and (side == "guided" or cls.reads_teacher)
    if not read or "batch norm" in cls.needs:  # whatever batch norms there are
        assert side not in parameters(cls)
        return
    with pytest.raises(ValueError, match=r"no layer 'layer9'.*layer1"):
        scene(cls, **{side: "layer9"})


@every_method
def test_another_task_is_refused_with_the_ones_that_fit(cls):
    here = built(cls)
    with pytest.raises(ValueError, match=rf"works on {', '.join(cls.tasks)}; this setting's task is ranking"):
        cls().build(here.student, here.teacher, here.batch, type(FACTS)(12, 3, 100, 10, "ranking"))


def test_who_reads_texts_is_told_where_there_are_some():
    with pytest.raises(
        ValueError, match=r"gkd works on tokens; .* is ranking, .*; the settings tiny_lm and .* have texts"
    ):
        check_task("ranking", make("gkd"))


# --- configuration ------------------------------------------------------------------------------------------------
@every_method
def test_the_signature_is_annotated_with_literal_defaults_and_every_parameter_is_explained(cls):
    for name, parameter in inspect.signature(cls).parameters.items():
        assert parameter.annotation is not inspect.Parameter.empty, name
        assert parameter.default is None or isinstance(parameter.default, bool | int | float | str), name
    for name, parameter in parameters(cls).items():
        assert parameter.about, f"{name} has no line under Args"
        assert parameter.range or parameter.kind not in (int, float), f"{name} has no range"
        assert parameter.check(parameter.default) == parameter.default, name


@every_method
def test_the_configuration_goes_to_text_and_back(cls):
    method = cls()
    assert make(method.name, method.config()).config() == method.config()
    assert (
        make(method.name, {k: str(v) for k, v in method.config().items() if v is not None}).config() == method.config()
    )
    assert pickle.loads(pickle.dumps(method)).config() == method.config()
    assert type(make(method.name)) is cls


@every_method
def test_a_number_moved_while_running_acts_as_if_it_had_been_given(cls):
    moved = scene(cls)
    for name, parameter in parameters(cls).items():
        if parameter.kind not in (int, float) or "when the method is built" in parameter.about:
            continue
        value = parameter.kind((parameter.range.low + parameter.default) / 2) or parameter.range.low
        moved.method.change(name, value)
        torch.testing.assert_close(moved.terms(), scene(cls, **{name: value}).terms(), rtol=0, atol=0, msg=name)
        moved.method.change(name, parameter.default)


@every_method
def test_the_students_stages_share_the_whole_budget(cls):
    plans = built(cls).method.stages(FACTS)
    assert plans[-1].learner == "student"
    assert sum(plan.share for plan in plans if plan.learner == "student") == pytest.approx(1)
    seen = {"teacher"} if cls.reads_teacher else set()
    for plan in plans:
        assert {plan.teacher} <= seen | {None} if isinstance(plan.teacher, str | None) else {*plan.teacher} <= seen
        seen.add(plan.learner)


# --- provenance and names -----------------------------------------------------------------------------------------
@every_method
def test_source_evidence_and_explanation_are_there(cls):
    assert cls.citation.title
    assert cls.citation.authors
    assert 1900 < cls.citation.year < 2100
    assert cls.citation.arxiv == "" or re.fullmatch(r"\d{4}\.\d{4,5}", cls.citation.arxiv)
    assert refused(cls.evidence) == ""
    measured = cls.tasks[0] in ("classification", "tokens")  # where the benchmark has something to measure it on
    assert vars(cls)["cost"] in (("low", "medium", "high") if measured else (None,))
    explained = ("Cost",) if cls.cost == "high" else ()
    sections(inspect.getdoc(inspect.getmodule(cls)), "Formula", "Faithful to", "Departs from it", "Setting", *explained)
    sections(inspect.getdoc(cls), "Terms", "Example")


def refused(evidence):
    """What a reader could not look up: the repository, the file at a commit, or the equation."""
    if evidence.grade == "formula":
        return "" if re.search(r"\b(Eqs?|Algs?)\. \d", evidence.where) else "the number of an equation or algorithm"
    if evidence.grade != "code":
        return ""
    if not re.search(r"\b[\w.-]+/[\w.-]+ \(", evidence.where):
        return "the repository, and whose it is"
    return "" if re.search(r"[\w/-]+\.\w+ at [0-9a-f]{40}\b", evidence.where) else "a path at a commit"


@pytest.mark.parametrize(
    ("grade", "where", "lacking"),
    [
        ("code", "owner/name (authors), losses.py at 1e2f81692647991a80a1e97ffa14e2af915eaa6f", ""),
        ("code", "owner/name (authors), losses.py", "a path at a commit"),
        ("code", "losses.py at 1e2f81692647991a80a1e97ffa14e2af915eaa6f", "the repository"),
        ("formula", "Eqs. 6 to 10", ""),
        ("formula", "section 7, the smoothed labels", "the number of an equation"),
        ("abstract", "the abstract", ""),
    ],
)
def test_evidence_that_cannot_be_looked_up_is_refused(grade, where, lacking):
    found = refused(Evidence(grade, where))
    assert found.startswith(lacking) if lacking else not found


def sections(text, *names):
    for name in names:
        found = re.search(rf"^{name}:(.*?)(?=^\w[\w ]*:|\Z)", text, re.MULTILINE | re.DOTALL)
        assert found, f"no section {name}"
        assert found[1].strip(), f"section {name} is empty"


def test_names_and_aliases_lead_to_one_method_each():
    names = [
        n.lower().replace("_", "") for key, cls in METHODS.items() for n in {key, cls.__name__.lower(), *cls.aliases}
    ]
    spelled = {n: sum(n == other for other in names) for n in names}
    for key, cls in METHODS.items():
        assert all(find(name) is cls for name in (key, cls.__name__, *cls.aliases))
        assert all(spelled[alias.replace("_", "")] == 1 for alias in cls.aliases), key


def test_an_unknown_name_is_met_with_the_nearest():
    with pytest.raises(KeyError, match="no method 'attention_transfr'; nearest: attention_transfer"):
        find("attention_transfr")


# --- sums ---------------------------------------------------------------------------------------------------------
def test_a_sum_has_prefixed_terms_and_the_labels_once():
    kd, at, both = (
        scene(lambda name=name: make(name)) for name in ("kd", "attention_transfer", "kd+attention_transfer")
    )
    terms = both.terms()
    assert list(terms) == ["distill/labels", "distill/kd.soft", "distill/attention_transfer.attention"]
    torch.testing.assert_close(terms["distill/labels"], kd.terms()["distill/labels"])
    torch.testing.assert_close(terms["distill/kd.soft"], kd.terms()["distill/soft"])
    torch.testing.assert_close(terms["distill/attention_transfer.attention"], at.terms()["distill/attention"])


def test_a_sum_goes_to_text_and_back_and_its_numbers_can_be_moved():
    both = make("kd+rkd", {"kd.temperature": "2", "kd.transform": "standardize"})
    assert both.config()["kd.temperature"] == 2.0
    assert make(both.name, both.config()).config() == both.config()
    with pytest.raises(KeyError, match=r"no parameter 'at\.power'; known: kd\.temperature"):
        both.change("at.power", 1)


def test_a_sum_takes_one_gradient_rule_at_most():
    one, other = make("kd"), make("rkd")
    one.gradient_rule = rule = object()
    assert Sum(one, other).gradient_rule is rule
    other.gradient_rule = object()
    with pytest.raises(ValueError, match="at most one gradient rule in a sum; given: kd, rkd"):
        Sum(one, other)


@every_method
def test_who_brings_seams_of_its_own_is_not_added_and_everyone_else_is(cls):
    other = make("rkd" if cls is find("kd") else "kd")
    own = [seam for seam in SEAMS if getattr(cls, seam) is not getattr(Method, seam)]
    if own:
        with pytest.raises(ValueError, match=f"brings its own {own[0]}"):
            other + cls()
        return
    added = other + cls()
    names = [m.name for m in getattr(added, "methods", [added])]
    goes_into_the_other = cls.added_to is not Method.added_to and names == [other.name]
    assert goes_into_the_other or names == [other.name, cls().name]
