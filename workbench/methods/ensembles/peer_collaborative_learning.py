"""Branches learn from a classifier on all their features at once, and from each other's moving averages.

The student carries peers: branches that share its lower layers. A classifier on the features of all is the peer ensemble;
the moving average of each peer's weights, which is steadier than the peer, teaches the others. Both are detached where they
teach; only the first peer, which is the student, is deployed. No teacher is needed.

Formula:
    L = sum_k mean_b CE(s_kb, y_b) + mean_b CE(e_b, y_b) + ramp * T^2 * ( soft_weight * sum_k mean_b KL( softmax(e_b / T) || softmax(s_kb / T) )
        + peer_weight * sum_k 1/(m - 1) sum_{j != k} mean_b KL( softmax(a_jb / T) || softmax(s_kb / T) ) )
    e = classifier(f_1, ..., f_m);  a_j: the average of peer j;  ramp: exp(-5 (1 - x)^2), x from 0 to 1 over ramp_up of the run
    s_k, f_k: logits (B, C) and penultimate features of peer k of m;  y: labels (B,).

Faithful to: Wu and Gong, AAAI 2021, the peer ensemble teacher and the peer mean teachers.
Departs from it: all peers see one view of a sample instead of one each; averages are asked in evaluation mode.
Cost: with m peers the layers above the fork are run 2m times, trained and averaged: some 3 times labels only.
Setting: digits. On it we expect: the label loss falls below that of a student that does not learn.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn

from workbench.maths.divergences import forward_kl
from workbench.methods.method import Method
from workbench.methods.parts.branches import Branch, Carrying
from workbench.methods.parts.layers import example_traces
from workbench.methods.parts.ramps import gaussian_ramp
from workbench.methods.ranges import Layer, Temperature, Weight
from workbench.models.tracing import penultimate_of, stages_of
from workbench.records.annotations import Range
from workbench.records.batch import Batch
from workbench.records.plan import Facts, StagePlan
from workbench.records.provenance import Citation, Evidence, Learns, Progress, Reads
from workbench.records.trace import Trace


class PeerCollaborativeLearning(Method):
    """Peers, their ensemble, and their averages.

    Args:
        peers: How many there are, the student among them; 3 as there. Read when the method is built.
        decay: How much of an average stays in a step; 0.999. Read when a stage begins.
        ramp_up: Share of the run over which both soft terms rise; 80 of 300 epochs.
        temperature: Softens all distributions; 3.
        soft_weight: Weight of the ensemble's answers; 1.
        peer_weight: Weight of the averages' answers; 1.
        guided: The lowest layer that peers do not share; None is the last stage.

    Terms: ``labels``, ``ensemble`` and ``averages``, added up over the peers, (B,) each.

    Example:
        >>> PeerCollaborativeLearning().teacher_source
        'ema'
    """

    citation = Citation(
        "Peer Collaborative Learning for Online Knowledge Distillation", "Wu, Gong", "AAAI", 2021, "2006.04147"
    )
    evidence = Evidence(
        "code",
        "shaoeric/Peer-Collaborative-Learning-for-Online-Knowledge-Distillation (not the authors), "
        "src/losses/loss_wrapper.py at 6afb4730bc5a35a11f7a0097ef94d0d17d3b6772, src/losses/kd_loss.py, src/controller.py "
        "and src/trainer.py",
        "the form of the ramp: there its exponent lacks the length",
    )
    progress = Progress("labels")
    terms = ("labels", "ensemble", "averages")
    reads = Reads(
        "the logits and penultimate features of all peers",
        student=("features", "logits"),
        partner=("features", "logits"),
    )
    learns = Learns(
        "the further peers, carried by the student until it is deployed, and classifier on all their features",
        between=("classifier",),
    )
    cost = "low"
    aliases = ("pcl",)
    reads_teacher = False
    teacher_source = "ema"

    def __init__(
        self,
        peers: Annotated[int, Range(2, 8, 1)] = 3,
        decay: Annotated[float, Range(0.0, 0.9999, 0.001)] = 0.999,
        ramp_up: Annotated[float, Range(0.0, 1.0, 0.01)] = 80 / 300,
        temperature: Temperature = 3.0,
        soft_weight: Weight = 1.0,
        peer_weight: Weight = 1.0,
        guided: Layer = None,
    ) -> None:
        super().__init__()
        self.peers, self.decay, self.ramp_up, self.temperature = peers, decay, ramp_up, temperature
        self.soft_weight, self.peer_weight, self.guided = soft_weight, peer_weight, guided
        self._done = 1.0

    def prepare(self, student: nn.Module) -> nn.Module:
        """A student that can carry peers."""
        return Carrying(student)

    def deployed(self, student: nn.Module) -> nn.Module:
        """The first peer."""
        return student.inner

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Grows the peers and the classifier; the layers are each peer's feature, then each further peer's logits."""
        super().build(student_model, teacher_model, example, facts)
        inner = student_model.inner
        stage = self.guided or stages_of(inner)[-1]
        entry, last = f"{stage}:input", penultimate_of(inner)
        trace = example_traces(inner, inner, ((stage, last), ()), example)[0]
        branches: list[nn.Module] = [Branch(inner, stage, example.student_inputs) for _ in range(self.peers - 1)]
        names = student_model.carry(branches, (entry,) * len(branches))
        self.student_layers = (f"inner.{last}", *(f"{name}.model.{last}" for name in names), *names)
        self.teacher_layers = names
        width = self.peers * trace[last].flatten(1).shape[1]
        self.classifier = nn.Linear(width, trace.logits.shape[1]).to(trace.logits)

    def stages(self, facts: Facts) -> tuple[StagePlan, ...]:
        """One stage; the averages follow the peers."""
        return (StagePlan(teacher=None),)

    def schedule(self, progress: float) -> None:
        """The share of the run that is done."""
        self._done = progress

    def forward(self, student: Trace, teacher: Trace, batch: Batch) -> dict[str, Tensor]:
        """The labels, the ensemble and the averages."""
        further = self.teacher_layers
        said = [student.logits, *(student[name] for name in further)]
        averages = [teacher.logits.detach(), *(teacher[name].detach() for name in further)]
        features = [student[name].flatten(1) for name in self.student_layers[: len(said)]]
        ensemble = self.classifier(torch.cat(features, 1))
        taught = torch.stack([forward_kl(one, ensemble.detach(), self.temperature) for one in said]).sum(0)
        pairs = [(one, other) for k, one in enumerate(said) for j, other in enumerate(averages) if j != k]
        mutual = torch.stack([forward_kl(one, other, self.temperature) for one, other in pairs]).sum(0)
        scale = gaussian_ramp(self._done, self.ramp_up) * self.temperature**2
        return {
            "labels": torch.stack([self.label_loss(Trace(one), batch) for one in (*said, ensemble)]).sum(0),
            "ensemble": scale * self.soft_weight * taught,
            "averages": scale * self.peer_weight * mutual / (len(said) - 1),
        }
