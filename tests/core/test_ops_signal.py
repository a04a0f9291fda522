"""Fourier transforms, patches, connectionist temporal classification, forward derivatives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cornu import GradientTape, function, ops, use_backend

R = np.random.RandomState(0)
RE, IM = R.randn(3, 12).astype(np.float32), R.randn(3, 12).astype(np.float32)


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with use_backend(request.param):
        yield


def array(x: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(x))


def as_complex(pair: Any) -> np.ndarray:
    return array(pair[0]) + 1j * array(pair[1])


def close(found: Any, expected: Any, tolerance: float = 1e-4) -> None:
    found = np.asarray(found)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_transforms_are_those_of_numpy() -> None:
    z = RE + 1j * IM
    close(as_complex(ops.fft((RE, IM))), np.fft.fft(z))
    close(as_complex(ops.fft((RE[0], IM[0]))), np.fft.fft(z[0]))
    close(as_complex(ops.fft2((RE, IM))), np.fft.fft2(z))
    close(as_complex(ops.ifft2((RE, IM))), np.fft.ifft2(z))
    for length in (None, 8, 11, 15):
        close(as_complex(ops.rfft(RE, length)), np.fft.rfft(RE, length))
        close(array(ops.irfft((RE, IM), length)), np.fft.irfft(z, length))


def test_long_transforms_stay_exact() -> None:
    x = R.randn(1, 2048).astype(np.float32)
    close(as_complex(ops.rfft(x)), np.fft.rfft(x), 2e-3)


def test_stft_by_hand_and_back() -> None:
    x = R.randn(2, 40).astype(np.float32)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(8) / 8)
    pieces = np.stack([x[:, t : t + 8] * window for t in range(0, 33, 4)], axis=1)
    close(as_complex(ops.stft(x, 8, 4, 8, center=False)), np.fft.rfft(pieces))
    for settings in ((8, 4, 16), (8, 2, 8)):
        back = array(ops.istft(ops.stft(x, *settings), *settings))
        close(back, x[:, : back.shape[1]])
    plain = array(ops.istft(ops.stft(x, 8, 4, 8, window=None), 8, 4, 8, window=None))
    close(plain, x[:, : plain.shape[1]])
    with pytest.raises(ValueError, match="fft_length"):
        ops.stft(x, 8, 4, 4)


def test_symbolic_lengths() -> None:
    transform = function(lambda x: ops.rfft(x)[0])
    for length in (4, 6, 9):
        x = R.randn(2, length).astype(np.float32)
        close(array(transform(x)), np.fft.rfft(x).real)
    assert transform.trace_count == 2


@pytest.mark.parametrize("form", ["channels_last", "channels_first"])
def test_depth_and_space(form: str) -> None:
    x = np.arange(2 * 4 * 6 * 8).reshape(2, 4, 6, 8)
    deep = array(ops.space_to_depth(x, 2, data_format=form))
    np.testing.assert_array_equal(array(ops.depth_to_space(deep, 2, data_format=form)), x)
    if form == "channels_last":
        assert deep.shape == (2, 2, 3, 32)
        np.testing.assert_array_equal(deep[0, 0, 0], np.concatenate([x[0, i, k] for i in (0, 1) for k in (0, 1)]))
    else:
        assert deep.shape == (2, 16, 3, 4)
        np.testing.assert_array_equal(deep[0, :4, 0, 0], x[0, 0, :2, :2].ravel())
    with pytest.raises(ValueError, match="divide"):
        ops.space_to_depth(x, 5, data_format=form)


def test_unfold_and_fold() -> None:
    x = R.randn(2, 3, 5, 6).astype(np.float32)
    columns = array(ops.unfold(x, (2, 3), stride=(1, 2)))
    assert columns.shape == (2, 18, 4 * 2)
    expected = np.stack(
        [x[:, :, i : i + 2, k : k + 3].reshape(2, 18) for i in range(4) for k in (0, 2)],
        axis=2,
    )
    close(columns, expected)
    # The adjoint: <unfold(x), y> = <x, fold(y)>.
    for settings in ({"stride": 2, "padding": 1}, {"dilation": 2}, {"padding": (1, 2), "stride": (3, 1)}):
        forward = array(ops.unfold(x, 2, **settings))
        y = R.randn(*forward.shape).astype(np.float32)
        back = array(ops.fold(y, (5, 6), 2, **settings))
        assert np.sum(forward * y) == pytest.approx(np.sum(x * back), rel=1e-4)


def test_rearrange() -> None:
    x = np.arange(2 * 6 * 4 * 3).reshape(2, 6, 4, 3)
    expected = x.reshape(2, 3, 2, 4, 3).transpose(0, 3, 2, 4, 1).reshape(2, 4, 6, 3)
    np.testing.assert_array_equal(array(ops.rearrange(x, "b (h w) c d -> b c (w d) h", h=3)), expected)
    with pytest.raises(ValueError, match="fit"):
        ops.rearrange(x, "a b c -> c b a")


def ctc_reference(labels: list[int], logits: np.ndarray, blank: int) -> float:
    """The sum over all paths that collapse to the labels, path by path."""
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(p.shape[1]), repeat=len(p)):
        merged = [c for c, _ in itertools.groupby(path)]
        if [c for c in merged if c != blank] == labels:
            total += math.prod(p[t, c] for t, c in enumerate(path))
    return -math.log(total)


def test_ctc_loss_against_all_paths() -> None:
    logits = R.randn(4, 5, 3).astype(np.float32)
    targets = np.array([[1, 2, 0], [1, 1, 0], [2, 0, 0], [0, 0, 0]])
    lengths, steps = np.array([2, 2, 1, 0]), np.array([5, 4, 3, 5])
    expected = [
        ctc_reference(list(t[:n]), x[:s], 0) for t, n, x, s in zip(targets, lengths, logits, steps, strict=True)
    ]
    close(array(ops.ctc_loss(targets, logits, lengths, steps)), expected)
    other = ops.ctc_loss([[0, 1]], logits[:1], [2], [5], mask_index=2)
    close(array(other), [ctc_reference([0, 1], logits[0], 2)])


def test_ctc_loss_has_a_gradient() -> None:
    logits = R.randn(1, 4, 3)
    direction = R.randn(1, 4, 3)

    def loss(x: Any) -> Any:
        return ops.sum(ops.ctc_loss([[1, 2]], x, [2], [4]))

    x = ops.convert_to_tensor(logits)
    with GradientTape() as tape:
        value = loss(x)
    exact = float(np.sum(array(tape.gradient(value, x)) * direction))
    ends = [float(loss(ops.convert_to_tensor(logits + s * 1e-6 * direction))) for s in (1, -1)]
    assert exact == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4)


def test_ctc_decode() -> None:
    classes = np.array([[1, 1, 0, 1, 2, 2]])
    logits = np.eye(3, dtype=np.float32)[classes] * 5
    sequences, scores = ops.ctc_decode(logits, [6])
    assert array(sequences).tolist() == [[[1, 1, 2, -1, -1, -1]]]
    assert array(scores).tolist() == [[-30.0]]
    kept, _ = ops.ctc_decode(logits, [3], merge_repeated=False)
    assert array(kept).tolist() == [[[1, 1, -1, -1, -1, -1]]]
    random = R.randn(1, 4, 3).astype(np.float32)
    found, scores = ops.ctc_decode(random, [4], strategy="beam_search", top_paths=2)
    for rank in range(2):
        labels = [int(c) for c in array(found)[rank, 0] if c >= 0]
        assert -ctc_reference(labels, random[0], 0) == pytest.approx(float(array(scores)[0, rank]), rel=1e-4)
    assert array(scores)[0, 0] >= array(scores)[0, 1]
    with pytest.raises(ValueError, match="strategy"):
        ops.ctc_decode(random, [4], strategy="best")


def test_jvp() -> None:
    x, y, u, v = (R.randn(3) for _ in range(4))
    value, along = ops.jvp(lambda a, b: ops.sin(a) * b, (x, y), (u, v))
    close(array(value), np.sin(x) * y)
    close(array(along), np.cos(x) * u * y + np.sin(x) * v)
    _, along, rest = ops.jvp(lambda a: (a * a, a + 1), (x,), (u,), has_aux=True)
    close(array(along), 2 * x * u)
    close(array(rest), x + 1)
    with pytest.raises(ValueError, match="tangents"):
        ops.jvp(ops.sin, (x,), ())
