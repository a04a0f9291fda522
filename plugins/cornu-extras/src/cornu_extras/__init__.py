"""Layers that Keras users ask for, written in `cornu.ops`."""

from cornu_extras.attention import CausalSelfAttention
from cornu_extras.gating import GEGLU, GatedLinearUnit, SqueezeExcite, SwiGLU
from cornu_extras.patches import PatchEmbedding
from cornu_extras.positions import LearnedPositionEmbedding, RotaryEmbedding, SinePositionEncoding
from cornu_extras.residual import LayerScale, StochasticDepth

DropPath = StochasticDepth

__all__ = [
    "GEGLU",
    "CausalSelfAttention",
    "DropPath",
    "GatedLinearUnit",
    "LayerScale",
    "LearnedPositionEmbedding",
    "PatchEmbedding",
    "RotaryEmbedding",
    "SinePositionEncoding",
    "SqueezeExcite",
    "StochasticDepth",
    "SwiGLU",
]
