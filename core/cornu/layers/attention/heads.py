"""What layers of several attention heads share: projections, masks, and the attention itself."""

from __future__ import annotations

import math
from string import ascii_lowercase
from typing import Any

from cornu import initializers, ops
from cornu.layers.activations.softmax import Softmax
from cornu.layers.attention.masks import Layout, joined, visible
from cornu.layers.core.einsum_dense import EinsumDense
from cornu.layers.layer import Layer
from cornu.layers.regularization.dropout import Dropout
from cornu.layers.settings import check_rate, described, of_weights, resolve

_FAR, _FAR_IN_FLOAT16 = -1e9, -3e4


class AttentionHeads(Layer):
    """Attention of several heads: `output(softmax(query keyᵀ / sqrt(size)) value)`, each of the four a projection.

    A subclass makes the projections in `build`. The settings of weights are those of each projection.

    Args:
        dropout: The fraction of the attention weights that training sets to 0.
        use_bias: Whether the projections add a bias.
        sliding_window: If given, a query sees only keys nearer than this many places.
        flash_attention: A hint for backends that have such a kernel; it excludes dropout and attention weights.
        use_gate: Whether the heads' results are multiplied by `sigmoid(gate(query))`, one more projection.
        seed: A seed for repeatable dropout.

    Raises:
        ValueError: If a setting is out of range, or flash attention is asked for with dropout.
    """

    _query_dense: EinsumDense
    _key_dense: EinsumDense
    _gate_dense: EinsumDense
    _value_dense: EinsumDense
    _output_dense: EinsumDense

    def __init__(
        self,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_rate("dropout", dropout)
        check_positive("sliding_window", sliding_window, optional=True)
        if flash_attention and dropout > 0:
            raise ValueError(
                f"{type(self).__name__}: dropout is not supported with flash attention, "
                f"got flash_attention={flash_attention}, dropout={dropout}."
            )
        self.dropout = dropout
        self.use_bias = use_bias
        self.sliding_window = sliding_window
        self.flash_attention = flash_attention
        self.use_gate = use_gate
        self.seed = seed
        self.supports_masking = True
        resolve(
            self,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )

    # -- building ------------------------------------------------------------------------------------------------

    def _project(
        self, name: str, shape: Any, sizes: tuple[int, ...], summed: int = 1, activation: str | None = None
    ) -> EinsumDense:
        """A built projection of the last axes of an input.

        Args:
            name: Its name.
            shape: The shape of the input.
            sizes: What its last axes become.
            summed: How many of them there are.
            activation: Of the result.
        """
        rank = len(shape)
        letters = ascii_lowercase[: rank + len(sizes)]
        free, old, new = letters[: rank - summed], letters[rank - summed : rank], letters[rank:]
        settings = {setting: getattr(self, setting) for setting in of_weights("kernel", "bias")}
        for setting in ("kernel_initializer", "bias_initializer"):
            # One object without a seed of its own would give all projections the same numbers.
            if isinstance(settings[setting], initializers.Initializer):
                settings[setting] = settings[setting].clone()
        projection = EinsumDense(
            f"{free}{old},{old}{new}->{free}{new}",
            output_shape=(*(None,) * (len(free) - 1), *sizes),
            bias_axes=new if self.use_bias else None,
            activation=activation,
            activity_regularizer=self._activity,
            dtype=self.dtype_policy,
            name=name,
            **settings,
        )
        projection.supports_masking = True  # each place is projected by itself
        projection.build(tuple(shape))
        return projection

    @property
    def _activity(self) -> Any:
        """What regularizes the results of the projections."""
        return self.activity_regularizer

    def _build_weighing(self) -> None:
        """Makes the layers between scores and outputs; they stand in files under these names."""
        self._softmax = Softmax(dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)

    def _check_shapes(self, value_shape: Any, key_shape: Any) -> None:
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(
                f"{type(self).__name__} layer '{self.name}': value and key must agree in all axes but the last, "
                f"got value_shape={tuple(value_shape)}, key_shape={tuple(key_shape)}."
            )

    # -- calling -------------------------------------------------------------------------------------------------

    # Whether a query that does not count sees nothing; what comes out for it is of no use either way.
    _hides_queries = True

    def _layout(self, rank: int) -> Layout:
        return Layout(rank, (1,))

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        if return_attention_scores and self.flash_attention:
            raise ValueError(f"{type(self).__name__}: flash attention does not return attention scores.")
        key = value if key is None else key
        layout = self._layout(len(query.shape))
        masks = [layout.of_queries(query_mask)] if query_mask is not None and self._hides_queries else []
        for name, mask in (("value_mask", value_mask), ("key_mask", key_mask)):
            masks += [] if mask is None else [layout.of_keys(mask, name)]
        masks += [] if attention_mask is None else [layout.of_pairs(attention_mask)]
        mask = layout.flat_mask(joined(masks), query, value)

        projections = (self._query_dense(query), self._key_dense(key), self._value_dense(value))
        q, k, v = (layout.flat(x) for x in projections)
        if return_attention_scores or (self.dropout > 0 and training):
            outputs, weights = self._weigh(q, k, v, mask, use_causal_mask, training)
        else:
            outputs, weights = self._compose(q, k, v, mask, use_causal_mask, layout.plain), None
        outputs = layout.restored(outputs, query)
        if self.use_gate:
            outputs = outputs * self._gate_dense(query)
        outputs = self._output_dense(outputs)
        return (outputs, layout.restored_weights(weights, query, value)) if return_attention_scores else outputs

    def _with_places(self, query: Any, key: Any, mask: Any, causal: bool) -> Any:
        """The mask, narrowed to the keys that a query may see by their places."""
        if not causal and self.sliding_window is None:
            return mask
        places = visible(ops.shape(query)[1], ops.shape(key)[1], causal, self.sliding_window)
        places = ops.expand_dims(places, (0, 1))
        return places if mask is None else ops.logical_and(mask, places)

    def _compose(self, query: Any, key: Any, value: Any, mask: Any, causal: bool, plain: bool) -> Any:
        """The heads' results in one operation, which backends and export know as a whole."""
        alone = causal and mask is None and self.sliding_window is None
        mask = self._with_places(query, key, mask, causal and not alone)
        outputs = ops.dot_product_attention(
            query, key, value, mask=mask, is_causal=alone, flash_attention=self.flash_attention
        )
        if mask is None or (plain and self.dropout == 0):
            return outputs
        # A query that sees nothing gets zeros where Keras masks the weights, the mean of all values elsewhere.
        sees = ops.expand_dims(ops.swapaxes(ops.any(mask, axis=-1), 1, 2), -1)
        return outputs * ops.cast(sees, outputs.dtype)

    def _weigh(self, query: Any, key: Any, value: Any, mask: Any, causal: bool, training: bool | None) -> Any:
        """The heads' results and, before dropout, the weights [batch, heads, queries, keys]."""
        sharing = query.shape[2] // key.shape[2]
        if sharing > 1:
            key, value = (ops.repeat(x, sharing, axis=2) for x in (key, value))
        mask = self._with_places(query, key, mask, causal)
        logits = ops.einsum("bqnh,bknh->bnqk", query * (1 / math.sqrt(query.shape[3])), key)
        if mask is None:
            weights = self._softmax(logits)
        else:
            seen = ops.cast(mask, logits.dtype)
            far = _FAR_IN_FLOAT16 if logits.dtype == "float16" else _FAR
            weights = self._softmax(logits + (1 - seen) * far) * seen
        kept = self._dropout_layer(weights, training=training)
        return ops.einsum("bnqk,bknh->bqnh", kept, value), weights

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> Any:
        """The shape of the output: that of the query."""
        self._check_shapes(value_shape, value_shape if key_shape is None else key_shape)
        return tuple(query_shape)

    def get_config(self) -> dict[str, Any]:
        names = ("dropout", "use_bias", "use_gate", "sliding_window", "seed", *of_weights("kernel", "bias"))
        return {**super().get_config(), **described(self, *names, "activity_regularizer")}


def check_positive(name: str, value: Any, optional: bool = False) -> None:
    """Checks a size.

    Raises:
        ValueError: If it is no positive integer.
    """
    if optional and value is None:
        return
    if not isinstance(value, int) or value <= 0:
        allowed = "a positive integer or `None`" if optional else "a positive integer"
        raise ValueError(
            f"Received an invalid value for argument `{name}`, expected {allowed}. Received: {name}={value}"
        )
