"""Opening ONNX models: messages, bytes and files, with what they keep in further files."""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import GraphProto, ModelProto, TensorProto

from cornu.ir.onnx.reading.constants import constant_array, constant_type
from cornu.ir.onnx.reading.limits import MAX_BYTES
from cornu.ir.onnx.reading.nodes import OnnxImportError
from cornu.ir.onnx.reading.wire import check_message
from cornu.ir.types import numpy_dtype

_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)


class Source:
    """A model and where the files lie that it may refer to.

    Args:
        proto: The model.
        folder: The folder of its file; None if it does not come from one.
        owned: Whether nobody else holds the message.
    """

    def __init__(self, proto: ModelProto, folder: Path | None, owned: bool) -> None:
        self.proto = proto
        self.owned = owned
        self.folder = folder
        self._sizes: dict[str, int] = {}
        self._taken = 0

    def array(self, tensor: TensorProto) -> np.ndarray:
        """A constant's elements, from the model or from another file in its folder.

        Raises:
            OnnxImportError: If they do not fit its type, or the file lies elsewhere or is too short.
        """
        return self._external(tensor) if tensor.data_location == TensorProto.EXTERNAL else constant_array(tensor)

    def bring_inside(self, graph: GraphProto, top: bool = True) -> None:
        """Puts the constants that nodes hold, and those of sub-graphs, into the model."""
        for node in graph.node:
            for attribute in node.attribute:
                tensors = [*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])]
                for tensor in tensors:
                    self._bring(tensor)
                for body in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                    self.bring_inside(body, top=False)
        for tensor in () if top else graph.initializer:
            self._bring(tensor)

    def _bring(self, tensor: TensorProto) -> None:
        if tensor.data_location == TensorProto.EXTERNAL:
            tensor.raw_data = self._external(tensor).tobytes()
            tensor.data_location = TensorProto.DEFAULT
            del tensor.external_data[:]

    def _external(self, tensor: TensorProto) -> np.ndarray:
        type = constant_type(tensor)
        dtype = numpy_dtype(type.dtype)
        expected = int(np.prod(tensor.dims, dtype=np.int64)) * dtype.itemsize
        what = f"The constant {tensor.name!r}"
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        offset, length = (_number(entries, key, what) for key in ("offset", "length"))
        if length is not None and length != expected:
            raise OnnxImportError(f"{what} of {type} has {expected} bytes; its entry says {length}.")
        with self._opened(location, what) as (file, size):
            start = offset or 0
            if start + expected > size:
                raise OnnxImportError(f"{what} needs bytes {start} to {start + expected} of {location!r}, of {size}.")
            self._taken += expected
            if self._taken > 2 * sum(self._sizes.values()):
                raise OnnxImportError(f"{what}: the constants refer to the same bytes of {location!r} again and again.")
            os.lseek(file, start, os.SEEK_SET)
            with os.fdopen(os.dup(file), "rb") as stream:
                data = stream.read(expected)
        return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(tuple(tensor.dims))

    @contextmanager
    def _opened(self, location: str, what: str) -> Iterator[tuple[int, int]]:
        """A file of the model's folder, and its size."""
        if self.folder is None:
            raise OnnxImportError(f"{what} lies in another file, {location!r}: read the model from its own file.")
        parts = PurePosixPath(location).parts
        if not parts or location.startswith("/") or any(c in location for c in "\\:\0") or ".." in parts:
            raise OnnxImportError(f"{what} lies in {location!r}, which may be outside the model's folder; refused.")
        path = self.folder
        for part in parts:
            path = path / part
            try:
                mode = path.lstat().st_mode
            except OSError as error:
                raise OnnxImportError(f"{what} lies in {location!r}, which cannot be read: {error}.") from error
            if stat.S_ISLNK(mode):
                raise OnnxImportError(f"{what} lies in {location!r}, which is or goes through a link; refused.")
        with _regular_file(path, f"{what} lies in {location!r}, which", _NO_LINKS) as (file, size):
            self._sizes[location] = size
            yield file, size


def _number(entries: dict[str, str], key: str, what: str) -> int | None:
    text = entries.get(key)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise OnnxImportError(f"{what}: the {key} of its bytes must be a number, got {text[:40]!r}.")
    return int(text)


@contextmanager
def _regular_file(path: Path, what: str, flags: int = 0) -> Iterator[tuple[int, int]]:
    """An open file and its size; pipes and devices are refused without waiting for them."""
    file = os.open(path, os.O_RDONLY | _NO_WAITING | flags)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise OnnxImportError(f"{what} is not a file.")
        yield file, status.st_size
    finally:
        os.close(file)


@contextmanager
def open_source(model: ModelProto | bytes | str | os.PathLike[str]) -> Iterator[Source]:
    """A model from its message, the bytes of that, or its path.

    Raises:
        OnnxImportError: If it is no model, too large or damaged.
        TypeError: If it is something else.
        FileNotFoundError: If there is no such file.
    """
    if isinstance(model, ModelProto):
        yield Source(model, None, owned=False)
    elif isinstance(model, bytes):
        yield Source(_parsed(memoryview(model)), None, owned=True)
    elif isinstance(model, (str, os.PathLike)):
        path = Path(model).absolute()
        yield Source(_read(path), path.parent, owned=True)
    else:
        raise TypeError(f"expected a path or an onnx.ModelProto, got {type(model).__name__}.")


def _read(path: Path) -> ModelProto:
    with _regular_file(path, "it") as (file, size):
        if not 0 < size <= MAX_BYTES:
            limit = "is empty" if not size else f"has {size} bytes; a message has at most {MAX_BYTES}"
            raise OnnxImportError(f"{limit}.")
        with mmap.mmap(file, size, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as data:
            return _parsed(data)


def _parsed(data: memoryview) -> ModelProto:
    if not len(data):
        raise OnnxImportError("is empty.")
    check_message(data)
    proto = ModelProto()
    try:
        proto.ParseFromString(bytes(data))
    except DecodeError as error:
        raise OnnxImportError(f"is not an ONNX model, or damaged: {error}.") from error
    return proto
