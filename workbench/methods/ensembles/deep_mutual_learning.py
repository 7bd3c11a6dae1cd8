"""Two students of one design learn together, each from the labels and from the other's answers.

They start from different weights, so they doubt different classes; each copies what the other has found. In a step the
first moves, then the second, which sees the first where it now stands. The peer is detached in each one's loss; the first
student is the one that is scored. No teacher is needed.

Formula:
    L_k = mean_b CE(s_k, y) + mimic_weight * mean over the peers j of mean_b KL( softmax(s_j) || softmax(s_k) )
    s_k: logits of student k, (B, C);  y: labels (B,).

Faithful to: Zhang et al., CVPR 2018, Eqs. 5 to 9 and Algorithm 1.
Departs from it: nothing.
Setting: digits. On it we expect: the label loss falls below that of students that do not learn.
"""

from __future__ import annotations

from torch import Tensor

from workbench.maths.divergences import forward_kl
from workbench.methods.method import Method
from workbench.methods.ranges import Weight
from workbench.records.batch import Batch
from workbench.records.provenance import Citation, Evidence, Progress
from workbench.records.trace import Trace


class DeepMutualLearning(Method):
    """Peers that teach each other.

    Args:
        mimic_weight: Weight of the peers' answers; 1 in the paper.

    Terms: ``labels``, ``mimic``, ``peer_1.labels`` and ``peer_1.mimic``, (B,) each.

    Example:
        >>> import torch
        >>> batch = Batch(torch.arange(2), torch.zeros(2, 1), labels=torch.tensor([0, 1]))
        >>> pair = Trace(torch.zeros(2, 3)), Trace(torch.eye(2, 3))
        >>> sorted(DeepMutualLearning()(pair, None, batch))
        ['labels', 'mimic', 'peer_1.labels', 'peer_1.mimic']
    """

    citation = Citation("Deep Mutual Learning", "Zhang, Xiang, Hospedales, Lu", "CVPR", 2018, "1706.00384")
    evidence = Evidence(
        "code",
        "YingZhangDUT/Deep-Mutual-Learning (authors), train_models.py at c3d6ff1ecae282a1192be1b32aa38cfb669656ac",
    )
    progress = Progress("labels")
    terms = ("labels", "mimic", "peer_1.labels", "peer_1.mimic")
    cost = "medium"
    aliases = ("dml",)
    reads_teacher = False
    students = 2

    def __init__(self, mimic_weight: Weight = 1.0) -> None:
        super().__init__()
        self.mimic_weight = mimic_weight

    def forward(self, student: tuple[Trace, ...], teacher: None, batch: Batch) -> dict[str, Tensor]:
        """Each student's two terms, the first one's without a prefix."""
        terms: dict[str, Tensor] = {}
        for index, own in enumerate(student):
            peers = [peer.logits.detach() for other, peer in enumerate(student) if other != index]
            mimic = sum(forward_kl(own.logits, peer) for peer in peers) / len(peers)
            prefix = f"peer_{index}." if index else ""
            terms[f"{prefix}labels"] = self.label_loss(own, batch)
            terms[f"{prefix}mimic"] = self.mimic_weight * mimic
        return terms
