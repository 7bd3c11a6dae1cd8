"""The two halves of an autoencoder of maps."""

from __future__ import annotations

from torch import Tensor, nn

from workbench.methods.adapters import kernel_for


def encoder(maps: Tensor, outputs: int) -> nn.Sequential:
    """From the channels of maps (B, C, H, W) to others: three convolutions, each with a leaky rectifier."""
    width, kernel = maps.shape[1], kernel_for(maps)
    pairs = ((width, width), (width, outputs), (outputs, outputs))
    layers = [nn.Conv2d(before, after, kernel, padding=kernel // 2) for before, after in pairs]
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.LeakyReLU(0.1)))).to(maps)


def decoder(inputs: int, maps: Tensor) -> nn.Sequential:
    """And back: three transposed convolutions, each with a leaky rectifier."""
    width, kernel = maps.shape[1], kernel_for(maps)
    pairs = ((inputs, inputs), (inputs, width), (width, width))
    layers = [nn.ConvTranspose2d(before, after, kernel, padding=kernel // 2) for before, after in pairs]
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.LeakyReLU(0.1)))).to(maps)
