"""Draws of recurrent layers and of wrappers that go over time."""

from __future__ import annotations

import random
from typing import Any

from cornu_conformance.layer_draws.drawn import Draw, Drawn, flags, floats, padding, per_axis, weight_settings

BATCH = 3


def _maybe(draw: random.Random, chance: float = 0.5) -> bool:
    return draw.random() < chance


def _loop(draw: random.Random) -> dict[str, Any]:
    """Arguments of `RNN` besides the cell."""
    names = ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask")
    return {**{name: _maybe(draw) for name in names}, "unroll": _maybe(draw, 0.3)}


def _cell(draw: random.Random, kind: str) -> dict[str, Any]:
    """Arguments of a cell besides its units; often the defaults, which have a path of their own."""
    settings: dict[str, Any] = {"use_bias": _maybe(draw, 0.8)}
    if _maybe(draw):
        settings["activation"] = draw.choice(("relu", "sigmoid", None))
        if kind != "SimpleRNN":
            settings["recurrent_activation"] = draw.choice(("sigmoid", "hard_sigmoid", "tanh"))
    if kind == "GRU":
        settings["reset_after"] = _maybe(draw)
    if kind == "LSTM":
        settings["unit_forget_bias"] = _maybe(draw)
    return {**settings, **weight_settings(draw, "kernel", "recurrent", "bias"), **_dropout(draw)}


def _dropout(draw: random.Random) -> dict[str, Any]:
    return {"dropout": 0.3, "recurrent_dropout": draw.choice((0.0, 0.2)), "seed": 3} if _maybe(draw, 0.1) else {}


def _steps(draw: random.Random, *settings: dict[str, Any], most: int = 6) -> int:
    # Without a bound on the state, gradients over many steps grow until rounding is all that is compared.
    bounded = all(item.get("activation", "tanh") in ("tanh", "sigmoid") for item in settings)
    return draw.randint(1, most if bounded else 2)


def _call(draw: random.Random, x: Any, sizes: list[Any], ways: int) -> dict[str, Any]:
    """Now and then a mask with holes, and first states."""
    call: dict[str, Any] = {}
    if _maybe(draw):
        call["mask"] = flags(draw, *x.shape[:2])
        if _maybe(draw, 0.3):
            call["mask"][:, 0] = False  # a first step that does not count
    if _maybe(draw, 0.4):
        call["initial_state"] = [_state(draw, size) for _ in range(ways) for size in sizes]
    return call


def _state(draw: random.Random, size: Any) -> Any:
    if isinstance(size, (list, tuple)):
        return [_state(draw, item) for item in size]
    return floats(draw, BATCH, size, scale=0.5)


def _drawn(draw: random.Random, layer: Any, settings: list[dict[str, Any]], sizes: list[Any], ways: int = 1) -> Drawn:
    x = floats(draw, BATCH, _steps(draw, *settings), draw.randint(1, 4))
    return Drawn(layer, (x,), _call(draw, x, sizes, ways), trains=not any(item.get("dropout") for item in settings))


def _layer(kind: str) -> Draw:
    def layer(k: Any, draw: random.Random) -> Drawn:
        units, settings = draw.randint(1, 4), _cell(draw, kind)
        made = getattr(k.layers, kind)(units, **settings, **_loop(draw))
        return _drawn(draw, made, [settings], [units] * (2 if kind == "LSTM" else 1))

    return layer


def _of_cell(kind: str) -> Draw:
    def layer(k: Any, draw: random.Random) -> Drawn:
        units, settings = draw.randint(1, 4), _cell(draw, kind)
        cell = getattr(k.layers, f"{kind}Cell")(units, **settings)
        return _drawn(draw, k.layers.RNN(cell, **_loop(draw)), [settings], [units] * (2 if kind == "LSTM" else 1))

    return layer


def stacked(k: Any, draw: random.Random) -> Drawn:
    cells, sizes, all_settings = [], [], []
    for _ in range(draw.randint(2, 3)):  # Keras cannot run a lone LSTMCell
        kind, units = draw.choice(("SimpleRNN", "GRU", "LSTM")), draw.randint(1, 3)
        settings = {name: value for name, value in _cell(draw, kind).items() if "dropout" not in name}
        cells.append(getattr(k.layers, f"{kind}Cell")(units, **settings))
        sizes.append([units] * (2 if kind == "LSTM" else 1))
        all_settings.append(settings)
    cell = draw.choice((list, k.layers.StackedRNNCells))(cells)
    loop = {**_loop(draw), "return_state": False}
    return _drawn(draw, k.layers.RNN(cell, **loop), all_settings, sizes)


def bidirectional(k: Any, draw: random.Random) -> Drawn:
    kind, units, loop = draw.choice(("SimpleRNN", "GRU", "LSTM")), draw.randint(1, 3), _loop(draw)
    settings = _cell(draw, kind)
    make = getattr(k.layers, kind)
    more: dict[str, Any] = {"merge_mode": draw.choice(("concat", "sum", "ave", "mul", None))}
    if _maybe(draw, 0.3):
        turned = {**loop, "go_backwards": not loop["go_backwards"]}
        more["backward_layer"] = make(units, **{**settings, "use_bias": not settings["use_bias"]}, **turned)
    else:
        loop["go_backwards"] = False
    layer = k.layers.Bidirectional(make(units, **settings, **loop), **more)
    return _drawn(draw, layer, [settings], [units] * (2 if kind == "LSTM" else 1), ways=2)


def time_distributed(k: Any, draw: random.Random) -> Drawn:
    layer, shape = draw.choice(
        (
            (k.layers.Dense(draw.randint(1, 3), activation="relu"), (4,)),
            (k.layers.Conv1D(2, 2), (5, 3)),
            (k.layers.BatchNormalization(momentum=0.8), (3,)),
            (k.layers.LSTM(2, return_sequences=_maybe(draw)), (4, 3)),
            (k.layers.Flatten(), (2, 3)),
        )
    )
    x = floats(draw, BATCH, draw.randint(1, 4), *shape)
    return Drawn(k.layers.TimeDistributed(layer), (x,))


def _conv_lstm(rank: int) -> Draw:
    def conv_lstm(k: Any, draw: random.Random) -> Drawn:
        loop = {name: value for name, value in _loop(draw).items() if name != "zero_output_for_mask"}
        dilated, kind, filters = _maybe(draw, 0.3), draw.choice(("channels_last", "channels_first")), draw.randint(1, 2)
        settings = {
            "kernel_size": per_axis(draw, rank, 1, 2, 3),
            "strides": 1 if dilated else per_axis(draw, rank, 1, 2),
            "dilation_rate": per_axis(draw, rank, 1, 2) if dilated else 1,
            "padding": padding(draw),
            "data_format": kind,
            **_cell(draw, "LSTM"),
        }
        layer = getattr(k.layers, f"ConvLSTM{rank}D")(filters, **settings, **loop)
        spatial = [draw.randint(5, 6) for _ in range(rank)]
        shape = (*spatial, 2) if kind == "channels_last" else (2, *spatial)
        x = floats(draw, 2, _steps(draw, settings, most=3), *shape)
        call = {}
        if settings["padding"] == "same" and settings["strides"] == 1 and _maybe(draw):
            states = (*spatial, filters) if kind == "channels_last" else (filters, *spatial)
            call["initial_state"] = [floats(draw, 2, *states, scale=0.5) for _ in range(2)]
        return Drawn(layer, (x,), call, trains=not settings.get("dropout"))

    return conv_lstm


DRAWS = {
    "Bidirectional": bidirectional,
    "StackedRNNCells": stacked,
    "TimeDistributed": time_distributed,
    **{kind: _layer(kind) for kind in ("SimpleRNN", "GRU", "LSTM")},
    **{f"{kind}Cell": _of_cell(kind) for kind in ("SimpleRNN", "GRU", "LSTM")},
    **{f"ConvLSTM{rank}D": _conv_lstm(rank) for rank in (1, 2, 3)},
    "RNN": lambda k, draw: draw.choice((stacked, *map(_of_cell, ("SimpleRNN", "GRU", "LSTM"))))(k, draw),
}
