"""Second derivatives against closed forms and against the matrix written out."""

from __future__ import annotations

import torch

from workbench.maths.hessian import flat, gradient, hessian_product, parts, softmax_root


def test_flat_and_parts_are_inverse() -> None:
    tensors = [torch.randn(2, 3), torch.randn(4), torch.randn(1, 1, 2)]
    again = parts(flat(tensors), tensors)
    assert all(torch.equal(a, b) for a, b in zip(tensors, again, strict=True))


def test_products_with_a_quadratic_are_the_matrix() -> None:
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(5, 5, generator=generator, dtype=torch.float64)
    matrix = root + root.T
    first, second = torch.randn(2, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    weights = [first.requires_grad_(), second.requires_grad_()]

    def loss() -> torch.Tensor:
        return 0.5 * torch.cat(weights) @ matrix @ torch.cat(weights)

    for column in range(5):
        found = hessian_product(loss(), weights, torch.eye(5, dtype=torch.float64)[column])
        assert torch.allclose(found, matrix[column])
    assert torch.allclose(gradient(loss(), weights), matrix @ torch.cat(weights).detach())


def test_products_with_a_net_against_torchs_full_hessian() -> None:
    inputs = torch.randn(7, 3, dtype=torch.float64)
    shapes = [(4, 3), (4,), (2, 4)]
    start = torch.randn(24, dtype=torch.float64)

    def loss(vector: torch.Tensor) -> torch.Tensor:
        first, bias, second = parts(vector, [torch.empty(shape) for shape in shapes])
        return (torch.tanh(inputs @ first.T + bias) @ second.T).logsumexp(1).mean()

    full = torch.autograd.functional.hessian(loss, start)
    weights = [part.clone().requires_grad_() for part in parts(start, [torch.empty(shape) for shape in shapes])]
    vector = torch.randn(24, dtype=torch.float64)
    found = hessian_product(loss(torch.cat([w.reshape(-1) for w in weights])), weights, vector)
    assert torch.allclose(found, full @ vector, atol=1e-10)


def test_a_parameter_that_is_not_used_has_slope_zero_and_a_linear_loss_no_curvature() -> None:
    used, unused = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    assert gradient(3 * used.sum(), [used, unused]).tolist() == [3, 3, 0, 0, 0]
    assert hessian_product(3 * used.sum(), [used, unused], torch.ones(5)).tolist() == [0] * 5
    assert hessian_product((used**2).sum(), [used, unused], torch.ones(5)).tolist() == [2, 2, 0, 0, 0]


def test_the_root_squared_is_the_second_derivative_of_a_cross_entropy() -> None:
    logits = torch.randn(1, 4, dtype=torch.float64)
    columns = torch.cat([softmax_root(logits, unit[None]) for unit in torch.eye(4, dtype=torch.float64)])
    root = columns.T  # its columns are R times the unit vectors
    wanted = torch.autograd.functional.hessian(lambda z: z.logsumexp(0) - z[1], logits[0])
    assert torch.allclose(root @ root.T, wanted, atol=1e-12)
