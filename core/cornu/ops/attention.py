"""Scaled dot-product attention in Keras's layout."""

from __future__ import annotations

import math
from typing import Any

from cornu import composites
from cornu.composites.attention import forbidding_bias
from cornu.ops.arguments import as_operand, as_tensor, emit, permute, sizes, with_shape
from cornu.ops.dtypes import float_type
from cornu.ops.logic import as_bool
from cornu.ops.operation import op
from cornu.tracing.tensor import Tensor


@op("DotProductAttention", tensors=6, module="nn")
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Any:
    """`softmax(scale · query keyᵀ + bias) value` for every head.

    Args:
        query: [batch, queries, heads, size].
        key: [batch, keys, key heads, size]; several query heads may share one key head.
        value: [batch, keys, key heads, size].
        bias: Added to the logits; broadcasts to [batch, heads, queries, keys].
        mask: Where it is false, a query does not see a key; broadcasts likewise.
        scale: The factor of the logits; `1 / sqrt(size)` if missing.
        is_causal: Whether a query sees only the keys at its own place and before.
        flash_attention: A hint for backends that have such a kernel; there is one way to compute it here.
        attn_logits_soft_cap: If given, logits become `logits / (1 + |logits| / cap)`.

    Raises:
        ValueError: If a tensor does not have four axes, or heads do not divide.
    """
    items = [as_operand(x) for x in (query, key, value)]
    dtype = float_type(*items)
    q, k, v = (as_tensor(x, dtype) for x in items)
    if any(x.ndim != 4 for x in (q, k, v)):
        raise ValueError(
            "`dot_product_attention` only supports 4D inputs. Received: "
            f"query.shape={q.shape}, key.shape={k.shape}, value.shape={v.shape}."
        )
    if flash_attention not in (None, True, False):
        raise ValueError(f"dot_product_attention: flash_attention is None, True or False, got {flash_attention!r}.")
    heads, groups = sizes(q)[2], sizes(k)[2]
    q, k, v = (permute(x, (0, 2, 1, 3)) for x in (q, k, v))
    if heads != groups:
        k, v = (_shared(x, heads, groups) for x in (k, v))
    depth = sizes(q)[3]
    factor = 1 / math.sqrt(int(depth)) if scale is None else float(scale)
    summand = _summand(bias, mask, heads)
    result = composites.attention(q, k, v, summand, factor, bool(is_causal), attn_logits_soft_cap)
    return permute(result, (0, 2, 1, 3))


def _shared(x: Tensor, heads: Any, groups: Any) -> Tensor:
    """Each key head repeated for the query heads that share it."""
    if not isinstance(heads, int) or not isinstance(groups, int) or heads % groups:
        raise ValueError(f"dot_product_attention: {heads} query heads do not divide among {groups} key heads.")
    batch, _, length, depth = sizes(x)
    lifted = with_shape(x, (batch, groups, 1, length, depth))
    spread = emit("Expand", lifted, shape=(batch, groups, heads // groups, length, depth))
    return with_shape(spread, (batch, heads, length, depth))


def _four_axes(x: Tensor, heads: Any) -> Tensor:
    """[batch, heads, queries, keys] of a bias or mask with fewer axes."""
    while x.ndim < 4:
        place = 2 if x.ndim == 3 and sizes(x)[1] == heads else 1 if x.ndim == 3 else 0
        x = with_shape(x, (*sizes(x)[:place], 1, *sizes(x)[place:]))
    return x


def _summand(bias: Any, mask: Any, heads: Any) -> Tensor | None:
    """The bias and the mask as one tensor that is added to the logits."""
    added = None if bias is None else _four_axes(as_tensor(as_operand(bias)), heads)
    if mask is None:
        return added
    hidden = forbidding_bias(_four_axes(as_bool(mask), heads))
    if added is None:
        return hidden  # type: ignore[no-any-return]
    wide = "float64" if added.dtype == "float64" else "float32"
    return emit("Add", as_tensor(added, wide), as_tensor(hidden, wide))  # type: ignore[no-any-return]
