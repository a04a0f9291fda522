"""Reading recurrent networks: as composites where the operator is one of them, else as loops with all its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cornu.ir.onnx.reading.nodes import OnnxNode
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.onnx.reading.rules.bridge import record
from cornu.ir.onnx.registry import reads
from cornu.ir.program import Value

# Places of Keras's gates (input, forget, cell, output) among ONNX's (input, output, forget, cell).
_LSTM_ORDER = (0, 2, 3, 1)
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_ACTIVATIONS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
_DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
_WITH_ALPHA = {
    "Affine": 1.0,
    "LeakyRelu": 0.01,
    "ThresholdedRelu": 1.0,
    "ScaledTanh": 1.0,
    "HardSigmoid": 0.2,
    "Elu": 1.0,
}
_WITH_BETA = {"Affine": 0.0, "ScaledTanh": 1.0, "HardSigmoid": 0.5}


@dataclass(frozen=True)
class _Settings:
    """What an operator says of one direction."""

    op: str
    reverse: bool
    activations: tuple[tuple[str, float, float], ...]
    clip: float | None
    input_forget: bool
    reset_late: bool

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.activations)


def _settings(node: OnnxNode) -> list[_Settings]:
    direction = node.get("direction", "forward")
    if direction not in _DIRECTIONS:
        raise node.error(f"its direction must be one of {', '.join(_DIRECTIONS)}, got {direction!r}.")
    ways = _DIRECTIONS[direction]
    usual = _ACTIVATIONS[node.op]
    names = list(node.get("activations", usual * len(ways)))
    names = [name.decode() if isinstance(name, bytes) else name for name in names]
    if len(names) != len(usual) * len(ways):
        raise node.error(f"it must have {len(usual) * len(ways)} activations, got {names}.")
    alphas, betas = iter(node.get("activation_alpha", ())), iter(node.get("activation_beta", ()))
    functions = []
    for name in names:
        if name not in _FUNCTIONS:
            raise node.error(f"there is no activation {name!r}; there are {', '.join(_FUNCTIONS)}.")
        alpha = next(alphas, _WITH_ALPHA[name]) if name in _WITH_ALPHA else 0.0
        functions.append((name, alpha, next(betas, _WITH_BETA[name]) if name in _WITH_BETA else 0.0))
    return [
        _Settings(
            node.op,
            reverse,
            tuple(functions[i * len(usual) : (i + 1) * len(usual)]),
            node.get("clip"),
            bool(node.get("input_forget", 0)),
            bool(node.get("linear_before_reset", 0)),
        )
        for i, reverse in enumerate(ways)
    ]


@reads("LSTM", "GRU", "RNN")
def _recurrent(r: GraphReader, node: OnnxNode) -> list[Value]:
    settings = _settings(node)
    batch_first = bool(node.get("layout", 0))
    optional = [r.given(node, i) if node.has(i) else None for i in range(3, 8)]
    read = partial(_all_directions, settings, batch_first)
    return record(r, read, r.given(node, 0), r.given(node, 1), r.given(node, 2), *optional)


def _all_directions(
    settings: Sequence[_Settings],
    batch_first: bool,
    x: Any,
    w: Any,
    recurrent: Any,
    bias: Any,
    lengths: Any,
    h: Any,
    c: Any,
    peepholes: Any,
) -> list[Any]:
    from cornu.ops.arguments import emit, permute, sizes, with_shape

    if batch_first:
        x = permute(x, (1, 0, 2))
        h, c = (None if state is None else permute(state, (1, 0, 2)) for state in (h, c))
    steps, batch, _ = sizes(x)
    units = sizes(recurrent)[2]
    count = _GATES[settings[0].op]
    _check("W", sizes(w), (len(settings), count * units, sizes(x)[2]))
    _check("R", sizes(recurrent), (len(settings), count * units, units))
    mask = None if lengths is None else _mask(lengths, steps, x.dtype)
    zeros = emit("Expand", _number(0.0, x.dtype), shape=(len(settings), batch, units))
    none = emit("Expand", _number(0.0, x.dtype), shape=(len(settings), 2 * count * units))
    whole = [w, recurrent, none if bias is None else bias, zeros if h is None else h, zeros if c is None else c]
    parts = [_split(tensor, 0, len(settings)) for tensor in whole]
    peeps: list[Any] = [None] * len(settings) if peepholes is None else _split(peepholes, 0, len(settings))
    outputs: list[list[Any]] = []
    for i, setting in enumerate(settings):
        w_, r_, b_, h_, c_ = (with_shape(part[i], sizes(part[i])[1:]) for part in parts)
        p_ = None if peeps[i] is None else with_shape(peeps[i], sizes(peeps[i])[1:])
        run = _as_composite if _is_composite(setting, p_) else _as_loop
        results = run(setting, x, permute(w_, (1, 0)), permute(r_, (1, 0)), b_, h_, c_, mask, p_)
        ys = results[0] if mask is None else emit("Mul", results[0], mask)
        outputs.append(
            [with_shape(ys, (steps, 1, batch, units)), *(with_shape(s, (1, batch, units)) for s in results[1:])]
        )
    ys, *states = (
        part[0] if len(part) == 1 else emit("Concat", *part, axis=axis)
        for part, axis in zip(zip(*outputs, strict=True), (1, 0, 0), strict=False)
    )
    if batch_first:
        return [permute(ys, (2, 0, 1, 3)), *(permute(state, (1, 0, 2)) for state in states)]
    return [ys, *states]


def _check(name: str, found: Any, expected: Any) -> None:
    if len(found) != len(expected) or any(
        isinstance(have, int) and isinstance(want, int) and have != want
        for have, want in zip(found, expected, strict=True)
    ):
        raise ValueError(f"{name} must have the shape {expected}, it has {found}.")


def _number(value: float, dtype: str) -> Any:
    from cornu.ops.arguments import as_tensor

    return as_tensor(value, dtype)


def _split(x: Any, axis: int, count: int) -> list[Any]:
    from cornu.ops.arguments import emit, sizes

    if count == 1:
        return [x]
    return list(emit("Split", x, axis=axis, sizes=(sizes(x)[axis] // count,) * count))


def _mask(lengths: Any, steps: Any, dtype: str) -> Any:
    """[time, batch, 1]: 1 where a step is within its sequence."""
    from cornu.ops.arguments import emit, sizes, with_shape

    counter = with_shape(emit("Range", start=0, step=1, size=steps, dtype=lengths.dtype), (steps, 1, 1))
    within = emit("Less", counter, with_shape(lengths, (1, sizes(lengths)[0], 1)))
    return emit("Cast", within, to=dtype)


def _halves(bias: Any, size: Any) -> list[Any]:
    """The bias of the inputs and that of the state; where it is the first only, the other is zero (see `roles`)."""
    from cornu.ops.arguments import emit, sizes

    if sizes(bias)[0] != size:
        return _split(bias, 0, 2)
    return [bias, emit("Expand", _number(0.0, bias.dtype), shape=(size,))]


# -- composites ----------------------------------------------------------------------------------------------------


def _is_composite(s: _Settings, peepholes: Any) -> bool:
    if s.clip is not None or peepholes is not None or s.input_forget:
        return False
    if s.op == "RNN":
        return s.names in (("Tanh",), ("Relu",))
    return s.names == _ACTIVATIONS[s.op] and (s.op == "LSTM" or s.reset_late)


def _as_composite(
    s: _Settings, x: Any, w: Any, recurrent: Any, bias: Any, h: Any, c: Any, mask: Any, peepholes: Any
) -> Any:
    from cornu.composites import gru, lstm, simple_rnn
    from cornu.ops.arguments import emit, sizes, with_shape

    if s.op == "GRU":
        return gru(x, w, recurrent, with_shape(bias, (2, sizes(bias)[0] // 2)), h, mask, s.reverse)
    summed = bias if sizes(bias)[0] == sizes(w)[1] else emit("Add", *_split(bias, 0, 2))
    if s.op == "RNN":
        return simple_rnn(x, w, recurrent, summed, h, mask, s.reverse, s.names[0].lower())

    def reordered(tensor: Any, axis: int) -> Any:
        parts = _split(tensor, axis, 4)
        return emit("Concat", *(parts[i] for i in _LSTM_ORDER), axis=axis)

    return lstm(x, reordered(w, 1), reordered(recurrent, 1), reordered(summed, 0), h, c, mask, s.reverse)


# -- the loop ------------------------------------------------------------------------------------------------------


def _as_loop(s: _Settings, x: Any, w: Any, recurrent: Any, bias: Any, h: Any, c: Any, mask: Any, peepholes: Any) -> Any:
    from cornu.ops.arguments import emit, sizes
    from cornu.tracing.structure import scan

    outer, inner = _halves(bias, sizes(w)[1])
    projected = emit("Add", emit("MatMul", x, w), outer)
    step = {"LSTM": _lstm_step, "GRU": _gru_step, "RNN": _rnn_step}[s.op](s, recurrent, inner, peepholes)

    def masked(states: Any, items: Any) -> Any:
        new = step(states, items[0])
        if mask is not None:
            pairs = zip(states, new, strict=True)
            new = tuple(emit("Add", old, emit("Mul", items[1], emit("Sub", moved, old))) for old, moved in pairs)
        return new, (new[0],)

    first = (h, c) if s.op == "LSTM" else (h,)
    states, (ys,) = scan(masked, first, (projected,) if mask is None else (projected, mask), reverse=s.reverse)
    return (ys, *states)


Step = Callable[[Any, Any], tuple[Any, ...]]


def _lstm_step(s: _Settings, recurrent: Any, bias: Any, peepholes: Any) -> Step:
    from cornu.ops.arguments import emit

    squash, new_cell, shown = _functions(s)
    peeps = [None] * 3 if peepholes is None else _split(peepholes, 0, 3)

    def peeked(gate: Any, i: int, cell: Any) -> Any:
        return gate if peeps[i] is None else emit("Add", gate, emit("Mul", peeps[i], cell))

    def step(states: Any, item: Any) -> tuple[Any, ...]:
        h, c = states
        i, o, f, g = _split(emit("Add", emit("Add", item, emit("MatMul", h, recurrent)), bias), 1, 4)
        i = squash(peeked(i, 0, c))
        f = emit("Sub", 1.0, i) if s.input_forget else squash(peeked(f, 2, c))
        cell = emit("Add", emit("Mul", f, c), emit("Mul", i, new_cell(g)))
        return emit("Mul", squash(peeked(o, 1, cell)), shown(cell)), cell

    return step


def _gru_step(s: _Settings, recurrent: Any, bias: Any, peepholes: Any) -> Step:
    from cornu.ops.arguments import emit

    squash, new_state = _functions(s)
    r_z, r_r, r_h = _split(recurrent, 1, 3)
    b_z, b_r, b_h = _split(bias, 0, 3)

    def step(states: Any, item: Any) -> tuple[Any, ...]:
        (h,) = states
        x_z, x_r, x_h = _split(item, 1, 3)
        z = squash(emit("Add", emit("Add", x_z, emit("MatMul", h, r_z)), b_z))
        r = squash(emit("Add", emit("Add", x_r, emit("MatMul", h, r_r)), b_r))
        if s.reset_late:
            past = emit("Mul", r, emit("Add", emit("MatMul", h, r_h), b_h))
        else:
            past = emit("Add", emit("MatMul", emit("Mul", r, h), r_h), b_h)
        new = new_state(emit("Add", x_h, past))
        return (emit("Add", new, emit("Mul", z, emit("Sub", h, new))),)

    return step


def _rnn_step(s: _Settings, recurrent: Any, bias: Any, peepholes: Any) -> Step:
    from cornu.ops.arguments import emit

    (bend,) = _functions(s)

    def step(states: Any, item: Any) -> tuple[Any, ...]:
        return (bend(emit("Add", emit("Add", item, emit("MatMul", states[0], recurrent)), bias)),)

    return step


def _functions(s: _Settings) -> Iterator[Callable[[Any], Any]]:
    from cornu.ops.arguments import emit

    def made(place: int, name: str, alpha: float, beta: float) -> Callable[[Any], Any]:
        def function(x: Any) -> Any:
            # As in ONNX Runtime: gates are clipped, and not the cell that an LSTM shows.
            if s.clip is not None and place < 2:
                x = emit("Min", emit("Max", x, -s.clip), s.clip)
            return _FUNCTIONS[name](emit, x, alpha, beta)

        return function

    return (made(place, *activation) for place, activation in enumerate(s.activations))


Emit = Callable[..., Any]


def _plain(op: str) -> Callable[[Emit, Any, float, float], Any]:
    return lambda emit, x, alpha, beta: emit(op, x)


def _elu(emit: Emit, x: Any, alpha: float, beta: float) -> Any:
    below = emit("Mul", emit("Sub", emit("Exp", emit("Min", x, 0.0)), 1.0), alpha)
    return emit("Add", emit("Max", x, 0.0), below)


_FUNCTIONS: dict[str, Callable[[Emit, Any, float, float], Any]] = {
    **{op: _plain(op) for op in ("Relu", "Tanh", "Sigmoid", "Softplus")},
    "Affine": lambda emit, x, alpha, beta: emit("Add", emit("Mul", x, alpha), beta),
    "LeakyRelu": lambda emit, x, a, b: emit("Add", emit("Max", x, 0.0), emit("Mul", emit("Min", x, 0.0), a)),
    "ThresholdedRelu": lambda emit, x, a, b: emit("Mul", x, emit("Cast", emit("Greater", x, a), to=x.dtype)),
    "ScaledTanh": lambda emit, x, a, b: emit("Mul", emit("Tanh", emit("Mul", x, b)), a),
    "HardSigmoid": lambda emit, x, a, b: emit("Min", emit("Max", emit("Add", emit("Mul", x, a), b), 0.0), 1.0),
    "Elu": _elu,
    "Softsign": lambda emit, x, a, b: emit("Div", x, emit("Add", emit("Abs", x), 1.0)),
}
