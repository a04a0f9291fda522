"""Recurrent networks over time: tight forward loops that save their gates, backward loops of few operations a step.

All that does not depend on the next step is computed for all steps at once: the product with the inputs before the
forward loop, the derivatives of the gates before the backward one, and the gradients of the weights after it.
"""

from __future__ import annotations

from typing import Any

from cornu.ir.dim import product
from cornu.ops.arguments import as_tensor, emit, permute, sizes, with_shape
from cornu.tracing.structure import composite, scan
from cornu.tracing.tensor import Tensor


def _parts(x: Tensor, count: int) -> list[Tensor]:
    """Equal parts along the last axis."""
    last = x.ndim - 1
    return list(emit("Split", x, axis=last, sizes=(sizes(x)[last] // count,) * count))


def _join(*xs: Tensor) -> Any:
    return emit("Concat", *xs, axis=xs[0].ndim - 1)


def _project(x: Tensor, w: Tensor) -> Any:
    """The product of every step with the weights, as one matrix product."""
    steps, batch, size = sizes(x)
    flat = emit("MatMul", with_shape(x, (steps * batch, size)), w)
    return with_shape(flat, (steps, batch, sizes(w)[1]))


def _weight_gradient(x: Tensor, dz: Tensor) -> Any:
    """The sum over steps and batch of `x[t]ᵀ dz[t]`."""
    rows = product(sizes(x)[:2])
    return emit("MatMul", permute(with_shape(x, (rows, sizes(x)[2])), (1, 0)), with_shape(dz, (rows, sizes(dz)[2])))


def _row_sum(dz: Tensor) -> Any:
    rows = product(sizes(dz)[:2])
    ones = emit("Expand", as_tensor(1.0, dz.dtype), shape=(1, rows))
    return with_shape(emit("MatMul", ones, with_shape(dz, (rows, sizes(dz)[2]))), (sizes(dz)[2],))


def _before(states: Tensor, first: Tensor, reverse: bool) -> Any:
    """The state that each step started from."""
    steps = sizes(states)[0]
    start = with_shape(first, (1, *sizes(first)))
    begin, end = (1, steps) if reverse else (0, steps - 1)
    rest = emit("Slice", states, starts=(begin,), ends=(end,), axes=(0,), steps=(1,))
    return emit("Concat", *((rest, start) if reverse else (start, rest)), axis=0)


def _slope(gate: Tensor) -> Any:
    """The derivative of a sigmoid from its value: `s (1 - s)`."""
    return emit("Mul", gate, emit("Sub", 1.0, gate))


def _bend(value: Tensor) -> Any:
    """The derivative of a tanh from its value: `1 - t²`."""
    return emit("Sub", 1.0, emit("Mul", value, value))


def _blend(mask: Tensor, new: Tensor, old: Tensor) -> Any:
    """`new` where the mask is 1, `old` where it is 0."""
    return emit("Add", old, emit("Mul", mask, emit("Sub", new, old)))


def lstm(
    x: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    h0: Tensor,
    c0: Tensor,
    mask: Tensor | None = None,
    reverse: bool = False,
) -> Any:
    """Long short-term memory over all steps; the node is named "LSTM".

    `i, f, o = sigmoid(...)`, `g = tanh(...)` of `x[t] kernel + h recurrent + bias`; `c = f c + i g`, `h = o tanh(c)`.

    Args:
        x: Floats of shape [time, batch, features].
        kernel: Of shape [features, 4 units], in Keras's order of gates: i, f, g, o.
        recurrent: Of shape [units, 4 units].
        bias: Of shape [4 units].
        h0, c0: First states, [batch, units].
        mask: 1 where a step counts and 0 where the states stay, [time, batch, 1], in the dtype of `x`; or None.
        reverse: Whether to go from the last step to the first.

    Returns:
        The outputs [time, batch, units], and the last `h` and `c`.
    """
    units = sizes(recurrent)[0]

    def reorder(w: Tensor) -> Any:
        """Columns i, f, g, o to i, f, o, g: the three sigmoids are then one operation; and back again."""
        i, f, g, o = _parts(w, 4)
        return _join(i, f, o, g)

    def body(x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, h0: Tensor, c0: Tensor, *mask: Tensor) -> Any:
        inner = reorder(recurrent)
        projected = emit("Add", _project(x, reorder(kernel)), reorder(bias))

        def step(states: Any, items: Any) -> Any:
            h, c = states
            z = emit("Add", emit("MatMul", h, inner), items[0])
            gates, new = emit("Split", z, axis=1, sizes=(3 * units, units))
            gates, new = emit("Sigmoid", gates), emit("Tanh", new)
            i, f, o = _parts(gates, 3)
            cell = emit("Add", emit("Mul", f, c), emit("Mul", i, new))
            squashed = emit("Tanh", cell)
            out = emit("Mul", o, squashed)
            if mask:
                out, cell = _blend(items[1], out, h), _blend(items[1], cell, c)
            return (out, cell), (out, cell, gates, new, squashed)

        (h, c), (ys, *saved) = scan(step, (h0, c0), (projected, *mask), reverse=reverse)
        return (ys, h, c), (ys, *saved)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        ys, cells, gates, new, squashed = saved
        x, kernel, recurrent, _, h0, c0, *mask = inputs
        by_ys, by_h, by_c = cotangents
        i, f, o = _parts(gates, 3)
        previous = _before(cells, c0, reverse)
        sigmoids = emit("Mul", _slope(gates), _join(new, previous, squashed))
        slopes = _join(sigmoids, emit("Mul", i, _bend(new)))
        through = emit("Mul", o, _bend(squashed))
        back = permute(reorder(recurrent), (1, 0))

        def step(states: Any, items: Any) -> Any:
            dh, dc = states
            dy, by_cell, by_gates, forget = items[:4]
            dh = emit("Add", dh, dy)
            dh_kept, dc_kept = None, None
            if mask:
                dh_new, dc_new = emit("Mul", items[4], dh), emit("Mul", items[4], dc)
                dh_kept, dc_kept = emit("Sub", dh, dh_new), emit("Sub", dc, dc_new)
                dh, dc = dh_new, dc_new
            dc = emit("Add", dc, emit("Mul", dh, by_cell))
            dz = emit("Mul", _join(dc, dc, dh, dc), by_gates)
            dh, dc = emit("MatMul", dz, back), emit("Mul", dc, forget)
            if dh_kept is not None:
                dh, dc = emit("Add", dh, dh_kept), emit("Add", dc, dc_kept)
            return (dh, dc), dz

        (dh0, dc0), dz = scan(step, (by_h, by_c), (by_ys, through, slopes, f, *mask), reverse=not reverse)
        before = _before(ys, h0, reverse)

        def restore(w: Tensor) -> Any:
            i, f, o, g = _parts(w, 4)
            return _join(i, f, g, o)

        dx = _project(dz, permute(reorder(kernel), (1, 0)))
        weights = (restore(_weight_gradient(x, dz)), restore(_weight_gradient(before, dz)), restore(_row_sum(dz)))
        return (dx, *weights, dh0, dc0, *(None for _ in mask))

    given = (x, kernel, recurrent, bias, h0, c0) if mask is None else (x, kernel, recurrent, bias, h0, c0, mask)
    direction = "reverse" if reverse else "forward"
    return composite("LSTM", body, *given, vjp=rule, residuals=True, hidden_size=units, direction=direction)


def gru(
    x: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    h0: Tensor,
    mask: Tensor | None = None,
    reverse: bool = False,
) -> Any:
    """Gated recurrent unit over all steps, with the reset after the product; the node is named "GRU".

    `z, r = sigmoid(...)` of `x[t] kernel + bias[0] + h recurrent + bias[1]`; `n = tanh(xn + r hn)`;
    `h = z h + (1 - z) n`.

    Args:
        x: Floats of shape [time, batch, features].
        kernel: Of shape [features, 3 units], in Keras's order of gates: z, r, n.
        recurrent: Of shape [units, 3 units].
        bias: Of shape [2, 3 units]: for the inputs and for the state.
        h0: The first state, [batch, units].
        mask: 1 where a step counts and 0 where the state stays, [time, batch, 1], in the dtype of `x`; or None.
        reverse: Whether to go from the last step to the first.

    Returns:
        The outputs [time, batch, units] and the last `h`.
    """
    units = sizes(recurrent)[0]

    def biases(bias: Tensor) -> Any:
        rows = emit("Split", bias, axis=0, sizes=(1, 1))
        return [with_shape(row, (sizes(bias)[1],)) for row in rows]

    def body(x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, h0: Tensor, *mask: Tensor) -> Any:
        outer, inner = biases(bias)
        projected = emit("Add", _project(x, kernel), outer)

        def step(states: Any, items: Any) -> Any:
            (h,) = states
            state = emit("Add", emit("MatMul", h, recurrent), inner)
            x_gates, x_new = emit("Split", items[0], axis=1, sizes=(2 * units, units))
            h_gates, h_new = emit("Split", state, axis=1, sizes=(2 * units, units))
            gates = emit("Sigmoid", emit("Add", x_gates, h_gates))
            z, r = _parts(gates, 2)
            new = emit("Tanh", emit("Add", x_new, emit("Mul", r, h_new)))
            out = emit("Add", new, emit("Mul", z, emit("Sub", h, new)))
            out = _blend(items[1], out, h) if mask else out
            return (out,), (out, gates, new, h_new)

        (h,), (ys, *saved) = scan(step, (h0,), (projected, *mask), reverse=reverse)
        return (ys, h), (ys, *saved)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        ys, gates, new, h_new = saved
        x, kernel, recurrent, _, h0, *mask = inputs
        by_ys, by_h = cotangents
        z, r = _parts(gates, 2)
        before = _before(ys, h0, reverse)
        by_new = emit("Mul", emit("Sub", 1.0, z), _bend(new))
        by_gates = emit("Mul", _slope(gates), _join(emit("Sub", before, new), emit("Mul", by_new, h_new)))
        slopes = _join(by_gates, emit("Mul", by_new, r))
        back = permute(recurrent, (1, 0))

        def step(states: Any, items: Any) -> Any:
            (dh,) = states
            dy, by_state, keep = items[:3]
            dh = emit("Add", dh, dy)
            kept = None
            if mask:
                dh_new = emit("Mul", items[3], dh)
                kept, dh = emit("Sub", dh, dh_new), dh_new
            dz = emit("Mul", _join(dh, dh, dh), by_state)
            leaving = emit("Add", emit("MatMul", dz, back), emit("Mul", dh, keep))
            return ((emit("Add", leaving, kept) if kept is not None else leaving),), (dz, dh)

        (dh0,), (dz, dh) = scan(step, (by_h,), (by_ys, slopes, z, *mask), reverse=not reverse)
        dz_gates = emit("Split", dz, axis=2, sizes=(2 * units, units))[0]
        outer = _join(dz_gates, emit("Mul", dh, by_new))
        both = emit("Concat", *(with_shape(_row_sum(d), (1, 3 * units)) for d in (outer, dz)), axis=0)
        dx = _project(outer, permute(kernel, (1, 0)))
        weights = (_weight_gradient(x, outer), _weight_gradient(before, dz), both)
        return (dx, *weights, dh0, *(None for _ in mask))

    given = (x, kernel, recurrent, bias, h0) if mask is None else (x, kernel, recurrent, bias, h0, mask)
    direction = "reverse" if reverse else "forward"
    return composite("GRU", body, *given, vjp=rule, residuals=True, hidden_size=units, direction=direction)


def simple_rnn(
    x: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    h0: Tensor,
    mask: Tensor | None = None,
    reverse: bool = False,
    activation: str = "tanh",
) -> Any:
    """A fully connected recurrent network over all steps; the node is named "RNN".

    `h = activation(x[t] kernel + h recurrent + bias)`.

    Args:
        x: Floats of shape [time, batch, features].
        kernel: Of shape [features, units].
        recurrent: Of shape [units, units].
        bias: Of shape [units].
        h0: The first state, [batch, units].
        mask: 1 where a step counts and 0 where the state stays, [time, batch, 1], in the dtype of `x`; or None.
        reverse: Whether to go from the last step to the first.
        activation: "tanh" or "relu".

    Returns:
        The outputs [time, batch, units] and the last `h`.
    """
    function = {"tanh": "Tanh", "relu": "Relu"}[activation]

    def body(x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, h0: Tensor, *mask: Tensor) -> Any:
        projected = emit("Add", _project(x, kernel), bias)

        def step(states: Any, items: Any) -> Any:
            (h,) = states
            new = emit(function, emit("Add", emit("MatMul", h, recurrent), items[0]))
            if not mask:
                return (new,), (new,)
            out = _blend(items[1], new, h)
            return (out,), (out, new)

        (h,), (ys, *saved) = scan(step, (h0,), (projected, *mask), reverse=reverse)
        return (ys, h), (ys, *saved)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        ys, new = saved[0], saved[-1]
        x, kernel, recurrent, _, h0, *mask = inputs
        by_ys, by_h = cotangents
        slopes = _bend(new) if activation == "tanh" else emit("Sign", new)
        back = permute(recurrent, (1, 0))

        def step(states: Any, items: Any) -> Any:
            dh = emit("Add", states[0], items[0])
            if not mask:
                dz = emit("Mul", dh, items[1])
                return (emit("MatMul", dz, back),), dz
            counting = emit("Mul", items[2], dh)
            dz = emit("Mul", counting, items[1])
            return (emit("Add", emit("MatMul", dz, back), emit("Sub", dh, counting)),), dz

        (dh0,), dz = scan(step, (by_h,), (by_ys, slopes, *mask), reverse=not reverse)
        dx = _project(dz, permute(kernel, (1, 0)))
        weights = (_weight_gradient(x, dz), _weight_gradient(_before(ys, h0, reverse), dz), _row_sum(dz))
        return (dx, *weights, dh0, *(None for _ in mask))

    given = (x, kernel, recurrent, bias, h0) if mask is None else (x, kernel, recurrent, bias, h0, mask)
    config = {"hidden_size": sizes(recurrent)[0], "direction": "reverse" if reverse else "forward"}
    return composite("RNN", body, *given, vjp=rule, residuals=True, **config, activations=(function,))
