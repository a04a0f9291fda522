"""Attention of several heads, each with keys of its own."""

from __future__ import annotations

from typing import Any

from cornu import regularizers
from cornu.ir.shapes import normalize_axis
from cornu.layers.attention.heads import AttentionHeads, check_positive
from cornu.layers.attention.masks import Layout
from cornu.layers.core.einsum_dense import EinsumDense
from cornu.layers.settings import given


class MultiHeadAttention(AttentionHeads):
    """Attention of several heads: `output(softmax(query(x) key(y)ᵀ / sqrt(key_dim)) value(y))`.

    Args:
        num_heads: How many heads there are.
        key_dim: The size of each head's queries and keys.
        value_dim: The size of each head's values; `key_dim` if missing.
        dropout: The fraction of the attention weights that training sets to 0.
        use_bias: Whether the projections add a bias.
        output_shape: What the last axis of the query becomes, one size or several; its own size if missing.
        attention_axes: The axes over which one attends; all but the first and the last if missing.
        sliding_window: If given, a query sees only keys nearer than this many places.
        flash_attention: A hint for backends that have such a kernel; it excludes dropout and attention weights.
        use_gate: Whether the heads' results are multiplied by `sigmoid(gate(x))`, one more projection.
        seed: A seed for repeatable dropout.

    Call arguments:
        query: `(batch, queries, size)`; with more axes, `attention_axes` says which of them are places.
        value: `(batch, keys, size)`.
        key: Likewise; the value if missing.
        query_mask: `(batch, queries)`, false at places that do not count; it changes no number, and where the query
            carries it the output does, too.
        value_mask, key_mask: `(batch, keys)`, false at places that no query sees; taken from the inputs if missing.
        attention_mask: `(batch, queries, keys)`, false where a query may not see a key.
        return_attention_scores: Whether the attention weights are a second output.
        use_causal_mask: Whether a query sees only the keys at its own place and before; several attention axes are
            read row by row.

    Raises:
        ValueError: If a setting is out of range, or shapes or masks do not go together.

    Shape:
        `(batch, queries, size)` → `(batch, queries, size or *output_shape)`; attention weights
        `(batch, num_heads, queries, keys)`.

    Source:
        Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.MultiHeadAttention(num_heads=2, key_dim=3)
        >>> layer(cornu.ops.ones((2, 4, 8)), cornu.ops.ones((2, 6, 8))).shape
        (2, 4, 8)
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
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
        own = ("num_heads", "key_dim", "value_dim", "output_shape", "attention_axes", "activity_regularizer")
        super().__init__(**given(locals(), *own, "own"))
        check_positive("num_heads", num_heads)
        check_positive("key_dim", key_dim)
        check_positive("value_dim", value_dim, optional=True)
        self.num_heads = num_heads
        self.key_dim = key_dim
        self.value_dim = value_dim or key_dim
        self._output_shape = _tuple_or_none("output_shape", output_shape)
        self.attention_axes = _tuple_or_none("attention_axes", attention_axes)
        # As in Keras it regularizes what the projections give, and not the layer's output once more.
        self._of_projections = regularizers.get(activity_regularizer)

    _hides_queries = False

    @property
    def _activity(self) -> Any:
        return self._of_projections

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:  # type: ignore[override]
        """Creates the projections `query`, `key`, `gate`, `value` and `attention_output`."""
        key_shape = value_shape if key_shape is None else key_shape
        self._check_shapes(value_shape, key_shape)
        if len(query_shape) != len(value_shape) or len(query_shape) < 3:
            raise ValueError(
                f"MultiHeadAttention layer '{self.name}': query and value must have the same number of axes, at least "
                f"3, got query_shape={tuple(query_shape)}, value_shape={tuple(value_shape)}."
            )
        if self.attention_axes is None:
            self.attention_axes = tuple(range(1, len(query_shape) - 1))
        self._layout(len(query_shape))
        heads, size = self.num_heads, self.value_dim
        self._query_dense = self._project("query", query_shape, (heads, self.key_dim))
        self._key_dense = self._project("key", key_shape, (heads, self.key_dim))
        if self.use_gate:
            self._gate_dense = self._project("gate", query_shape, (heads, size), activation="sigmoid")
        self._value_dense = self._project("value", value_shape, (heads, size))
        self._build_weighing()
        sizes = self._output_shape or (query_shape[-1],)
        self._output_dense = self._project("attention_output", (*query_shape[:-1], heads, size), sizes, summed=2)

    def _layout(self, rank: int) -> Layout:
        axes = tuple(normalize_axis(axis, rank, "attention_axes") for axis in self.attention_axes or ())
        if not axes or len(set(axes)) != len(axes) or 0 in axes or rank - 1 in axes:
            raise ValueError(
                f"MultiHeadAttention layer '{self.name}': `attention_axes` must be distinct axes between the first and "
                f"the last of {rank}, got {self.attention_axes}."
            )
        return Layout(rank, axes)

    @property
    def query_dense(self) -> EinsumDense:
        """The projection of the query."""
        return self._query_dense

    @property
    def key_dense(self) -> EinsumDense:
        """The projection of the key."""
        return self._key_dense

    @property
    def value_dense(self) -> EinsumDense:
        """The projection of the value."""
        return self._value_dense

    @property
    def output_dense(self) -> EinsumDense:
        """The projection of the heads' results."""
        return self._output_dense

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> Any:
        """The shape of the output: that of the query, with `output_shape` at its end."""
        query_shape = super().compute_output_shape(query_shape, value_shape, key_shape)
        return (*query_shape[:-1], *(self._output_shape or query_shape[-1:]))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "output_shape": self._output_shape,
            "attention_axes": self.attention_axes,
            "activity_regularizer": regularizers.serialize(self._of_projections),
        }


def _tuple_or_none(name: str, value: Any) -> tuple[int, ...] | None:
    if value is None:
        return None
    values = (value,) if isinstance(value, int) else tuple(value) if isinstance(value, (tuple, list)) else ()
    if not values or any(not isinstance(item, int) for item in values):
        raise ValueError(f"MultiHeadAttention: `{name}` must be an integer or a tuple of integers, got {value!r}.")
    return values
