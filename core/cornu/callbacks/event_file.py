"""TensorBoard's event files, written without TensorFlow or TensorBoard.

A file is a sequence of records: length, checksum of the length, an `Event` message, checksum of the message. Messages
are protocol buffers; the field numbers below are those of `event.proto` and `summary.proto`.
"""

from __future__ import annotations

import os
import socket
import struct
import time
import zlib
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

_FILES = count()
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DT_STRING = 7
_BUFFER = 1 << 16


class EventFile:
    """One file of events for one run.

    Args:
        folder: The run's folder, made if it is missing.

    Example:
        >>> import tempfile
        >>> file = EventFile(tempfile.mkdtemp())
        >>> file.scalar("loss", 0.5, step=1)
        >>> file.flush()
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}.{next(_FILES)}"
        self.path = Path(folder) / name
        self._pending = bytearray()
        self._write(_field(3, b"brain.Event:2"))
        self.flush()

    def scalar(self, tag: str, value: float, step: int) -> None:
        """A number."""
        self._summary(tag, _float(2, float(value)), step)

    def histogram(self, tag: str, values: np.ndarray, step: int, buckets: int = 30) -> None:
        """How the numbers of an array are distributed."""
        flat = np.asarray(values, dtype=np.float64).reshape(-1)
        flat = flat[np.isfinite(flat)]
        counts, edges = np.histogram(flat, bins=buckets) if flat.size else (np.zeros(1), np.zeros(2))
        low, high = (flat.min(), flat.max()) if flat.size else (0.0, 0.0)
        numbers = (low, high, flat.size, flat.sum(), np.square(flat).sum())
        message = b"".join(_double(i + 1, float(number)) for i, number in enumerate(numbers))
        message += _field(6, edges[1:].astype("<f8").tobytes()) + _field(7, counts.astype("<f8").tobytes())
        self._summary(tag, _field(5, message), step)

    def image(self, tag: str, pixels: np.ndarray, step: int) -> None:
        """A picture, [height, width] of numbers in [0, 1], in shades of gray."""
        height, width = pixels.shape
        encoded = png(np.clip(pixels * 255, 0, 255).astype(np.uint8))
        message = _number(1, height) + _number(2, width) + _number(3, 1) + _field(4, encoded)
        self._summary(tag, _field(4, message), step)

    def text(self, tag: str, text: str, plugin: str, step: int) -> None:
        """A text for one of TensorBoard's plugins."""
        tensor = _number(1, _DT_STRING) + _field(2, b"") + _field(8, text.encode())
        data = _field(1, plugin.encode()) + _field(2, b"1")
        self._summary(tag, _field(8, tensor) + _field(9, _field(1, data)), step)

    def flush(self) -> None:
        """Appends what is still in memory to the file, which is open only for that."""
        with self.path.open("ab") as file:
            file.write(self._pending)
        self._pending.clear()

    def _summary(self, tag: str, value: bytes, step: int) -> None:
        self._write(_number(2, step) + _field(5, _field(1, _field(1, tag.encode()) + value)))

    def _write(self, message: bytes) -> None:
        event = _double(1, time.time()) + message
        length = struct.pack("<Q", len(event))
        self._pending += length + _checksum(length) + event + _checksum(event)
        if len(self._pending) > _BUFFER:
            self.flush()


# -- protocol buffers ----------------------------------------------------------------------------------------------


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _field(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(value)) + value


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | _FIXED32) + struct.pack("<f", value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | _FIXED64) + struct.pack("<d", value)


# -- checksums and pictures ----------------------------------------------------------------------------------------


def _table() -> list[int]:
    entries = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        entries.append(byte)
    return entries


_CRC32C = _table()


def crc32c(data: bytes) -> int:
    """The CRC with Castagnoli's polynomial, as in RFC 3720.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC32C[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def _checksum(data: bytes) -> bytes:
    """The masked checksum of a record."""
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def png(pixels: np.ndarray) -> bytes:
    """A gray picture [height, width] of uint8 as a PNG file."""
    height, width = pixels.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = np.hstack([np.zeros((height, 1), np.uint8), pixels]).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def as_picture(weight: Any) -> np.ndarray | None:
    """A weight as a picture [height, width] in [0, 1], wider than high; None if it has more than two axes."""
    values = np.squeeze(np.asarray(weight, dtype=np.float32))
    if not 1 <= values.ndim <= 2 or not values.size:
        return None
    values = np.atleast_2d(values)
    values = values.T if values.shape[0] > values.shape[1] else values
    low, high = float(values.min()), float(values.max())
    picture: np.ndarray = (values - low) / (high - low if high > low else 1.0)
    return picture
