"""Scaled dot-product attention."""

from __future__ import annotations

from typing import Any

from cornu.composites.softmax import softmax, total
from cornu.ir.dim import DimLike
from cornu.ops.arguments import as_tensor, emit, permute, sizes, with_shape
from cornu.tracing.structure import composite
from cornu.tracing.tensor import Tensor

_NEVER = -0.7 * 3.4028234663852886e38


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None = None,
    scale: float = 1.0,
    is_causal: bool = False,
    soft_cap: float | None = None,
) -> Any:
    """`softmax(scale · query keyᵀ + bias) value`; the node is named "Attention".

    The softmax is computed in at least float32. The gradient keeps the attention weights as its residual.

    Args:
        query: Floats of shape [batch, heads, queries, size].
        key, value: Of shape [batch, heads, keys, size].
        bias: Floats that broadcast to [batch, heads, queries, keys], added to the logits; None for none.
        scale: The factor of the products.
        is_causal: Whether a query sees only the keys at its own place and before.
        soft_cap: If given, logits become `logits / (1 + |logits| / soft_cap)` before the bias.

    Returns:
        Of shape [batch, heads, queries, size].
    """
    wide = "float32" if query.dtype in ("float16", "bfloat16") else query.dtype
    extra = () if bias is None else (bias,)

    def body(query: Tensor, key: Tensor, value: Tensor, *bias: Tensor) -> Any:
        logits = as_tensor(emit("MatMul", emit("Mul", query, scale), permute(key, (0, 1, 3, 2))), wide)
        capped: tuple[Any, ...] = ()
        if soft_cap is not None:
            shrink = emit("Reciprocal", emit("Add", emit("Div", emit("Abs", logits), soft_cap), 1.0))
            capped, logits = (shrink,), emit("Mul", logits, shrink)
        for summand in (*bias, *_causal(is_causal, logits)):
            logits = emit("Add", logits, as_tensor(summand, wide))
        weights = as_tensor(softmax(as_tensor(logits, wide), 3), query.dtype)
        return emit("MatMul", weights, value), (weights, *capped)

    def rule(saved: Any, inputs: Any, cotangents: Any) -> Any:
        (weights, *capped), (query, key, value, *bias), (g,) = saved, inputs, cotangents
        by_value = emit("MatMul", permute(weights, (0, 1, 3, 2)), g)
        if bias:
            # Where all is hidden the weights do not depend on the logits, which the large summand has swallowed.
            g = emit("Mul", g, as_tensor(_sees_something(bias[0], is_causal, weights), g.dtype))
        by_weights = emit("Mul", emit("MatMul", g, permute(value, (0, 1, 3, 2))), weights)
        by_logits = emit("Sub", by_weights, emit("Mul", weights, total(by_weights, 3)))
        by_bias = tuple(_sum_to(by_logits, item) for item in bias)
        if capped:
            bend = emit("Mul", capped[0], capped[0])
            by_logits = emit("Mul", by_logits, as_tensor(bend, by_logits.dtype))
        by_query = emit("Mul", emit("MatMul", by_logits, key), scale)
        by_key = emit("MatMul", permute(by_logits, (0, 1, 3, 2)), emit("Mul", query, scale))
        return (by_query, by_key, by_value, *by_bias)

    return composite(
        "Attention",
        body,
        query,
        key,
        value,
        *extra,
        vjp=rule,
        residuals=True,
        scale=scale,
        is_causal=is_causal,
        soft_cap=soft_cap or 0.0,
    )


def _causal(is_causal: bool, logits: Tensor) -> tuple[Any, ...]:
    """What keeps a query from later keys: a very negative summand."""
    if not is_causal:
        return ()
    queries, keys = sizes(logits)[2:]
    return (causal_bias(queries, keys, logits.dtype),)


def _sees_something(bias: Tensor, is_causal: bool, weights: Tensor) -> Any:
    """Whether a query has a key that is not hidden from it: [..., queries, 1], or 1 for all queries."""
    bias = as_tensor(bias, "float32")
    if is_causal:
        queries, keys = sizes(weights)[2:]
        bias = emit("Add", bias, causal_bias(queries, keys, "float32"))
    return emit("Greater", emit("ReduceMax", bias, axes=(bias.ndim - 1,), keepdims=True), _NEVER / 2)


def causal_bias(queries: DimLike, keys: DimLike, dtype: str) -> Any:
    """0 where the key is not behind the query, very negative elsewhere: [queries, keys]."""
    ones = emit("Expand", as_tensor(1.0, dtype), shape=(queries, keys))
    return emit("Mul", emit("Trilu", ones, upper=True, k=1), _NEVER)


def forbidding_bias(mask: Tensor) -> Any:
    """0 where the mask is true, very negative elsewhere, as float32."""
    return emit("Mul", emit("Sub", 1.0, emit("Cast", mask, to="float32")), _NEVER)


def _sum_to(g: Tensor, like: Tensor) -> Any:
    """The cotangent of something that was broadcast to the shape of `g`."""
    target = sizes(like)
    padded = (*(1,) * (g.ndim - len(target)), *target)
    axes = tuple(i for i, (have, want) in enumerate(zip(sizes(g), padded, strict=True)) if want == 1 and have != 1)
    summed = emit("ReduceSum", g, axes=axes, keepdims=True) if axes else g
    return as_tensor(with_shape(summed, target), like.dtype)
