"""Attention that looks back."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers import Dense, Dropout, Layer

from cornu_extras.checks import last_size, positive_integer, probability
from cornu_extras.positions import RotaryEmbedding


class CausalSelfAttention(Layer):
    """Multi-head attention of a sequence to itself, where a place sees itself and those before it.

    `concat(softmax(Qₕ Kₕᵀ / √size) Vₕ) W`, with `Q`, `K`, `V` linear in the input.

    Args:
        num_heads: The number of heads, which must divide the number of features.
        dropout: The fraction of the output's features that is dropped in training, in [0, 1).
        use_bias: Whether biases are added.
        rotary: Whether queries and keys get rotary positions.
        seed: A seed for repeatable dropout.

    Shape:
        `(batch, time, size)` → the same; a mask `(batch, time)` hides places from all others.

    Raises:
        ValueError: An argument is out of range, or the heads do not divide the features.

    Source:
        Vaswani et al., "Attention Is All You Need", NeurIPS 2017; Radford et al., "Improving Language Understanding by
        Generative Pre-Training", 2018.

    Example:
        >>> CausalSelfAttention(4)(cornu.ops.ones((2, 5, 8))).shape
        (2, 5, 8)
    """

    def __init__(
        self,
        num_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        rotary: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = positive_integer("CausalSelfAttention", "num_heads", num_heads)
        self.dropout = probability("CausalSelfAttention", "dropout", dropout)
        self.use_bias = use_bias
        self.rotary = rotary
        self.seed = seed
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Creates the layers `query`, `key`, `value` and `projection`."""
        if len(input_shape) != 3:
            raise ValueError(f"CausalSelfAttention {self.name!r} needs (batch, time, size), got shape {input_shape}.")
        size = last_size("CausalSelfAttention", self.name, input_shape)
        if size % self.num_heads:
            raise ValueError(
                f"CausalSelfAttention {self.name!r}: {self.num_heads} heads do not divide {size} features."
            )
        self.query, self.key, self.value, self.projection = (
            Dense(size, use_bias=self.use_bias, dtype=self.dtype_policy, name=name)
            for name in ("query", "key", "value", "projection")
        )
        for layer in (self.query, self.key, self.value, self.projection):
            layer.build(input_shape)
        self.positions = RotaryEmbedding(dtype=self.dtype_policy, name="positions") if self.rotary else None
        if self.positions is not None:
            self.positions.build((None, None, self.num_heads, size // self.num_heads))
        self.drop = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy, name="drop")

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        """Attends."""
        query, key, value = (self._heads(layer(inputs)) for layer in (self.query, self.key, self.value))
        if self.positions is not None:
            query, key = self.positions(query), self.positions(key)
        seen = None if mask is None else ops.expand_dims(ops.cast(mask, "bool"), (1, 2))
        attended = ops.dot_product_attention(query, key, value, mask=seen, is_causal=True)
        flat = ops.reshape(attended, (*ops.shape(inputs)[:2], inputs.shape[-1]))
        return self.drop(self.projection(flat), training=training)

    def _heads(self, x: Any) -> Any:
        batch, time = ops.shape(x)[:2]
        return ops.reshape(x, (batch, time, self.num_heads, x.shape[-1] // self.num_heads))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "rotary": self.rotary,
            "seed": self.seed,
        }
