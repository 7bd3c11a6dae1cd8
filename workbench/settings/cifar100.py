"""CIFAR-100 under the field's budget: for a GPU, or for a few epochs of patience."""

from __future__ import annotations

from workbench.data.augment import Normalise
from workbench.settings.cifar import Cifar, Epochs, Net


class Cifar100(Cifar):
    """Cifar100: colour images, 32 x 32, with the nets and the budget that distillation tables report; see ``Cifar``."""

    about = "60,000 colour photographs of 100 kinds of things, 32 x 32; resnet32x4 teaches resnet8x4"
    source = "cifar100"
    scale = Normalise((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761))

    def __init__(self, teacher_net: Net = "resnet32x4", student_net: Net = "resnet8x4", epochs: Epochs = 240) -> None:
        """Reads the archive."""
        super().__init__(teacher_net, student_net, epochs)
