"""From keys to uniform numbers."""

from __future__ import annotations

from typing import Any

from cornu.ops.arguments import as_sizes, emit
from cornu.random.seed_generator import draw_seed
from cornu.tracing.tensor import Tensor, convert

_WIDE = ("float32", "float64")


def random_bits(shape: Any, seed: Any = None) -> Any:
    """Uniform words of 32 bits.

    Args:
        shape: The shape; its sizes may be symbolic.
        seed: An integer, a `SeedGenerator`, None for the global generator, or a key itself (uint32 [2]).
    """
    key = seed if isinstance(seed, Tensor) else draw_seed(seed)
    return emit("RandomBits", key, shape=as_sizes(shape))


def word(value: int) -> Tensor:
    """A constant of 32 bits."""
    return convert(value, "uint32")


def computed_in(dtype: str) -> str:
    """The type that numbers of a type are computed in: at least float32."""
    return dtype if dtype in _WIDE else "float32"


def unit(bits: Tensor, dtype: str) -> Any:
    """Numbers in [0, 1) from words: their upper 24 bits, which every float of 32 bits or more holds exactly."""
    return emit("Mul", emit("Cast", emit("BitShift", bits, word(8), direction="RIGHT"), to=dtype), 2.0**-24)


def open_unit(bits: Tensor, dtype: str) -> Any:
    """Numbers strictly between 0 and 1 from words: the middles of 2²³ equal parts."""
    upper = emit("Cast", emit("BitShift", bits, word(9), direction="RIGHT"), to=dtype)
    return emit("Add", emit("Mul", upper, 2.0**-23), 2.0**-24)


def branch(key: Tensor, number: int) -> Any:
    """Another key made of a key: its stream has nothing to do with that of the first, or of another number."""
    turned = emit("BitwiseXor", key, convert([0x5851F42D, 0x4C957F2D + number], "uint32"))
    return emit("RandomBits", turned, shape=(2,))
