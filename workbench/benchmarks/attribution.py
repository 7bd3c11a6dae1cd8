"""Time to explain images: a teacher, a student and its control, with all numbers."""

from __future__ import annotations

import statistics
import time

from workbench.benchmarks.measurement import Measurement, Size, repeated, threads

IMAGES, STEPS, SIDE, CLASSES = 64, 32, 28, 10
WIDTHS = {"teacher": (16, 32, 64, 128), "student": (8, 16, 32), "control": (8, 16, 32)}  # as in the setting Fashion


def attributed(size: Size) -> list[Measurement]:
    """``attribution`` of images by integrated gradients, on the nets of Fashion-MNIST with weights as they start."""
    import torch

    from workbench.data.transfer import TransferSet
    from workbench.diagnostics.attribution.measure import attribution
    from workbench.diagnostics.attribution.measure_maps import Maps, collected
    from workbench.diagnostics.attribution.measure_plan import Plan
    from workbench.models.convnet import ConvNet

    count = min(IMAGES, size.samples)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(count, 1, SIDE, SIDE, generator=generator)
    data = TransferSet(images, torch.arange(count) % CLASSES)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        models = {party: ConvNet(1, widths, CLASSES).eval() for party, widths in WIDTHS.items()}
    plan = Plan(steps=STEPS)

    def explain() -> Maps:
        return collected(models, data, images, plan, "image")

    with threads(1):
        whole = repeated(lambda: attribution(explain(), plan, look="image"), size.repeats)
        began = time.process_time()
        most = max(int(steps.max()) for steps in explain().steps.values())
        processor = time.process_time() - began
    about = (
        f"median of {size.repeats}, {count} images of {SIDE} x {SIDE}, {STEPS} steps at first (up to {most} where the sum "
        f"was not complete), one thread: teacher, student and control, with likeness and intervals"
    )
    details = {"largest (s)": max(whole), "processor (s)": processor}
    return [Measurement("attribution", statistics.median(whole), "s", 10, about, details)]
