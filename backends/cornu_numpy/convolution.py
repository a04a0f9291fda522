"""Kernels of convolutions: columns of windows and one matrix product per block of samples that fits the cache.

A row of columns holds, for one element of the kernel, what it meets at every output position. Without strides that is
one run through the flattened image: positions past the end of an image's line are computed too and thrown away, which
costs little and lets everything be copied and added in long runs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cornu_numpy.kernel import Kernel, Operation, all_of, kernel

CACHE = 1 << 21
"""Bytes of columns in a block: enough for a large product, and still in a cache."""

WASTE = 1.4
"""How many times more positions than needed a run may have."""

_LONG = 64
"""Positions of one sample from which on a product of its own is worth its call."""

Ints = tuple[int, ...]


@dataclass(frozen=True)
class Windows:
    """Windows over images [N, channels, *sizes] of which `counts` fit, and the rows of columns made of them.

    Args:
        samples: N.
        channels: Channels of the image that the windows slide over.
        sizes: Its spatial sizes.
        kernel: The window's.
        counts: How many windows fit along each axis.
        strides: Steps between windows.
        dilations: Steps between a window's elements.
        itemsize: Bytes of an element.
    """

    samples: int
    channels: int
    sizes: Ints
    kernel: Ints
    counts: Ints
    strides: Ints
    dilations: Ints
    itemsize: int

    @property
    def in_runs(self) -> bool:
        """Whether rows are runs through the flattened image."""
        steps = _steps(self.sizes)
        return all(s == 1 for s in self.strides) and _length(self.counts, steps) <= WASTE * math.prod(self.counts)

    @property
    def steps(self) -> Ints:
        """How far apart neighbouring positions lie in a row, for each axis."""
        return _steps(self.sizes if self.in_runs else self.counts)

    @property
    def length(self) -> int:
        """Elements of a row for one sample."""
        return _length(self.counts, self.steps)

    @property
    def rows(self) -> int:
        """The number of rows: channels and kernel elements."""
        return self.channels * math.prod(self.kernel)

    @property
    def block(self) -> int:
        """How many samples are computed at a time."""
        return max(1, min(self.samples, CACHE // (self.rows * self.length * self.itemsize)))

    def blocks(self) -> Iterator[slice]:
        """The samples in blocks."""
        for start in range(0, self.samples, self.block):
            yield slice(start, min(start + self.block, self.samples))

    def positions(self, rows: np.ndarray, samples: int) -> np.ndarray:
        """The wanted positions of rows [R, block * length] as images [samples, R, *counts]."""
        size = self.itemsize
        strides = (self.length * size, rows.strides[0], *(step * size for step in self.steps))
        return as_strided(rows, (samples, rows.shape[0], *self.counts), strides)

    def fill(self, columns: np.ndarray, images: np.ndarray) -> None:
        """Writes the columns [rows, block * length] of some images."""
        samples = images.shape[0]
        within = tuple(step * d for step, d in zip(images.strides[2:], self.dilations, strict=True))
        outer = (images.strides[1], *within, images.strides[0])
        if self.in_runs:
            images = images if _one_run(images) else np.ascontiguousarray(images)
            within = tuple(step * d for step, d in zip(images.strides[2:], self.dilations, strict=True))
            outer = (images.strides[1], *within, images.strides[0])
            shape: Ints = (self.channels, *self.kernel, samples, self.length)
            view = as_strided(images, shape, (*outer, images.strides[-1]), writeable=False)
            target = columns.reshape(self.channels, *self.kernel, self.block, self.length)
        else:
            shape = (self.channels, *self.kernel, samples, *self.counts)
            between = tuple(step * s for step, s in zip(images.strides[2:], self.strides, strict=True))
            view = as_strided(images, shape, (*outer, *between), writeable=False)
            target = columns.reshape(self.channels, *self.kernel, self.block, *self.counts)
        place = (slice(None),) * (1 + len(self.kernel)) + (slice(samples),)
        np.copyto(target[place], view)

    def scatter(self, columns: np.ndarray, images: np.ndarray) -> None:
        """Adds columns into contiguous images: the adjoint of `fill`."""
        samples, flat_steps = images.shape[0], _steps(self.sizes)
        flat = images.reshape(samples, self.channels, -1)
        shape = (self.channels, math.prod(self.kernel), self.block)
        rows = columns.reshape(*shape, self.length) if self.in_runs else columns.reshape(*shape, *self.counts)
        for i, offset in enumerate(itertools.product(*map(range, self.kernel))):
            first = tuple(at * d for at, d in zip(offset, self.dilations, strict=True))
            if self.in_runs:
                start = sum(at * step for at, step in zip(first, flat_steps, strict=True))
                target = flat[:, :, start : start + self.length]
            else:
                target = images[
                    (
                        slice(None),
                        slice(None),
                        *(
                            slice(at, at + (count - 1) * stride + 1, stride)
                            for at, count, stride in zip(first, self.counts, self.strides, strict=True)
                        ),
                    )
                ]
            np.add(target, rows[:, i, :samples].swapaxes(0, 1), target)


def _steps(sizes: Sequence[int]) -> Ints:
    """Distances of neighbours in C order, in elements."""
    return tuple(math.prod(sizes[i + 1 :]) for i in range(len(sizes)))


def _length(counts: Ints, steps: Ints) -> int:
    return sum((count - 1) * step for count, step in zip(counts, steps, strict=True)) + 1


def _one_run(images: np.ndarray) -> bool:
    """Whether the spatial axes lie behind one another as in C order, at any distance."""
    strides, sizes = images.strides[2:], images.shape[2:]
    return all(strides[i] == strides[i + 1] * sizes[i + 1] for i in range(len(sizes) - 1))


def _windows(operation: Operation, images: Ints, kernel: Ints, counts: Ints) -> Windows | None:
    """The windows of a convolution; None where there is nothing to compute or the dtype is another's affair."""
    if not all_of(operation, np.float32, np.float64) or 0 in (*images, *kernel, *counts, *operation.shape):
        return None
    a = operation.attributes
    size = operation.dtype.itemsize
    return Windows(images[0], images[1], images[2:], kernel, counts, a["strides"], a["dilations"], size)


@kernel("Conv")
def _conv(operation: Operation) -> Kernel | None:
    x, w = operation.inputs
    outputs, group, dtype = w.shape[0], operation.attributes["group"], operation.dtype
    windows = _windows(operation, x.shape, w.shape[2:], operation.shape[2:])
    if windows is None:
        return None
    if set(windows.kernel) == set(windows.strides) == {1} and group == 1 and x.flags.c_contiguous:
        return _pointwise(operation)
    if group == 1 and windows.rows <= outputs and math.prod(windows.counts) >= _LONG:
        return _by_sample(operation, windows)
    rows, width, length = windows.rows, windows.block * windows.length, windows.length

    def run(x: np.ndarray, w: np.ndarray, columns: np.ndarray, products: np.ndarray, out: np.ndarray) -> None:
        weights = w.reshape(group, outputs // group, rows // group)
        grouped, results = columns.reshape(group, -1, width), products.reshape(group, -1, width)
        for block in windows.blocks():
            samples = block.stop - block.start
            used = samples * length
            windows.fill(columns, x[block])
            np.matmul(weights, grouped[:, :, :used], results[:, :, :used])
            np.copyto(out[block], windows.positions(products, samples))

    return Kernel(run, scratch=(((rows, width), dtype), ((outputs, width), dtype)))


def _pointwise(operation: Operation) -> Kernel:
    """A kernel of one element: a product with every image as it lies."""
    x, w = operation.inputs
    samples, channels = x.shape[:2]
    outputs, positions = w.shape[0], math.prod(x.shape[2:])

    def run(x: np.ndarray, w: np.ndarray, out: np.ndarray) -> None:
        images = x.reshape(samples, channels, positions)
        np.matmul(w.reshape(outputs, channels), images, out.reshape(samples, outputs, positions))

    return Kernel(run)


def _by_sample(operation: Operation, windows: Windows) -> Kernel:
    """A product per sample, right into its place: columns are smaller than results, which nobody has to copy then."""
    outputs, positions = operation.shape[1], math.prod(windows.counts)
    block = max(1, min(windows.samples, CACHE // (windows.rows * positions * windows.itemsize)))

    def run(x: np.ndarray, w: np.ndarray, columns: np.ndarray, out: np.ndarray) -> None:
        weights = w.reshape(outputs, windows.rows)
        within = (step * d for step, d in zip(x.strides[2:], windows.dilations, strict=True))
        between = (step * s for step, s in zip(x.strides[2:], windows.strides, strict=True))
        shape = (windows.samples, windows.channels, *windows.kernel, *windows.counts)
        view = as_strided(x, shape, (*x.strides[:2], *within, *between), writeable=False)
        for start in range(0, windows.samples, block):
            part = view[start : start + block]
            np.copyto(columns[: len(part)].reshape(part.shape), part)
            results = out[start : start + block].reshape(len(part), outputs, positions)
            np.matmul(weights, columns[: len(part)], results)

    return Kernel(run, scratch=(((block, windows.rows, positions), operation.dtype),))


@kernel("ConvTranspose")
def _transposed(operation: Operation) -> Kernel | None:
    x, w = operation.inputs
    inputs, group, dtype = w.shape[0], operation.attributes["group"], operation.dtype
    windows = _windows(operation, operation.shape, w.shape[2:], x.shape[2:])
    if windows is None:
        return None
    rows, width, length = windows.rows, windows.block * windows.length, windows.length

    def run(x: np.ndarray, w: np.ndarray, columns: np.ndarray, runs: np.ndarray, out: np.ndarray) -> None:
        weights = w.reshape(group, inputs // group, rows // group).swapaxes(1, 2)
        grouped, sources = columns.reshape(group, -1, width), runs.reshape(group, -1, width)
        runs.fill(0)  # what lies between the lines of an image must not count
        for block in windows.blocks():
            samples = block.stop - block.start
            used = samples * length
            np.copyto(windows.positions(runs, samples), x[block])
            np.matmul(weights, sources[:, :, :used], grouped[:, :, :used])
            out[block].fill(0)
            windows.scatter(columns, out[block])

    return Kernel(run, scratch=(((rows, width), dtype), ((inputs, width), dtype)))


@kernel("Call:ConvWeightGrad")
def _weight_gradient(operation: Operation) -> Kernel | None:
    x, g = operation.inputs
    outputs, group, dtype = g.shape[1], operation.attributes["group"], operation.dtype
    windows = _windows(operation, x.shape, operation.attributes["kernel_shape"], g.shape[2:])
    if windows is None:
        return None
    rows, width, length = windows.rows, windows.block * windows.length, windows.length
    shape = (group, outputs // group, rows // group)

    def run(
        x: np.ndarray, g: np.ndarray, columns: np.ndarray, runs: np.ndarray, part: np.ndarray, out: np.ndarray
    ) -> None:
        grouped, sources, total = columns.reshape(group, -1, width), runs.reshape(group, -1, width), out.reshape(shape)
        runs.fill(0)  # what lies between the lines of an image must not count
        for block in windows.blocks():
            samples = block.stop - block.start
            used = samples * length
            windows.fill(columns, x[block])
            np.copyto(windows.positions(runs, samples), g[block])
            target = total if block.start == 0 else part
            np.matmul(sources[:, :, :used], grouped[:, :, :used].swapaxes(1, 2), target)
            if block.start:
                np.add(total, part, total)

    return Kernel(run, scratch=(((rows, width), dtype), ((outputs, width), dtype), (shape, dtype)))
