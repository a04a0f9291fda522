"""Gamma, beta and binomial distributions: drawn until accepted, or one trial after another."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.ops.arguments import as_operand, as_sizes, emit
from cornu.random.bits import branch, computed_in, open_unit, random_bits, unit
from cornu.random.distributions import float_dtype, normal
from cornu.random.seed_generator import draw_seed
from cornu.tracing import while_loop
from cornu.tracing.tensor import Tensor, convert

ROUNDS = 64
"""A draw is accepted with a probability above 0.95; so many in vain do not happen."""


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Numbers of density `x^(alpha-1) exp(-x) / Γ(alpha)`.

    Args:
        shape: The shape.
        alpha: The distribution's parameter, positive; it broadcasts to the shape.
        dtype: A float type.
        seed: An integer, a `SeedGenerator`, or None for the global generator.

    Raises:
        ValueError: If the dtype is not a float type.

    Source:
        Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", 2000.
    """
    name = float_dtype(dtype, "gamma")
    inner = computed_in(name)
    return convert(_gamma(as_sizes(shape), convert(as_operand(alpha), inner), draw_seed(seed)), name)


def _gamma(shape: Any, alpha: Tensor, key: Tensor) -> Any:
    """Below 1, by `gamma(alpha) = gamma(alpha + 1) · u^(1 / alpha)`."""
    inner = alpha.dtype
    alpha = emit("Expand", alpha, shape=shape) if shape else alpha
    small = emit("Less", alpha, 1.0)
    raised = emit("Add", alpha, emit("Cast", small, to=inner))
    d = emit("Sub", raised, 1.0 / 3.0)
    c = emit("Reciprocal", emit("Sqrt", emit("Mul", d, 9.0)))

    def waiting(round: Tensor, key: Tensor, value: Tensor, done: Tensor) -> Any:
        return emit("And", emit("Less", round, ROUNDS), emit("Not", ops.all(done)))

    def attempt(round: Tensor, key: Tensor, value: Tensor, done: Tensor) -> Any:
        x = normal(shape, dtype=inner, seed=branch(key, 0))
        u = open_unit(random_bits(shape, branch(key, 1)), inner)
        root = emit("Add", emit("Mul", c, x), 1.0)
        v = emit("Mul", emit("Mul", root, root), root)
        positive = emit("Greater", v, 0.0)
        safe = emit("Where", positive, v, convert(1.0, inner))
        # log u < x²/2 + d (1 - v + log v)
        bracket = emit("Add", emit("Sub", 1.0, safe), emit("Log", safe))
        bound = emit("Add", emit("Mul", emit("Mul", x, x), 0.5), emit("Mul", d, bracket))
        accepted = emit("And", positive, emit("Less", emit("Log", u), bound))
        found = emit("Where", emit("And", accepted, emit("Not", done)), emit("Mul", d, safe), value)
        return emit("Add", round, 1), branch(key, 2), found, emit("Or", done, accepted)

    # Should no round accept, the distribution's mean stands.
    start = (convert(0, "int32"), branch(key, 3), raised, emit("Less", raised, -1.0))
    _, key, value, _ = while_loop(waiting, attempt, start)
    u = open_unit(random_bits(shape, branch(key, 4)), inner)
    exponent = emit("Reciprocal", emit("Where", small, alpha, convert(1.0, inner)))
    factor = emit("Where", small, emit("Pow", u, exponent), convert(1.0, inner))
    return emit("Mul", value, factor)


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Numbers in [0, 1] of density proportional to `x^(alpha-1) (1-x)^(beta-1)`: `g / (g + h)` of gamma numbers.

    Args:
        shape: The shape.
        alpha, beta: The distribution's parameters, positive; they broadcast to the shape.
        dtype: A float type.
        seed: An integer, a `SeedGenerator`, or None for the global generator.

    Raises:
        ValueError: If the dtype is not a float type.
    """
    name = float_dtype(dtype, "beta")
    inner = computed_in(name)
    wanted, key = as_sizes(shape), draw_seed(seed)
    g = _gamma(wanted, convert(as_operand(alpha), inner), branch(key, 5))
    h = _gamma(wanted, convert(as_operand(beta), inner), branch(key, 6))
    return convert(emit("Div", g, emit("Add", g, h)), name)


def binomial(shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Any:
    """How many of `counts` independent trials succeed: the trials themselves, so that it takes `max(counts)` rounds.

    Args:
        shape: The shape.
        counts: The numbers of trials; they broadcast to the shape.
        probabilities: The probability that a trial succeeds; they broadcast to the shape.
        dtype: A float type.
        seed: An integer, a `SeedGenerator`, or None for the global generator.

    Raises:
        ValueError: If the dtype is not a float type.
    """
    name = float_dtype(dtype, "binomial")
    inner = computed_in(name)
    wanted, key = as_sizes(shape), draw_seed(seed)
    n, p = (convert(as_operand(x), inner) for x in (counts, probabilities))
    most = emit("ReduceMax", n, axes=tuple(range(n.ndim)), keepdims=False) if n.ndim else n
    zero = convert(0.0, inner)
    start = (zero, branch(key, 7), emit("Expand", zero, shape=wanted) if wanted else emit("Mul", zero, p))

    def waiting(trial: Tensor, key: Tensor, total: Tensor) -> Any:
        return emit("Less", trial, most)

    def attempt(trial: Tensor, key: Tensor, total: Tensor) -> Any:
        success = emit("Less", unit(random_bits(wanted, branch(key, 0)), inner), p)
        counted = emit("And", success, emit("Less", trial, n))
        return emit("Add", trial, 1.0), branch(key, 1), emit("Add", total, emit("Cast", counted, to=inner))

    return convert(while_loop(waiting, attempt, start)[2], name)
