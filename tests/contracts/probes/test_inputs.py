"""What the models see: text sampled from the student, two tokenizers, contexts, modalities, time, space and graphs."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.contracts.probes.world import blobs, play, run, setting, start, steps
from workbench.data.transfer import TransferSet
from workbench.methods.method import Method
from workbench.records import events
from workbench.records.batch import UNLABELLED, Batch
from workbench.records.budget import Budget
from workbench.settings.setting import Setting

SHORT = Budget(epochs=2, batch_size=16, learning_rate=0.05)


class Bigram(nn.Module):
    """Logits (B, L, V) of the next token from the present one."""

    def __init__(self, words, entries=None):
        super().__init__()
        self.table = nn.Embedding(entries or words, words)

    def forward(self, tokens):
        return self.table(tokens)


def text(samples, seed, length=6, words=5):
    """Sequences in which each word is mostly followed by the next one."""
    generator = torch.Generator().manual_seed(seed)
    tokens = [torch.randint(words, (samples,), generator=generator)]
    for _ in range(length):
        jump = torch.randint(words, (samples,), generator=generator)
        follows = torch.rand(samples, generator=generator) < 0.8
        tokens.append(torch.where(follows, (tokens[-1] + 1) % words, jump))
    sequence = torch.stack(tokens, 1)
    return sequence[:, :-1], sequence[:, 1:]


def language(**changes):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        teacher = Bigram(5)
    parts = {
        name: TransferSet(*text(n, k)) for k, (name, n) in enumerate((("train", 64), ("validation", 16), ("test", 32)))
    }
    given = {"teacher": teacher, "student": partial(Bigram, 5), "task": "tokens", "name": "text", "budget": SHORT}
    return Setting(**(parts | given | changes))


class OnPolicy(Method):
    """Reverse KL on text the student wrote itself; a 0 ends a text."""

    tasks = ("tokens",)

    def inputs(self, batch, students):
        with torch.no_grad():
            tokens, said, alive = batch.student_inputs[:, :1], [], [torch.ones(len(batch.ids), dtype=torch.bool)]
            for _ in range(5):
                choice = torch.distributions.Categorical(logits=students["student"](tokens)[:, -1])
                word = choice.sample()
                said.append(choice.log_prob(word))
                tokens = torch.cat([tokens, word[:, None]], 1)
                alive.append(alive[-1] & (word != 0))
        extras = {"behaviour": torch.stack(said, 1), "chosen": tokens[:, 1:]}
        return batch.but(student_inputs=tokens[:, :-1], labels=None, mask=torch.stack(alive[:-1], 1), extras=extras)

    def forward(self, student, teacher, batch):
        self.seen, self.answers = batch, student.logits.detach()
        log_student, log_teacher = F.log_softmax(student.logits, 2), F.log_softmax(teacher.logits, 2)
        gap = (log_student.exp() * (log_student - log_teacher)).sum(2)
        return {"reverse": (gap * batch.mask).sum(1) / batch.mask.sum(1)}


def test_on_policy_text_of_unequal_length_comes_from_the_student_as_it_stands():
    policy = start(language(), OnPolicy(), Budget(epochs=20, batch_size=16, learning_rate=0.5))
    found = []
    for event in play(policy):
        if isinstance(event, events.Step):
            found.append(event.terms["reverse"])
            seen = policy.method.seen
            literal = F.log_softmax(policy.method.answers, 2).gather(2, seen.extras["chosen"][:, :, None]).squeeze(2)
            torch.testing.assert_close(seen.extras["behaviour"], literal)
    assert len(seen.mask.sum(1).unique()) > 1, "texts end at different places"
    assert found[-1] < 0.5 * found[0]
    again = steps(start(language(), OnPolicy(), Budget(epochs=20, batch_size=16, learning_rate=0.5)))
    assert [event.terms["reverse"] for event in again] == found, "the same seed writes the same texts"


class Aligned(TransferSet):
    """The teacher reads pairs of letters: its sequence is half as long, its vocabulary the square."""

    def batch(self, rows, **rest):
        batch = super().batch(rows, **rest)
        ends = torch.arange(batch.student_inputs.shape[1]) // 2
        return batch.but(alignment=ends.expand(len(rows), -1))


class TwoTokenizers(Method):
    """Both should be equally sure where their texts meet; vocabularies need not."""

    tasks = ("tokens",)

    def forward(self, student, teacher, batch):
        self.seen = student.logits.detach(), teacher.logits, batch
        sure = [F.softmax(trace.logits, 2).amax(2) for trace in (student, teacher)]
        return {"sureness": (sure[0] - sure[1].gather(1, batch.alignment)).square().mean(1)}


def test_two_tokenizers_with_an_alignment():
    def paired(samples, seed):
        letters, labels = text(samples, seed)
        pairs = letters[:, ::2] * 5 + letters[:, 1::2]
        return Aligned(letters, labels, teacher_inputs=pairs)

    where = language(
        train=paired(64, 0),
        validation=paired(16, 1),
        test=paired(32, 2),
        teacher=Bigram(25),
        teacher_train=paired(64, 0),
    )
    tokenizers = start(where, TwoTokenizers())
    going = play(tokenizers)
    step = next(e for e in going if isinstance(e, events.Step))
    student, teacher, _ = tokenizers.method.seen
    assert student.shape == (16, 6, 5)
    assert teacher.shape == (16, 3, 25)
    literal = 0.0
    for b in range(16):
        for k in range(6):
            mine = max(F.softmax(student[b, k], 0).tolist())
            theirs = max(F.softmax(teacher[b, k // 2], 0).tolist())
            literal += (mine - theirs) ** 2 / (16 * 6)
    assert step.terms["sureness"] == pytest.approx(literal, rel=1e-5)
    *_, finished = going
    assert set(finished.run.scores) == {"student"}, "the teacher's words are not the student's labels"
    assert finished.run.facts["agreement"] is None


class Pooled(nn.Module):
    """Class logits from the mean of the word vectors; dropout shows that the student stays in training."""

    def __init__(self):
        super().__init__()
        self.words, self.head, self.drop = nn.Embedding(5, 8), nn.Linear(8, 3), nn.Dropout(0.5)

    def forward(self, tokens):
        return self.head(self.drop(self.words(tokens).mean(1)))


class Context(Method):
    """The student without a hint should answer as it does itself when it is given one."""

    teacher_source = "same_weights"

    def forward(self, student, teacher, batch):
        self.said = student.logits, teacher.logits, batch.for_teacher
        return {
            "context": (student.logits - teacher.logits).square().mean(1),
            "labels": self.label_loss(student, batch),
        }


def test_the_teacher_is_the_same_weights_in_another_context():
    def hinted(samples, seed):
        tokens, labels = text(samples, seed, words=3)
        return TransferSet(tokens, labels[:, 0], teacher_inputs=torch.cat([labels[:, :1] + 2, tokens], 1))

    where = setting(train=hinted(96, 0), validation=hinted(30, 1), test=hinted(60, 2), teacher=Pooled(), student=Pooled)
    context, before = start(where, Context()), None
    for event in play(context):
        model = context.trial.parties.get("student")
        if isinstance(event, events.Step):
            student, teacher, asked = context.method.said
            assert student.requires_grad
            assert not teacher.requires_grad
            assert model.drop.training, "the student goes on training"
            torch.testing.assert_close(teacher, before.eval()(asked).detach(), msg="no dropout in the teacher")
        before = copy.deepcopy(model)
    assert context.trial.done == {"student": 18}


class Unpaired(TransferSet):
    """Every student row meets some row of another modality, of other samples: sounds while it looks at pictures."""

    paired = False
    pool = torch.randn(40, 7, generator=torch.Generator().manual_seed(0))

    def batch(self, rows, *, teacher_rows=None, augment=None, generator=None):
        batch = super().batch(rows, augment=augment, generator=generator)
        met = torch.randint(len(self.pool), (len(rows),), generator=generator)
        return batch.but(teacher_inputs=self.pool[met], alignment=torch.full_like(rows, UNLABELLED))


class Moments(Method):
    """Only the distributions of the answers can be compared."""

    def forward(self, student, teacher, batch):
        assert (batch.alignment == -1).all()
        self.asked = batch.for_teacher
        shift = student.logits.mean(0) - teacher.logits.mean(0)
        return {"moments": shift.square().sum(), "labels": self.label_loss(student, batch)}


def test_unpaired_modalities(home):
    parts = {"train": Unpaired(*blobs(96)), "validation": Unpaired(*blobs(30, 2)), "test": Unpaired(*blobs(60, 1))}
    where = setting(**parts, teacher=nn.Linear(7, 3), teacher_train=TransferSet(*blobs(96)))
    unpaired, asked = start(where, Moments()), []
    for event in play(unpaired):
        if isinstance(event, events.Step):
            asked.append(unpaired.method.asked)
    assert not torch.equal(asked[0], asked[6]), "other samples in the next epoch"
    assert list((home / "teachers").glob("*")) == [], "an answer that belongs to no row is not kept"
    assert set(event.run.scores) == {"student"}
    with pytest.raises(ValueError, match="unpaired data"):
        run(where, Moments(), control="permuted_targets")


class Pulses(nn.Module):
    """One cell, run k times, as a spiking net does."""

    def __init__(self, times):
        super().__init__()
        self.times, self.cell, self.head = times, nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, inputs):
        state = inputs
        for _ in range(self.times):
            state = torch.tanh(self.cell(state))
        return self.head(state)


class Timed(Method):
    """Matches every second moment of the teacher's course."""

    def __init__(self):
        super().__init__()
        self.student_layers = self.teacher_layers = ("cell",)

    def forward(self, student, teacher, batch):
        self.shapes = student["cell"].shape, teacher["cell"].shape
        return {"course": (student["cell"] - teacher["cell"][::2]).square().mean((0, 2))}


def test_a_layer_that_runs_k_times_has_a_time_axis():
    timed = start(setting(teacher=Pulses(6), student=partial(Pulses, 3)), Timed(), Budget(epochs=15, batch_size=16))
    found = steps(timed)
    assert timed.method.shapes == ((3, 16, 4), (6, 16, 4))
    assert found[-1].terms["course"] < found[0].terms["course"]


class Regressed(Method):
    """Squared distance to the teacher's numbers, beside the task's own loss."""

    tasks = ("regression", "dense")

    def forward(self, student, teacher, batch):
        gap = (student.outputs - teacher.outputs).flatten(1).square().mean(1)
        return {"labels": self.label_loss(student, batch), "answers": gap}


def test_regression_outputs():
    def targets(samples, seed):
        inputs, _ = blobs(samples, seed)
        return TransferSet(inputs, torch.stack([inputs.sum(1), inputs[:, 0] * 2], 1))

    parts = {"train": targets(96, 0), "validation": targets(30, 1), "test": targets(60, 2)}
    where = Setting(**parts, teacher=nn.Linear(4, 2), student=partial(nn.Linear, 4, 2), task="regression", budget=SHORT)
    result = run(where, Regressed())
    outputs = torch.from_numpy(result.predictions["student"])
    assert result.scores["student"].last == pytest.approx(F.mse_loss(outputs, where.test.labels).item(), rel=1e-5)
    curve = result.curves["validation/student"].values
    best = int(curve.argmin()) + 1
    assert result.scores["student"].selected_epoch == best, "a small error is a good error"


def test_dense_outputs():
    def pictures(samples, seed):
        generator = torch.Generator().manual_seed(seed)
        images = torch.randn(samples, 1, 6, 6, generator=generator)
        labels = (images[:, 0] > 0).long() + (images[:, 0] > 1).long()
        labels[:, 0, 0] = UNLABELLED
        return TransferSet(images, labels)

    parts = {"train": pictures(64, 0), "validation": pictures(16, 1), "test": pictures(16, 2)}
    wide, narrow = partial(nn.Conv2d, 1, 3, 3, padding=1), partial(nn.Conv2d, 1, 3, 1)
    where = Setting(**parts, teacher=wide(), student=narrow, task="dense", budget=SHORT, class_names=("a", "b", "c"))
    result = run(where, Regressed())
    outputs, labels = torch.from_numpy(result.predictions["student"]), where.test.labels
    hits = [
        o == y for o, y in zip(outputs.argmax(1).flatten().tolist(), labels.flatten().tolist(), strict=True) if y >= 0
    ]
    assert result.scores["student"].last == pytest.approx(100 * sum(hits) / len(hits))
    assert len(hits) == 16 * 35


class Graph(TransferSet):
    """A whole graph: nodes that do not count in a part are masked, their neighbours see them all the same."""

    full_batch = True

    def batch(self, rows, **rest):
        mask = torch.zeros(len(self), dtype=torch.bool)
        mask[rows] = True
        labels = torch.where(mask, self.labels, UNLABELLED)
        return Batch(self.ids, self.inputs, labels, mask=mask)

    def batches(self, size):
        yield self.batch(torch.arange(len(self)))

    def subset(self, rows):
        labels = torch.full_like(self.labels, UNLABELLED)
        labels[rows] = self.labels[rows]
        return self._like(self.inputs, labels)


class Neighbours(nn.Module):
    """One layer of averaging over neighbours."""

    def __init__(self, width):
        super().__init__()
        self.first, self.second = nn.Linear(4, width), nn.Linear(width, 3)

    def forward(self, nodes, adjacency):
        return self.second(torch.relu(adjacency @ self.first(nodes)))


class OnNodes(Method):
    def forward(self, student, teacher, batch):
        self.seen = batch
        gap = (student.logits - teacher.logits).square().mean(1)
        return {"labels": self.label_loss(student, batch), "answers": gap}


def test_a_graph_is_one_batch_and_only_masked_nodes_count():
    nodes, labels = blobs(60)
    links = (labels[:, None] == labels) & (torch.rand(60, 60, generator=torch.Generator().manual_seed(0)) < 0.3)
    links = (links | links.T | torch.eye(60, dtype=torch.bool)).float()
    whole = Graph((nodes, links / links.sum(1, keepdim=True)), labels)
    train, valid, test = (whole.subset(torch.arange(a, b)) for a, b in ((0, 30), (30, 40), (40, 60)))
    where = Setting(
        train=train,
        validation=valid,
        test=test,
        teacher=Neighbours(16),
        teacher_train=train,
        student=partial(Neighbours, 4),
        budget=Budget(epochs=30),
    )
    graph = start(where, OnNodes())
    going = play(graph)
    step = next(e for e in going if isinstance(e, events.Step))
    *_, finished = going
    result, seen = finished.run, graph.method.seen
    assert graph.trial.done == {"student": 30}, "an epoch of a graph is one step"
    assert len(seen.ids) == 60
    assert seen.labels[30:].unique().tolist() == [UNLABELLED]
    assert step.terms["labels"] > 0
    outputs = torch.from_numpy(result.predictions["student"])
    right = [int(outputs[n].argmax()) == int(labels[n]) for n in range(40, 60)]
    assert result.scores["student"].last == pytest.approx(100 * sum(right) / 20)
    assert result.scores["student"].last > 60
