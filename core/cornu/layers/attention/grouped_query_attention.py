"""Attention of several heads, groups of which share their keys and values."""

from __future__ import annotations

from typing import Any

from cornu.layers.attention.heads import AttentionHeads, check_positive
from cornu.layers.settings import described, given


class GroupedQueryAttention(AttentionHeads):
    """Attention of several heads, of which `num_query_heads / num_key_value_heads` share keys and values.

    Keras calls it `GroupQueryAttention`.

    Args:
        head_dim: The size of each head.
        num_query_heads: How many heads there are.
        num_key_value_heads: How many heads of keys and values there are; it divides `num_query_heads`.
        dropout: The fraction of the attention weights that training sets to 0.
        use_bias: Whether the projections add a bias.
        sliding_window: If given, a query sees only keys nearer than this many places.
        flash_attention: A hint for backends that have such a kernel; it excludes dropout and attention weights.
        use_gate: Whether the heads' results are multiplied by `sigmoid(gate(x))`, one more projection.
        seed: A seed for repeatable dropout.

    Raises:
        ValueError: If a setting is out of range, or shapes or masks do not go together.

    Shape:
        `(batch, queries, size)`, `(batch, keys, size)` → `(batch, queries, size)`; attention weights
        `(batch, num_query_heads, queries, keys)`. The arguments of the call are those of `MultiHeadAttention`, but for
        `query_mask`: a query that does not count sees nothing.

    Source:
        Ainslie et al., "GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints", 2023,
        arXiv:2305.13245.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.GroupQueryAttention(head_dim=3, num_query_heads=4, num_key_value_heads=2)
        >>> layer(cornu.ops.ones((2, 4, 8)), cornu.ops.ones((2, 6, 8))).shape
        (2, 4, 8)
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**given(locals(), "head_dim", "num_query_heads", "num_key_value_heads"))
        check_positive("head_dim", head_dim)
        check_positive("num_query_heads", num_query_heads)
        check_positive("num_key_value_heads", num_key_value_heads)
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                "`num_query_heads` must be divisible by `num_key_value_heads`, "
                f"got {num_query_heads} and {num_key_value_heads}."
            )
        self.head_dim = head_dim
        self.num_query_heads = num_query_heads
        self.num_key_value_heads = num_key_value_heads

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:  # type: ignore[override]
        """Creates the projections `query`, `key`, `gate`, `value` and `attention_output`."""
        key_shape = value_shape if key_shape is None else key_shape
        self._check_shapes(value_shape, key_shape)
        self._check_inputs(query_shape, value_shape)
        of_queries = (self.num_query_heads, self.head_dim)
        of_keys = (self.num_key_value_heads, self.head_dim)
        self._query_dense = self._project("query", query_shape, of_queries)
        self._key_dense = self._project("key", key_shape, of_keys)
        if self.use_gate:
            self._gate_dense = self._project("gate", query_shape, of_queries, activation="sigmoid")
        self._value_dense = self._project("value", value_shape, of_keys)
        self._build_weighing()
        of_heads = (*query_shape[:-1], *of_queries)
        self._output_dense = self._project("attention_output", of_heads, (query_shape[-1],), summed=2)

    def _check_inputs(self, query_shape: Any, value_shape: Any) -> None:
        if len(query_shape) != 3 or len(value_shape) != 3 or query_shape[-1] != value_shape[-1]:
            raise ValueError(
                f"GroupQueryAttention layer '{self.name}': query and value must have 3 axes and the same last one, "
                f"got query_shape={tuple(query_shape)}, value_shape={tuple(value_shape)}."
            )

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> Any:
        """The shape of the output: that of the query."""
        self._check_inputs(query_shape, value_shape)
        return super().compute_output_shape(query_shape, value_shape, key_shape)

    def get_config(self) -> dict[str, Any]:
        own = described(self, "head_dim", "num_query_heads", "num_key_value_heads")
        return {**super().get_config(), **own}
