"""Draws of attention layers."""

from __future__ import annotations

import random
from typing import Any

from cornu_conformance.layer_draws.drawn import Draw, Drawn, flags, floats, weight_settings


def _plain(name: str) -> Draw:
    def attention(k: Any, draw: random.Random) -> Drawn:
        settings: dict[str, Any] = {"use_scale": draw.random() < 0.6}
        if name == "Attention":
            settings["score_mode"] = draw.choice(("dot", "concat"))
        layer = getattr(k.layers, name)(dropout=draw.choice((0.0, 0.3)), seed=draw.choice((None, 3)), **settings)
        batch, queries, keys, size = 2, draw.randint(1, 4), draw.randint(2, 5), draw.randint(1, 4)
        separate = draw.random() < 0.5
        inputs = [
            floats(draw, batch, queries, size),
            floats(draw, batch, keys, draw.randint(1, 3) if separate else size),
        ]
        if separate:
            inputs.append(floats(draw, batch, keys, size))
        kwargs: dict[str, Any] = {
            "return_attention_scores": draw.random() < 0.5,
            "use_causal_mask": draw.random() < 0.5,
        }
        if draw.random() < 0.6:
            masks = [flags(draw, batch, length) if draw.random() < 0.7 else None for length in (queries, keys)]
            kwargs["mask"] = masks
        return Drawn(layer, (inputs,), kwargs, trains=layer.dropout == 0)

    return attention


def _masks(draw: random.Random, batch: int, heads: int, queries: int, keys: int) -> dict[str, Any]:
    """Some of the masks that a call takes; one with an axis of heads goes with no other in Keras."""
    if draw.random() < 0.2:
        return {"attention_mask": flags(draw, batch, draw.choice((1, heads)), queries, keys)}
    found: dict[str, Any] = {}
    for name, places in (("query_mask", queries), ("value_mask", keys), ("key_mask", keys)):
        if draw.random() < 0.3:
            found[name] = flags(draw, batch, places)
    if draw.random() < 0.4:
        found["attention_mask"] = flags(draw, batch, queries, keys)
    return found


def multi_head_attention(k: Any, draw: random.Random) -> Drawn:
    heads, size, scores = draw.randint(1, 3), draw.randint(1, 4), draw.random() < 0.3
    dropout = draw.choice((0.0, 0.0, 0.2))
    axes = draw.choice((None, None, 1, 2, (1, 2), (2, 1)))
    # Keras on JAX computes values of another size only where it does not use JAX's own attention.
    value_dim = draw.choice((None, 3)) if scores or dropout else None
    layer = k.layers.MultiHeadAttention(
        heads,
        size,
        value_dim=value_dim,
        dropout=dropout,
        use_bias=draw.random() < 0.7,
        output_shape=draw.choice((None, None, 5, (2, 3))),
        attention_axes=axes,
        sliding_window=draw.choice((None, None, 2)) if axes is None else None,
        flash_attention=draw.choice((None, False)),
        use_gate=draw.random() < 0.3,
        seed=draw.choice((None, 3)),
        **_settings(draw),
    )
    places = 1 if axes is None else 2
    queries = tuple(draw.randint(2, 4) for _ in range(places))
    attended = (1,) if axes is None else axes if isinstance(axes, tuple) else (axes,)
    keys = tuple(draw.randint(2, 4) if i + 1 in attended else length for i, length in enumerate(queries))
    inputs = [floats(draw, 2, *queries, 4), floats(draw, 2, *keys, draw.choice((3, 4)))]
    kwargs: dict[str, Any] = {"return_attention_scores": scores}
    if axes is None:
        kwargs |= {"use_causal_mask": draw.random() < 0.4, **_masks(draw, 2, heads, *queries, *keys)}
    if draw.random() < 0.5:
        kwargs["key"] = floats(draw, 2, *keys, draw.choice((2, 4)))
    return Drawn(layer, tuple(inputs), kwargs, trains=_trains(layer, kwargs))


def group_query_attention(k: Any, draw: random.Random) -> Drawn:
    groups, scores, dropout = draw.randint(1, 2), draw.random() < 0.3, draw.choice((0.0, 0.0, 0.2))
    heads = groups * draw.randint(1, 3)
    layer = k.layers.GroupQueryAttention(
        draw.randint(1, 4),
        heads,
        groups,
        dropout=dropout,
        use_bias=draw.random() < 0.7,
        sliding_window=draw.choice((None, None, 2)),
        flash_attention=draw.choice((None, False)),
        use_gate=draw.random() < 0.3,
        seed=draw.choice((None, 3)),
        **_settings(draw),
    )
    queries, keys = draw.randint(2, 4), draw.randint(2, 4)
    kwargs: dict[str, Any] = {"return_attention_scores": scores, "use_causal_mask": draw.random() < 0.4}
    kwargs |= _masks(draw, 2, heads, queries, keys)
    if draw.random() < 0.5:
        kwargs["key"] = floats(draw, 2, keys, draw.choice((2, 4)))
    inputs = (floats(draw, 2, queries, 4), floats(draw, 2, keys, 4))
    return Drawn(layer, inputs, kwargs, trains=_trains(layer, kwargs))


def _trains(layer: Any, kwargs: dict[str, Any]) -> bool:
    """Not with dropout; nor where Keras hands the mask of the scores on to the loss, whose values it does not fit."""
    config = layer.get_config()
    masked = any(name.endswith("_mask") and value is not False for name, value in kwargs.items())
    masked = masked or config["sliding_window"] is not None
    return config["dropout"] == 0 and not (kwargs["return_attention_scores"] and masked)


def _settings(draw: random.Random) -> dict[str, Any]:
    settings = weight_settings(draw, "kernel", "bias")
    # The norm of a kernel of three axes is taken over its first only.
    return {**settings, **({"activity_regularizer": "l2"} if draw.random() < 0.2 else {})}


DRAWS = {
    "AdditiveAttention": _plain("AdditiveAttention"),
    "Attention": _plain("Attention"),
    "GroupedQueryAttention": group_query_attention,
    "MultiHeadAttention": multi_head_attention,
}
