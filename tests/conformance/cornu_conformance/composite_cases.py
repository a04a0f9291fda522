"""Cases of composites: functions that are one named node, which a backend may have a kernel for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import erf, pi, sqrt
from typing import Any

import numpy as np
from cornu import composites
from cornu.ir.program import Program
from cornu.tracing.tensor import TracedTensor, value_of
from cornu.tracing.trace import Trace, recording

from cornu_conformance.case import TWO_FLOATS, Case, draw, scalarwise

FLOATS = ("float32", "float64", "float16", "bfloat16")


@dataclass(frozen=True)
class CompositeCase(Case):
    """A case whose program is traced from a function of tensors instead of being one primitive.

    Args:
        make: From the operands to the composite's results.
    """

    make: Callable[..., Any] = lambda *tensors: tensors

    def program(self, op: str, dtype: str) -> Program:
        """The composite as a program of one call."""
        trace = Trace(op)
        operands = [TracedTensor(trace.builder.input(type), trace) for type in self.types(dtype)]
        with recording(trace):
            made = self.make(*operands)
        results = made if isinstance(made, (tuple, list)) else [made]
        return trace.builder.finish([value_of(result, trace) for result in results])


def _case(name: str, arrays: Sequence[Any], make: Callable[..., Any], formula: Callable[..., Any], **more: Any) -> Case:
    return CompositeCase(name, arrays, formula, make=make, **{"tolerance": 8.0, **more})


# -- activations ---------------------------------------------------------------------------------------------------


def _gelu(x: float) -> float:
    return x * (1 + erf(x / sqrt(2))) / 2


def _gelu_tanh(x: float) -> float:
    return float(x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2)


def _activations() -> dict[str, list[Case]]:
    x, row = draw(3, 4, seed=1), draw(2, 3, seed=2)
    gelu = [
        _case(name, [x], lambda t, a=a: composites.gelu(t, a), scalarwise(f), dtypes=FLOATS)
        for name, a, f in (("exact", False, _gelu), ("tanh", True, _gelu_tanh))
    ]
    gelu.append(_case("symbolic", [row], lambda t: composites.gelu(t, False), scalarwise(_gelu), symbolic=["n m"]))
    leaky = [
        _case(
            "typical",
            [x],
            lambda t: composites.leaky_relu(t, 0.2),
            lambda x: np.where(x < 0, x * 0.2, x),
            symbolic=["n _"],
        )
    ]
    elu = [
        _case(
            "typical",
            [x],
            lambda t: composites.elu(t, 1.5),
            lambda x: np.where(x < 0, 1.5 * np.expm1(x), x),
            symbolic=["n _"],
        )
    ]
    return {"Gelu": gelu, "LeakyRelu": leaky, "Elu": elu}


# -- along an axis -------------------------------------------------------------------------------------------------


def _softmax(x: np.ndarray, axis: int) -> np.ndarray:
    powers = np.exp(x - x.max(axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis, keepdims=True))


def _softmaxes() -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for name, function, formula in (
        ("Softmax", composites.softmax, _softmax),
        ("LogSoftmax", composites.log_softmax, lambda x, axis: np.log(_softmax(x, axis))),
    ):
        cases = [
            _case(
                label,
                [draw(*shape, seed=1)],
                lambda t, a=axis, f=function: f(t, a),
                lambda x, a=axis, f=formula: f(x, a),
                symbolic=[symbolic],
                dtypes=FLOATS if label == "last" else TWO_FLOATS,
            )
            for label, shape, axis, symbolic in (
                ("last", (3, 4), 1, ""),
                ("symbolic", (2, 3, 4), 2, "n m _"),
                ("first", (3, 4), 0, "_ n"),
                ("middle", (2, 3, 2), 1, "n _ _"),
                ("one_class", (3, 1), 1, "n _"),
            )
        ]
        large = [[1000.0, 999.0, -1000.0]]
        cases.append(_case("large", [large], lambda t, f=function: f(t, 1), lambda x, f=formula: f(x, 1), orders=0))
        found[name] = cases
    found["LogSoftmax"][-1] = _case(
        "large",
        [[[1000.0, 999.0, 0.0]]],
        lambda t: composites.log_softmax(t, 1),
        lambda x: x - 1000 - np.log1p(np.exp(-1.0)),
        orders=0,
    )
    return found


def _crossentropies() -> dict[str, list[Case]]:
    logits, target = draw(4, 3, seed=1), np.abs(draw(4, 3, seed=2))

    def sparse(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
        logs = np.log(_softmax(x, -1))
        own = np.take_along_axis(logs, np.clip(labels, 0, x.shape[-1] - 1)[..., None], -1)[..., 0]
        return np.where((labels >= 0) & (labels < x.shape[-1]), -own, 0.0)

    def swapped(x: Any, labels: Any) -> Any:
        return composites.sparse_categorical_crossentropy(labels, x)

    dense = _case(
        "typical",
        [logits, target],
        lambda x, t: composites.categorical_crossentropy(t, x),
        lambda x, t: -(t * np.log(_softmax(x, -1))).sum(-1),
        symbolic=["n _", "n _"],
    )
    labels = np.array([0, 2, 1, 2])
    return {
        "SoftmaxCrossEntropy": [dense],
        "SparseSoftmaxCrossEntropy": [
            _case("typical", [logits, labels], swapped, sparse, symbolic=["n _", "n"]),
            _case("int32", [logits, labels.astype(np.int32)], swapped, sparse),
            _case("no_class", [logits, np.array([0, -1, 3, 2])], swapped, sparse, orders=0),
        ],
    }


# -- normalizations ------------------------------------------------------------------------------------------------


def _normalized(x: np.ndarray, axes: tuple[int, ...], epsilon: float, centred: bool = True) -> np.ndarray:
    off = x - x.mean(axes, keepdims=True) if centred else x
    return np.asarray(off / np.sqrt((off * off).mean(axes, keepdims=True) + epsilon))


def _normalizations() -> dict[str, list[Case]]:
    layer, rms = composites.layer_normalization, composites.rms_normalization
    x, scale, offset = draw(3, 4, seed=1), draw(4, seed=2), draw(4, seed=3)
    two = [draw(2, 3, 4, seed=1), draw(3, 4, seed=2), draw(3, 4, seed=3)]
    channels = [draw(3, seed=i) for i in range(2, 5)]
    image = draw(2, 3, 4, 2, seed=1)

    def column(v: np.ndarray) -> np.ndarray:
        return v[:, None, None]

    def in_use(x: np.ndarray, s: np.ndarray, o: np.ndarray, m: np.ndarray, v: np.ndarray) -> np.ndarray:
        return np.asarray((x - column(m)) / np.sqrt(column(v) + 1e-3) * column(s) + column(o))

    def in_training(x: np.ndarray, s: np.ndarray, o: np.ndarray) -> tuple[np.ndarray, ...]:
        y = _normalized(x, (0, 2, 3), 1e-3) * column(s) + column(o)
        return y, x.mean((0, 2, 3)), x.var((0, 2, 3))

    return {
        "LayerNormalization": [
            _case(
                "typical",
                [x, scale, offset],
                lambda x, s, o: layer(x, s, o, 1, 1e-3),
                lambda x, s, o: _normalized(x, (1,), 1e-3) * s + o,
                symbolic=["n _"],
                dtypes=FLOATS,
            ),
            _case(
                "without_offset",
                [x, scale],
                lambda x, s: layer(x, s, None, 1, 1e-5),
                lambda x, s: _normalized(x, (1,), 1e-5) * s,
            ),
            _case(
                "two_axes",
                two,
                lambda x, s, o: layer(x, s, o, 1, 1e-3),
                lambda x, s, o: _normalized(x, (1, 2), 1e-3) * s + o,
                symbolic=["n _ _"],
            ),
        ],
        "RMSNormalization": [
            _case(
                "typical",
                [x, scale],
                lambda x, s: rms(x, s, 1, 1e-3),
                lambda x, s: _normalized(x, (1,), 1e-3, centred=False) * s,
                symbolic=["n _"],
                dtypes=FLOATS,
            ),
        ],
        "BatchNormalization": [
            _case(
                "typical",
                [image, *channels[:2], channels[2], np.abs(draw(3, seed=5)) + 0.5],
                lambda x, s, o, m, v: composites.batch_normalization(x, s, o, m, v, 1e-3),
                in_use,
                symbolic=["n _ h w"],
                dtypes=FLOATS,
            ),
        ],
        "BatchNormalizationTraining": [
            _case(
                "typical",
                [image, *channels[:2]],
                lambda x, s, o: composites.batch_normalization_training(x, s, o, 1e-3),
                in_training,
                symbolic=["n _ h w"],
            ),
        ],
    }


# -- attention and recurrence --------------------------------------------------------------------------------------


def _attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, bias: Any = 0.0, scale: float = 0.5, causal: bool = False
) -> np.ndarray:
    logits = scale * q @ np.swapaxes(k, -1, -2) + bias
    if causal:
        logits = np.where(np.tril(np.ones(logits.shape[-2:], bool)), logits, -np.inf)
    return np.asarray(_softmax(logits, -1) @ v)


def _attentions() -> dict[str, list[Case]]:
    q, k, v = (draw(2, 2, n, 3, seed=n) for n in (3, 4, 4))
    k, v = draw(2, 2, 4, 3, seed=5), draw(2, 2, 4, 3, seed=6)
    words = ["n _ q _", "n _ k _", "n _ k _"]
    same = [draw(2, 2, 4, 3, seed=i) for i in range(3)]
    attention: Any = composites.attention
    return {
        "Attention": [
            _case("typical", [q, k, v], lambda *t: attention(*t, scale=0.5), _attention, symbolic=words),
            _case("half", [q, k, v], lambda *t: attention(*t, scale=0.5), _attention, dtypes=("float16", "bfloat16")),
            _case(
                "bias",
                [q, k, v, draw(2, 1, 3, 4, seed=7)],
                lambda q, k, v, b: attention(q, k, v, b, scale=0.5),
                _attention,
            ),
            _case(
                "causal",
                same,
                lambda *t: attention(*t, scale=0.5, is_causal=True),
                partial(_attention, causal=True),
                symbolic=["n _ t _"] * 3,
            ),
        ]
    }


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


def _lstm_step(z: np.ndarray, states: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    i, f, g, o = np.split(z, 4, axis=1)
    c = _sigmoid(f) * states[1] + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(c), c


def _loop(step: Callable[..., Any], arrays: Sequence[np.ndarray], states: Any, mask: Any, reverse: bool) -> Any:
    """Keras's recurrence: where the mask is 0 the states stay, and the output is the state."""
    x = arrays[0]
    outputs = []
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        new = step(x[t], states)
        keep = 1.0 if mask is None else mask[t]
        states = tuple(keep * n + (1 - keep) * s for n, s in zip(new, states, strict=True))
        outputs.append(states[0])
    return (np.stack(outputs[::-1] if reverse else outputs), *states)


def _recurrent(name: str, reverse: bool, masked: bool, **config: Any) -> Callable[..., Any]:
    def formula(x: Any, w: Any, u: Any, b: Any, *rest: Any) -> Any:
        mask = rest[-1] if masked else None
        states = rest[:-1] if masked else rest
        if name == "lstm":
            return _loop(lambda x, s: _lstm_step(x @ w + s[0] @ u + b, s), (x,), states, mask, reverse)
        if name == "gru":
            return _loop(lambda x, s: (_gru_step(x, s[0], w, u, b),), (x,), states, mask, reverse)
        act = np.tanh if config["activation"] == "tanh" else lambda z: np.maximum(z, 0)
        return _loop(lambda x, s: (act(x @ w + s[0] @ u + b),), (x,), states, mask, reverse)

    return formula


def _gru_step(x: np.ndarray, h: np.ndarray, w: np.ndarray, u: np.ndarray, b: np.ndarray) -> np.ndarray:
    xz, xr, xn = np.split(x @ w + b[0], 3, axis=1)
    hz, hr, hn = np.split(h @ u + b[1], 3, axis=1)
    z = _sigmoid(xz + hz)
    return np.asarray(z * h + (1 - z) * np.tanh(xn + _sigmoid(xr + hr) * hn))


def _recurrents() -> dict[str, list[Case]]:
    mask = (draw(5, 2, 1, seed=9) > -0.8).astype(np.float64)
    found: dict[str, list[Case]] = {"LSTM": [], "GRU": [], "RNN": []}
    kinds: tuple[tuple[str, str, int, int, dict[str, Any]], ...] = (
        ("LSTM", "lstm", 4, 2, {}),
        ("GRU", "gru", 3, 1, {}),
        ("RNN", "simple_rnn", 1, 1, {"activation": "tanh"}),
        ("RNN", "simple_rnn", 1, 1, {"activation": "relu"}),
    )
    for op, name, gates, states, config in kinds:
        width = 3 * gates
        bias = draw(2, width, seed=4) if name == "gru" else draw(width, seed=4)
        arrays = [draw(5, 2, 4, seed=1), draw(4, width, seed=2), draw(3, width, seed=3), bias]
        arrays = [array / 2 for array in [*arrays, *(draw(2, 3, seed=5 + i) for i in range(states))]]
        function = getattr(composites, name)
        for label, reverse, masked in (("forward", False, False), ("backward", True, False), ("masked", False, True)):

            def make(*t: Any, f: Any = function, r: bool = reverse, m: bool = masked, c: Any = config) -> Any:
                return f(*(t[:-1] if m else t), mask=t[-1] if m else None, reverse=r, **c)

            words = ["t n _", "_ _", "_ _", "", *["n _"] * states, *(["t n _"] if masked else [])]
            given = [*arrays, mask] if masked else arrays
            case = "_".join([label, *config.values()])
            formula = _recurrent(name, reverse, masked, **config)
            orders = 0 if config.get("activation") == "relu" else 1
            found[op].append(_case(case, given, make, formula, symbolic=words, orders=orders))
    return found


def composite_cases() -> dict[str, list[Case]]:
    """Every composite's cases, by the composite's name."""
    found: dict[str, list[Case]] = {}
    for family in (_activations, _softmaxes, _crossentropies, _normalizations, _attentions, _recurrents):
        found.update(family())
    for op, cases in found.items():
        if op not in OF_SOME_ELEMENTS:
            cases.append(_empty(next(case for case in cases if "n" in " ".join(case.symbolic).split())))
    return found


OF_SOME_ELEMENTS = ("BatchNormalizationTraining",)
"""Composites that mean nothing for a batch of no samples."""


def _empty(case: Case) -> Case:
    """The same case for a batch of no samples."""
    words = [*(axes.split() for axes in case.symbolic), *[[]] * len(case.inputs)]
    places = [tuple(slice(0 if name == "n" else None) for name in names) for names in words]
    inputs = [np.asarray(array)[place] for array, place in zip(case.inputs, places, strict=False)]
    return replace(case, name="empty", inputs=inputs, dtypes=("float32",), orders=0)
