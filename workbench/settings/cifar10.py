"""CIFAR-10 under the field's budget: for a GPU, or for a few epochs of patience."""

from __future__ import annotations

from workbench.data.augment import Normalise
from workbench.settings.cifar import Cifar, Epochs, Net


class Cifar10(Cifar):
    """Cifar10: colour images, 32 x 32, with the nets and the budget that distillation tables report; see ``Cifar``."""

    about = "60,000 colour photographs of 10 kinds of animals and vehicles, 32 x 32; resnet56 teaches resnet20"
    source = "cifar10"
    scale = Normalise((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))

    def __init__(self, teacher_net: Net = "resnet56", student_net: Net = "resnet20", epochs: Epochs = 240) -> None:
        """Reads the archive."""
        super().__init__(teacher_net, student_net, epochs)
