"""Attention over given queries, values and keys, without projections."""

from __future__ import annotations

from typing import Any

from cornu import ops, random
from cornu.layers.attention.masks import visible
from cornu.layers.layer import Layer
from cornu.layers.settings import check_rate, described, last_size

# What hidden scores are lowered by; float16 has no larger number.
_FAR, _FAR_IN_FLOAT16 = 1e9, 65504.0


class Attention(Layer):
    """Luong's attention: `softmax(scores(query, key)) value`.

    The scores are `query keyᵀ`, times `scale` if there is one, or in the mode "concat"
    `weight * sum(tanh(scale * (query + key)))` over the last axis.

    Args:
        use_scale: Whether `scale`, a trained number, is there.
        score_mode: "dot" or "concat".
        dropout: The fraction of the attention weights that training sets to 0.
        seed: A seed for repeatable dropout.

    Call arguments:
        inputs: `[query, value]` or `[query, value, key]`; the key is the value if it is missing.
        mask: `[query_mask, value_mask]`, each a boolean tensor or None: outputs of hidden queries are 0, hidden values
            are not attended to.
        return_attention_scores: Whether the attention weights are a second output.
        use_causal_mask: Whether a query sees only the values at its own place and before.

    Raises:
        ValueError: If the mode, the fraction, or the number of inputs or masks is none of these.

    Shape:
        `(batch, queries, size)`, `(batch, values, depth)`, `(batch, values, size)` → `(batch, queries, depth)`;
        attention weights `(batch, queries, values)`.

    Source:
        Luong et al., "Effective Approaches to Attention-based Neural Machine Translation", 2015, arXiv:1508.04025.

    Example:
        >>> import cornu
        >>> cornu.layers.Attention()([cornu.ops.ones((2, 3, 4)), cornu.ops.ones((2, 5, 4))]).shape
        (2, 3, 4)
    """

    def __init__(
        self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(
                f"Invalid value for argument score_mode. Expected one of {{'dot', 'concat'}}. "
                f"Received: score_mode={score_mode}"
            )
        check_rate("dropout", dropout)
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = dropout
        self.seed = seed
        if dropout > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.scale: Any = None
        self.concat_score_weight: Any = None

    def build(self, input_shape: Any) -> None:
        """Creates `scale` and in the mode "concat" `concat_score_weight`, one number each."""
        self._check_inputs(input_shape)
        if self.use_scale:
            self.scale = self.add_weight((), "ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check_inputs(inputs, mask)
        query, value, key = inputs if len(inputs) == 3 else (*inputs, inputs[1])
        query_mask, value_mask = (None, None) if mask is None else mask[:2]
        scores = self._scores(query, key)
        weights = ops.softmax(self._hide(scores, value_mask, use_causal_mask))
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        outputs = ops.matmul(weights, value)
        if query_mask is not None:
            outputs = outputs * ops.cast(ops.expand_dims(query_mask, -1), outputs.dtype)
        return (outputs, weights) if return_attention_scores else outputs

    def _scores(self, query: Any, key: Any) -> Any:
        """How well each key [..., keys, size] answers each query [..., queries, size]: [..., queries, keys]."""
        scale = 1.0 if self.scale is None else self.scale
        if self.score_mode == "concat":
            return self.concat_score_weight * ops.sum(ops.tanh(scale * _sums(query, key)), axis=-1)
        return scale * ops.matmul(query, ops.swapaxes(key, -1, -2))

    def _hide(self, scores: Any, value_mask: Any, causal: bool) -> Any:
        """The scores, far lower where a query may not see a value."""
        allowed = None if value_mask is None else ops.cast(ops.expand_dims(value_mask, -2), "bool")
        if causal:
            queries, keys = ops.shape(scores)[-2:]
            before = visible(queries, keys, causal=True)
            allowed = before if allowed is None else ops.logical_and(allowed, before)
        if allowed is None:
            return scores
        far = _FAR_IN_FLOAT16 if scores.dtype == "float16" else _FAR
        return scores - far * ops.cast(ops.logical_not(allowed), scores.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the query."""
        self._check_inputs(inputs, mask)
        return None if mask is None else mask[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output: the query's, with the depth of the value."""
        self._check_inputs(input_shape)
        return (*input_shape[0][:-1], input_shape[1][-1])

    def _check_inputs(self, inputs: Any, mask: Any = None) -> None:
        kind = f"{type(self).__name__} layer '{self.name}'"
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                f"{kind} must be called on a list of inputs, namely [query, value] or [query, value, key], "
                f"got {inputs!r}."
            )
        if len(inputs) not in (2, 3):
            raise ValueError(
                f"{kind} accepts inputs list of length 2 or 3, namely [query, value] or [query, value, key], "
                f"got {len(inputs)} inputs."
            )
        if mask is None:
            return
        if not isinstance(mask, (list, tuple)):
            raise ValueError(f"{kind}: mask must be a list, namely [query_mask, value_mask], got {mask!r}.")
        if len(mask) not in (2, 3):
            raise ValueError(f"{kind}: mask must be a list of length 2 or 3, got {len(mask)} masks.")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **described(self, "use_scale", "score_mode", "dropout", "seed")}


def _sums(query: Any, key: Any) -> Any:
    """Every query plus every key: [..., queries, keys, size]."""
    return ops.expand_dims(query, -2) + ops.expand_dims(key, -3)


class AdditiveAttention(Attention):
    """Bahdanau's attention: the scores are `sum(scale * tanh(query + key))` over the last axis; see `Attention`.

    Args:
        use_scale: Whether `scale`, one trained number for each place of the last axis, is there.
        dropout: The fraction of the attention weights that training sets to 0.

    Source:
        Bahdanau, Cho and Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate", 2014,
        arXiv:1409.0473.

    Example:
        >>> import cornu
        >>> cornu.layers.AdditiveAttention()([cornu.ops.ones((2, 3, 4)), cornu.ops.ones((2, 5, 4))]).shape
        (2, 3, 4)
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, score_mode="dot", dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        """Creates `scale` (size,)."""
        self._check_inputs(input_shape)
        if self.use_scale:
            size = last_size(input_shape[0], "AdditiveAttention", self.name)
            self.scale = self.add_weight((size,), "glorot_uniform", name="scale")

    def _scores(self, query: Any, key: Any) -> Any:
        scale = 1.0 if self.scale is None else self.scale
        return ops.sum(scale * ops.tanh(_sums(query, key)), axis=-1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("score_mode")
        return config
