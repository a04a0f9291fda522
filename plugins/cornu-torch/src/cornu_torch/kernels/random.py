"""Random words, bit by bit those of spec/random.md: uint32 in the memory of int32, whose products wrap alike."""

from __future__ import annotations

import math

import numpy as np
import torch

from cornu_torch.site import Run, Shape, Site, kernel

Tensor = torch.Tensor

ROW = 4096
BLOCK = 32
"""Rows that are computed at a time, so that they stay in a cache."""


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word


GOLDEN, FIRST, SECOND = _signed(0x9E3779B9), _signed(0x7FEB352D), _signed(0x846CA68B)


def _mix(x: Tensor, shift: int) -> Tensor:
    """`x ^= x >> shift`; torch shifts copies of the sign in, which the mask takes away."""
    return x.bitwise_xor_((x >> shift).bitwise_and_((1 << (32 - shift)) - 1))


def _hash(x: Tensor) -> Tensor:
    """Of a tensor that may be overwritten."""
    return _mix(_mix(_mix(x, 16).mul_(FIRST), 15).mul_(SECOND), 16)


def _columns(device: torch.device) -> Tensor:
    words = torch.from_numpy((np.arange(ROW, dtype=np.uint32) + np.uint32(0x9E3779B9)).view(np.int32))
    return _hash(words).to(device)


@kernel("RandomBits", dtypes=frozenset({"uint32"}))
def _random_bits(site: Site) -> Run:
    shape: Shape = site.attributes["shape"]
    count = math.prod(shape)
    rows = -(-count // ROW)
    columns = _columns(site.device)[: min(count, ROW)]
    numbers = torch.from_numpy(np.arange(rows, dtype=np.uint32).view(np.int32)).to(site.device)
    block = BLOCK if site.device.type == "cpu" else max(rows, 1)

    def run(key: Tensor) -> Tensor:
        first, second = key[0], key[1]
        a = _hash(_hash(numbers + first).bitwise_xor_(second))
        b = _hash(a + (first * GOLDEN + 1)).bitwise_or_(1)
        words = torch.empty((rows, len(columns)), dtype=torch.int32, device=key.device)
        for start in range(0, rows, block):
            part = words[start : start + block]
            torch.add(columns, a[start : start + block, None], out=part)
            part.mul_(b[start : start + block, None])
            _mix(_mix(part, 16).mul_(FIRST), 15)
        return words.reshape(-1)[:count].reshape(shape)

    return run
