"""An embedding that also leads back from vectors to scores of rows."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.ir.types import is_integer
from cornu.layers.core.embedding import Embedding
from cornu.layers.settings import given, weight
from cornu.utils.dtypes import resolve_dtype


class ReversibleEmbedding(Embedding):
    """Rows of a table, and the way back: `call(x, reverse=True)` is `x @ embeddings^T`, a score for each row.

    Args:
        input_dim: The number of rows.
        output_dim: The length of a row.
        tie_weights: Whether both ways use one table; if not, the way back has `reverse_embeddings`.
        embeddings_initializer: What makes the first values of both.
        embeddings_regularizer: A function of `embeddings` added to the loss.
        embeddings_constraint: A function applied to `embeddings` after each update.
        mask_zero: Whether index 0 is padding that later layers mask.
        reverse_dtype: What the way back is computed in; the compute dtype if missing.
        logit_soft_cap: If set, scores become `cap * tanh(scores / cap)`.

    Raises:
        ValueError: If a size or the cap is not positive, or the vectors of the way back have another length.

    Shape:
        Integers `(batch, ...)` → `(batch, ..., output_dim)`; in reverse `(batch, ..., output_dim)` →
        `(batch, ..., input_dim)`.

    Source:
        Press and Wolf, "Using the Output Embedding to Improve Language Models", 2017, arXiv:1608.05859.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.ReversibleEmbedding(10, 4)
        >>> vectors = layer(cornu.ops.array([[1, 2, 3]]))
        >>> vectors.shape, layer(vectors, reverse=True).shape
        ((1, 3, 4), (1, 3, 10))
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        if logit_soft_cap is not None and not logit_soft_cap > 0:
            raise ValueError(f"ReversibleEmbedding: `logit_soft_cap` must be above 0, got {logit_soft_cap!r}.")
        self.tie_weights = tie_weights
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap
        super().__init__(**given(locals(), "tie_weights", "reverse_dtype", "logit_soft_cap"))

    def build(self, input_shape: Any = None) -> None:
        """Creates `embeddings` (input_dim, output_dim), and untied `reverse_embeddings` (output_dim, input_dim)."""
        super().build(input_shape)
        if not self.tie_weights:
            # As in Keras, the regularizer and the constraint are those of `embeddings` alone.
            settings: dict[str, Any] = {"kind": "embeddings", "regularizer": None, "constraint": None}
            self.reverse_embeddings = weight(self, "reverse_embeddings", (self.output_dim, self.input_dim), **settings)

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if not reverse:
            return super().call(inputs)
        if inputs.shape[-1] != self.output_dim:
            raise ValueError(
                f"ReversibleEmbedding layer '{self.name}': in reverse, the last axis must have the size "
                f"{self.output_dim}, got input shape {tuple(inputs.shape)}."
            )
        dtype = self.compute_dtype if self.reverse_dtype is None else resolve_dtype(self.reverse_dtype)
        table = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        scores = ops.matmul(ops.cast(inputs, dtype), ops.cast(table, dtype))
        cap = self.logit_soft_cap
        return scores if cap is None else ops.tanh(scores / cap) * cap

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return super().compute_mask(inputs, mask) if is_integer(inputs.dtype) else None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "tie_weights": self.tie_weights,
            "reverse_dtype": self.reverse_dtype,
            "logit_soft_cap": self.logit_soft_cap,
        }
