"""What all methods share that make up their inputs: of the transfer set they know the shape of a sample, and no more."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from workbench.methods.method import Method
from workbench.methods.parts.draws import Dice
from workbench.methods.parts.floating import floating
from workbench.models.generator import NOISE, Generator
from workbench.records.batch import Batch
from workbench.records.plan import Facts


class DataFreeMethod(Method):
    """Learns from inputs it makes itself; neither inputs nor labels of the transfer set are read.

    A step of the budget is one of the student, as in any other method. Gradients flow through the teacher to the inputs,
    its parameters receive none.
    """

    teacher_input_gradient = True
    own_inputs = True

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Takes the shape of a sample, and a seed.

        Raises:
            ValueError: the teacher is shown other inputs than the student.
            TypeError: inputs are not one floating-point tensor.
        """
        super().build(student_model, teacher_model, example, facts)
        self._refuse_pairs(example)
        given = floating(example.student_inputs, f"{self.name} makes up")
        self.shape, self.form = tuple(given.shape[1:]), {"device": given.device, "dtype": given.dtype}
        self.dice = Dice()
        self.dice.reseed()

    def made(self, batch: Batch, inputs: Tensor, labels: Tensor | None = None) -> Batch:
        """Inputs that were made up, in place of a batch, with the labels they were made for.

        Raises:
            ValueError: the teacher is to be shown other inputs than the student.
        """
        self._refuse_pairs(batch)
        return batch.but(student_inputs=inputs, labels=labels)

    def after_step(self, student: nn.Module, batch: Batch) -> None:
        """Counts."""
        self.dice.advance()

    def _refuse_pairs(self, batch: Batch) -> None:
        if batch.teacher_inputs is not None:
            raise ValueError(
                f"{self.name} makes up one input for both models and cannot show the teacher another one; use a setting "
                "without teacher inputs of its own, and no control that permutes targets"
            )


class GeneratorMethod(DataFreeMethod):
    """Makes its inputs from noise with a generator that is trained beside the student."""

    def build(self, student_model: nn.Module, teacher_model: nn.Module | None, example: Batch, facts: Facts) -> None:
        """Makes the generator."""
        super().build(student_model, teacher_model, example, facts)
        self.generator = Generator(self.shape).to(**self.form)

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """As many inputs as the batch has samples."""
        like = next(self.generator.parameters())
        noise = torch.randn(len(batch.ids), NOISE, generator=self.dice.thrown(self.turn()), dtype=like.dtype)
        return self.made(batch, self.generator(noise.to(like)))

    def turn(self) -> int:
        """Changes where the noise changes: at each step."""
        return int(self.dice.step)
