"""CIFAR-100 under the field's budget: for a GPU, or for a few epochs of patience."""

from __future__ import annotations

from typing import Annotated

from workbench.data.augment import Normalise
from workbench.records.annotations import Range
from workbench.settings.cifar import Net, benchmark
from workbench.settings.setting import Setting

SCALE = Normalise((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761))


class Cifar100(Setting):
    """Cifar100: colour images, 32 x 32, with the nets and the budget that distillation tables report.

    SGD, learning rate 0.05 (0.01 for MobileNet and ShuffleNet), a tenth at 62.5, 75 and 87.5 % of the epochs; random
    crops and flips. One departure from the tables: a tenth of the training images is held out for validation.

    Args:
        teacher_net: Architecture of the teacher.
        student_net: Architecture of the student.
        epochs: Passes over the training images; the tables use 240.
    """

    about = "60,000 colour photographs of 100 kinds of things, 32 x 32; resnet32x4 teaches resnet8x4"
    source = "cifar100"

    def __init__(
        self,
        teacher_net: Net = "resnet32x4",
        student_net: Net = "resnet8x4",
        epochs: Annotated[int, Range(1, 240, 1)] = 240,
    ) -> None:
        """Reads the archive."""
        self.teacher_net, self.student_net, self.epochs = teacher_net, student_net, epochs
        super().__init__(**benchmark("cifar100", SCALE, teacher_net, student_net, epochs))
