"""Functions that are one named node of a program, with gradient rules that save passes or keep numbers stable."""

from cornu.composites.activation import bounded, elu, gelu, leaky_relu
from cornu.composites.attention import attention
from cornu.composites.crossentropy import categorical_crossentropy, sparse_categorical_crossentropy
from cornu.composites.normalization import (
    batch_normalization,
    batch_normalization_training,
    layer_normalization,
    rms_normalization,
)
from cornu.composites.recurrent import gru, lstm, simple_rnn
from cornu.composites.softmax import log_softmax, softmax

__all__ = [
    "attention",
    "batch_normalization",
    "batch_normalization_training",
    "bounded",
    "categorical_crossentropy",
    "elu",
    "gelu",
    "gru",
    "layer_normalization",
    "leaky_relu",
    "log_softmax",
    "lstm",
    "rms_normalization",
    "simple_rnn",
    "softmax",
    "sparse_categorical_crossentropy",
]
