"""Attention layers: by formula, with masks and free sizes, exported, and what they refuse."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cornu
import numpy as np
import onnx
import onnxruntime
import pytest
from cornu import layers, ops

R = np.random.RandomState(3)


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with cornu.use_backend(request.param):
        yield


def draw(*shape: int) -> np.ndarray:
    return R.randn(*shape).astype(np.float32)


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def formula(layer: Any, query: np.ndarray, value: np.ndarray, mask: Any = True) -> tuple[np.ndarray, np.ndarray]:
    """What a layer of several heads computes, from its weights, and the attention weights."""
    weights = {weight.path.partition("/")[2]: np.asarray(weight) for weight in layer.weights}

    def project(name: str, x: np.ndarray) -> np.ndarray:
        return np.einsum("btc,cnh->bnth", x, weights[f"{name}/kernel"]) + weights[f"{name}/bias"][:, None]

    q, k, v = project("query", query), project("key", value), project("value", value)
    k, v = (np.repeat(x, q.shape[1] // k.shape[1], axis=1) for x in (k, v))
    logits = q @ k.swapaxes(2, 3) / np.sqrt(q.shape[3])
    found = softmax(np.where(np.broadcast_to(mask, logits.shape), logits, -np.inf))
    result = np.einsum("bnth,nhc->btc", found @ v, weights["attention_output/kernel"])
    return result + weights["attention_output/bias"], found


def built(layer: Any, *inputs: np.ndarray) -> Any:
    """The layer with weights that are all drawn, biases too."""
    layer(*inputs)
    for weight in layer.weights:
        weight.assign(draw(*weight.shape))
    return layer


def heads() -> list[Any]:
    return [layers.MultiHeadAttention(3, 4), layers.GroupQueryAttention(4, 6, 2)]


KINDS = pytest.mark.parametrize("which", [0, 1], ids=["multi_head", "group_query"])

# -- by formula --------------------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("scores", [False, True])
def test_masks_hide_what_they_say(which: int, scores: bool) -> None:
    query, value = draw(2, 4, 5), draw(2, 6, 5)
    layer = built(heads()[which], query, value)
    keys = np.array([[1, 0, 1, 1, 0, 1], [1, 1, 1, 0, 1, 0]], bool)
    pairs = R.rand(2, 4, 6) < 0.7
    pairs[:, :, 0] = True
    before = np.tri(4, 6).astype(bool)
    cases: list[tuple[dict[str, Any], Any]] = [
        ({}, True),
        ({"value_mask": keys}, keys[:, None, None]),
        ({"value_mask": keys, "key_mask": keys[::-1]}, (keys & keys[::-1])[:, None, None]),
        ({"attention_mask": pairs}, pairs[:, None]),
        ({"attention_mask": pairs[0]}, pairs[0]),
        ({"attention_mask": pairs[:, None], "value_mask": keys}, (pairs & keys[:, None])[:, None]),
        ({"use_causal_mask": True}, before),
        ({"use_causal_mask": True, "attention_mask": pairs.astype("float32")}, (pairs & before)[:, None]),
    ]
    for arguments, mask in cases:
        found = layer(query, value, return_attention_scores=scores, **arguments)
        wanted = formula(layer, query, value, mask)
        for left, right in zip(found if scores else [found], wanted, strict=False):
            np.testing.assert_allclose(np.asarray(left), right, rtol=1e-4, atol=1e-5, err_msg=str(arguments))


@KINDS
@pytest.mark.parametrize("causal", [False, True])
def test_a_window_slides(which: int, causal: bool) -> None:
    layer = [layers.MultiHeadAttention, layers.GroupQueryAttention][which](2, 2, 2, sliding_window=2)
    query, value = draw(1, 5, 3), draw(1, 6, 3)
    built(layer, query, value)
    distance = np.arange(6) - np.arange(5)[:, None]
    mask = (abs(distance) < 2) & ((distance <= 0) | (not causal))
    found = layer(query, value, use_causal_mask=causal)
    np.testing.assert_allclose(np.asarray(found), formula(layer, query, value, mask)[0], rtol=1e-4, atol=1e-5)


def test_as_many_queries_as_heads() -> None:
    """A mask of three axes is one of batch, queries and keys, whatever the sizes."""
    query, value = draw(2, 3, 5), draw(2, 4, 5)
    layer = built(layers.MultiHeadAttention(3, 2), query, value)
    mask = np.tri(3, 4).astype(bool)[None].repeat(2, 0)
    np.testing.assert_allclose(
        np.asarray(layer(query, value, attention_mask=mask)),
        formula(layer, query, value, mask[:, None])[0],
        rtol=1e-4,
        atol=1e-5,
    )


def test_plain_attention() -> None:
    query, value, key = draw(2, 3, 4), draw(2, 5, 2), draw(2, 5, 4)
    hidden, counting = R.rand(2, 5) < 0.6, np.array([[1, 0, 1], [1, 1, 0]], bool)
    hidden[:, 0] = True
    allowed = hidden[:, None] & np.tri(3, 5).astype(bool)

    def wanted(logits: np.ndarray) -> np.ndarray:
        return softmax(np.where(allowed, logits, -np.inf)) @ value * counting[..., None]

    sums = query[:, :, None] + key[:, None]
    concat = layers.Attention(use_scale=True, score_mode="concat")
    concat.build([query.shape, value.shape, key.shape])
    concat.scale.assign(0.7)
    concat.concat_score_weight.assign(-1.5)
    additive = layers.AdditiveAttention()
    additive.build([query.shape, value.shape, key.shape])
    for layer, logits in (
        (layers.Attention(), query @ key.swapaxes(1, 2)),
        (concat, -1.5 * np.tanh(0.7 * sums).sum(-1)),
        (additive, (np.asarray(additive.scale) * np.tanh(sums)).sum(-1)),
        (layers.AdditiveAttention(use_scale=False), np.tanh(sums).sum(-1)),
    ):
        found = layer([query, value, key], mask=[counting, hidden], use_causal_mask=True)
        np.testing.assert_allclose(np.asarray(found), wanted(logits), rtol=1e-4, atol=1e-5)


def test_attention_in_half_precision_hides_all_it_should() -> None:
    layer = layers.Attention(dtype="float16")
    x = np.full((1, 3, 4), 30.0, "float16")
    _, weights = layer([x, x], mask=[None, np.array([[True, False, False]])], return_attention_scores=True)
    assert weights.dtype == "float16"
    np.testing.assert_array_equal(np.asarray(weights), [[[1, 0, 0]] * 3])


def test_heads_in_half_precision() -> None:
    query, mask = draw(2, 4, 5), np.tri(4).astype(bool)
    layer = built(layers.MultiHeadAttention(2, 3, dtype="mixed_float16"), query, query)
    for scores in (False, True):
        found = layer(query, query, attention_mask=mask, return_attention_scores=scores)
        found = found[0] if scores else found
        assert found.dtype == "float16"
        np.testing.assert_allclose(np.asarray(found), formula(layer, query, query, mask)[0], rtol=0.03, atol=0.03)


def test_shared_heads_are_repeated_heads() -> None:
    query, value = draw(2, 3, 5), draw(2, 4, 5)
    few = built(layers.GroupQueryAttention(2, 4, 2), query, value)
    many = built(layers.MultiHeadAttention(4, 2), query, value)
    values = {weight.path.partition("/")[2]: np.asarray(weight) for weight in few.weights}
    for weight in many.weights:
        stored = values[weight.path.partition("/")[2]]
        weight.assign(stored if stored.shape == tuple(weight.shape) else np.repeat(stored, 2, axis=-2))
    np.testing.assert_allclose(np.asarray(few(query, value)), np.asarray(many(query, value)), rtol=1e-4, atol=1e-5)


@KINDS
def test_a_gate_multiplies_what_the_heads_give(which: int) -> None:
    layer = [layers.MultiHeadAttention, layers.GroupQueryAttention][which](2, 2, 2, use_gate=True)
    query = draw(2, 3, 5)
    built(layer, query, query)
    names = [weight.path.partition("/")[2] for weight in layer.weights]
    assert names[4:6] == ["gate/kernel", "gate/bias"]
    layer.weights[4].assign(np.zeros((5, 2, 2)))
    layer.weights[5].assign(np.full((2, 2), -np.log(3)))  # a quarter goes through
    layer.weights[9].assign(np.zeros(5))
    ungated = [weight for weight in layer.weights if "gate" not in weight.path]
    plain = [layers.MultiHeadAttention, layers.GroupQueryAttention][which](2, 2, 2)
    plain(query, query)
    plain.set_weights([np.asarray(weight) for weight in ungated])
    np.testing.assert_allclose(
        np.asarray(layer(query, query)) * 4, np.asarray(plain(query, query)), rtol=1e-4, atol=1e-5
    )


# -- axes and free sizes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scores", [False, True])
def test_other_axes_are_like_a_batch(scores: bool) -> None:
    x, mask = draw(2, 3, 4, 5), np.tri(4).astype(bool)
    layer = built(layers.MultiHeadAttention(2, 3, attention_axes=2), x, x)
    plain = built(layers.MultiHeadAttention(2, 3), x[0], x[0])
    plain.set_weights(layer.get_weights())
    found = layer(x, x, attention_mask=mask, value_mask=np.ones((2, 3, 4)), return_attention_scores=scores)
    rows = [plain(row, row, attention_mask=mask, return_attention_scores=scores) for row in x]
    for left, right in zip(found, zip(*rows, strict=True), strict=True) if scores else [(found, rows)]:
        np.testing.assert_allclose(np.asarray(left), np.stack(list(map(np.asarray, right))), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_several_axes_are_read_row_by_row(causal: bool) -> None:
    query, value = draw(2, 2, 3, 5), draw(2, 3, 2, 5)
    layer = built(layers.MultiHeadAttention(2, 3), query, value)
    plain = built(layers.MultiHeadAttention(2, 3), query[:, 0], value[:, 0])
    plain.set_weights(layer.get_weights())
    assert layer.get_config()["attention_axes"] == (1, 2)
    mask = R.rand(2, 3, 2) < 0.8
    mask[:, 0, 0] = True
    found, weights = layer(query, value, value_mask=mask, use_causal_mask=causal, return_attention_scores=True)
    assert weights.shape == (2, 2, 2, 3, 3, 2)
    wanted = plain(
        query.reshape(2, 6, 5), value.reshape(2, 6, 5), value_mask=mask.reshape(2, 6), use_causal_mask=causal
    )
    np.testing.assert_allclose(np.asarray(found).reshape(2, 6, 5), np.asarray(wanted), rtol=1e-4, atol=1e-5)
    found = layer(query, value, value_mask=mask, use_causal_mask=causal)
    np.testing.assert_allclose(np.asarray(found).reshape(2, 6, 5), np.asarray(wanted), rtol=1e-4, atol=1e-5)


def test_axes_may_be_free() -> None:
    inputs = cornu.Input((None, None, 4))
    mask = cornu.Input((None, None), dtype="bool")
    layer = layers.MultiHeadAttention(2, 3, attention_axes=(2,), output_shape=(2, 3))
    outputs, weights = layer(inputs, inputs, value_mask=mask, return_attention_scores=True)
    assert outputs.shape == (None, None, None, 2, 3)
    assert weights.shape == (None, None, 2, None, None)
    other = layers.MultiHeadAttention(2, 3)(inputs, inputs, value_mask=mask, use_causal_mask=True)
    model = cornu.Model([inputs, mask], [outputs, other])
    x = draw(3, 2, 5, 4)
    found = model.predict([x, np.ones((3, 2, 5), bool)], verbose=0)
    assert [array.shape for array in found] == [(3, 2, 5, 2, 3), (3, 2, 5, 4)]
    np.testing.assert_allclose(found[0], np.asarray(layer(x, x)), rtol=1e-4, atol=1e-5)


@KINDS
@pytest.mark.parametrize(
    "arguments", [{}, {"use_causal_mask": True}, {"masked": True}], ids=["plain", "causal", "mask"]
)
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_it_is_one_node_for_every_length(which: int, arguments: dict[str, Any], dropout: float, tmp_path: Path) -> None:
    layer = [layers.MultiHeadAttention, layers.GroupQueryAttention][which](2, 4, 2, dropout=dropout)
    inputs = cornu.Input((None, 6), name="x")
    masks = [cornu.Input((None,), dtype="bool", name="mask")] if "masked" in arguments else []
    given = {"value_mask": masks[0]} if masks else arguments
    model = cornu.Model([inputs, *masks], layer(inputs, inputs, **given))
    model.export(tmp_path / "model.onnx", verbose=False, opset_version=23)
    nodes = [node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node]
    assert nodes.count("Attention") == 1
    assert nodes.count("Softmax") == 0
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for length in (1, 7, 50):
        x, mask = draw(3, length, 6), R.rand(3, length) < 0.6
        mask[:, 0] = True
        fed = {"x": x, **({"mask": mask} if masks else {})}
        wanted = model.predict(list(fed.values()) if masks else x, verbose=0)
        np.testing.assert_allclose(session.run(None, fed)[0], wanted, rtol=1e-4, atol=1e-5)
        hidden = mask[:, None, None] if masks else np.tri(length).astype(bool) if arguments else True
        np.testing.assert_allclose(wanted, formula(layer, x, x, hidden)[0], rtol=1e-4, atol=1e-5)


# -- masks that inputs carry -------------------------------------------------------------------------------------------


def test_masks_with_holes_come_from_an_embedding() -> None:
    tokens = np.array([[3, 0, 2, 0], [1, 2, 0, 0]])
    others = tokens * 1
    inputs = cornu.Input((None,), dtype="int32")
    embedded = layers.Embedding(5, 6, mask_zero=True)(inputs)
    outputs = {
        "heads": layers.MultiHeadAttention(2, 3)(embedded, embedded),
        "groups": layers.GroupQueryAttention(3, 2, 1)(embedded, embedded),
        "plain": layers.Attention()([embedded, embedded]),
    }
    for output in outputs.values():
        assert output._keras_mask.shape == (None, None)
    model = cornu.Model(inputs, outputs)
    found = model.predict(tokens, verbose=0)
    embedding = model.layers[1]
    embedding.set_weights([np.concatenate([draw(1, 6), embedding.get_weights()[0][1:]])])  # what is hidden changes
    again = model.predict(others, verbose=0)
    for name in ("heads", "groups", "plain"):
        np.testing.assert_allclose(found[name][tokens != 0], again[name][tokens != 0], rtol=1e-5, atol=1e-6)
    assert np.all(found["plain"][tokens == 0] == 0)


def test_the_scores_carry_no_mask() -> None:
    embedded = layers.Embedding(5, 6, mask_zero=True)(cornu.Input((4,)))
    found = layers.MultiHeadAttention(2, 3)(embedded, embedded, return_attention_scores=True)
    assert [getattr(output, "_keras_mask", None) is not None for output in found] == [True, False]
    found = layers.Attention()([embedded, embedded], return_attention_scores=True)
    assert [getattr(output, "_keras_mask", None) is not None for output in found] == [True, False]


def test_a_mask_given_by_name_is_handed_on() -> None:
    x, mask = cornu.Input((3, 2)), cornu.Input((3,), dtype="bool")
    for output in (layers.Attention()([x, x], mask=[mask, None]), layers.BatchNormalization()(x, mask=mask)):
        assert output._keras_mask is not None
    assert getattr(layers.Attention()([x, x], mask=[None, mask]), "_keras_mask", None) is None


# -- configs, shapes and errors ----------------------------------------------------------------------------------------


@KINDS
def test_it_is_built_from_its_shapes(which: int) -> None:
    layer = heads()[which]
    layer(draw(2, 3, 5), draw(2, 4, 5), attention_mask=np.ones((3, 4)))
    config = layer.get_build_config()
    assert config == {"shapes_dict": {"query_shape": (2, 3, 5), "value_shape": (2, 4, 5)}}
    other = type(layer).from_config(layer.get_config())
    other.build_from_config(config)
    assert [weight.shape for weight in other.weights] == [weight.shape for weight in layer.weights]
    assert other.weights[0].path == f"{layer.name}/query/kernel"


def test_projections_start_apart() -> None:
    layer = layers.MultiHeadAttention(2, 3)
    layer.build((None, None, 6), (None, None, 6))
    query, key = (np.asarray(dense.kernel) for dense in (layer.query_dense, layer.key_dense))
    assert np.abs(query - key).max() > 0.01


def test_keras_names_it_group_query_attention() -> None:
    layer = layers.GroupQueryAttention(2, 2, 1)
    assert layer.name.startswith("grouped_query_attention")
    config = cornu.saving.serialize_keras_object(layer)
    assert (config["module"], config["class_name"]) == ("keras.layers", "GroupQueryAttention")


def test_output_shapes() -> None:
    layer = layers.MultiHeadAttention(2, 3, output_shape=(4, 5))
    assert layer.compute_output_shape((2, None, 6), (2, 7, 3)) == (2, None, 4, 5)
    assert layers.GroupQueryAttention(2, 2, 1).compute_output_shape((2, None, 6), value_shape=(2, 7, 6)) == (2, None, 6)
    assert layers.Attention().compute_output_shape([(2, None, 6), (2, 7, 3)]) == (2, None, 3)


X, Y = np.ones((2, 3, 4), "float32"), np.ones((2, 5, 4), "float32")
ERRORS: dict[str, tuple[Callable[[], Any], str]] = {
    "mode": (lambda: layers.Attention(score_mode="x"), "score_mode=x"),
    "dropout": (lambda: layers.Attention(dropout=2.0), "dropout=2.0"),
    "no list": (lambda: layers.Attention()(X), "list of inputs"),
    "one input": (lambda: layers.AdditiveAttention()([X]), "got 1 inputs"),
    "mask": (lambda: layers.Attention()([X, Y], mask=np.ones((2, 3))), "mask must be a list"),
    "masks": (lambda: layers.Attention()([X, Y], mask=[None]), "got 1 masks"),
    "heads": (lambda: layers.MultiHeadAttention(0, 2), "num_heads=0"),
    "key_dim": (lambda: layers.MultiHeadAttention(2, 2.0), "key_dim=2.0"),
    "value_dim": (lambda: layers.MultiHeadAttention(2, 2, value_dim=0), "value_dim=0"),
    "window": (lambda: layers.MultiHeadAttention(2, 2, sliding_window=0), "sliding_window=0"),
    "flash": (lambda: layers.MultiHeadAttention(2, 2, flash_attention=True, dropout=0.1), "dropout=0.1"),
    "flash scores": (
        lambda: layers.MultiHeadAttention(2, 2, flash_attention=True)(X, Y, return_attention_scores=True),
        "scores",
    ),
    "output_shape": (lambda: layers.MultiHeadAttention(2, 2, output_shape="a"), "output_shape"),
    "axes": (lambda: layers.MultiHeadAttention(2, 2, attention_axes=0)(X, Y), r"attention_axes.*\(0,\)"),
    "last axis": (lambda: layers.MultiHeadAttention(2, 2, attention_axes=(1, -1))(X, Y), "attention_axes"),
    "rank": (lambda: layers.MultiHeadAttention(2, 2)(X[0], Y[0]), r"query_shape=\(3, 4\)"),
    "key": (lambda: layers.MultiHeadAttention(2, 2)(X, Y, X), r"key_shape=\(2, 3, 4\)"),
    "value_mask": (lambda: layers.MultiHeadAttention(2, 2)(X, Y, value_mask=Y), "value_mask.*2 axes"),
    "attention_mask": (
        lambda: layers.MultiHeadAttention(2, 2)(X, Y, attention_mask=np.ones(5)),
        r"attention_mask.*2 to 4 axes.*\(5,\)",
    ),
    "groups": (lambda: layers.GroupQueryAttention(2, 4, 3), "4 and 3"),
    "group sizes": (lambda: layers.GroupQueryAttention(2, 4, 2)(X, Y[..., :2]), "the same last one"),
    "group rank": (lambda: layers.GroupQueryAttention(2, 4, 2)(X[None], Y[None]), "3 axes"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    make, message = ERRORS[name]
    with pytest.raises(ValueError, match=f"(?s){message}"):
        make()


# -- dropout -----------------------------------------------------------------------------------------------------------


def attended(make: Callable[[float, Any], Any], seed: Any, training: bool = True) -> np.ndarray:
    """What a layer gives for equal weights of 400 keys whose values are 1: the share that is kept, scaled."""
    layer, call = make(0.25, seed)
    layer_output = call(layer, np.zeros((2, 50, 4), "float32"), np.ones((2, 400, 4), "float32"), training)
    return np.asarray(layer_output)


def _call_heads(layer: Any, query: np.ndarray, value: np.ndarray, training: bool) -> Any:
    layer.build(query.shape, value.shape)
    for weight in layer.weights:
        weight.assign(np.zeros(weight.shape) if weight.path.endswith("bias") else np.ones(weight.shape))
    return layer(query, value, training=training)[..., :1] / layer(query, value, training=False)[..., :1]


def _call_plain(layer: Any, query: np.ndarray, value: np.ndarray, training: bool) -> Any:
    return layer([query, value], training=training)[..., :1]


DROPPING: dict[str, Callable[[float, Any], Any]] = {
    "Attention": lambda rate, seed: (layers.Attention(dropout=rate, seed=seed), _call_plain),
    "AdditiveAttention": lambda rate, seed: (layers.AdditiveAttention(dropout=rate, seed=seed), _call_plain),
    "MultiHeadAttention": lambda rate, seed: (layers.MultiHeadAttention(1, 4, dropout=rate, seed=seed), _call_heads),
    "GroupQueryAttention": lambda rate, seed: (
        layers.GroupQueryAttention(4, 1, 1, dropout=rate, seed=seed),
        _call_heads,
    ),
}


@pytest.mark.parametrize("name", DROPPING)
def test_dropout_in_training(name: str) -> None:
    kept = attended(DROPPING[name], seed=5)
    # Each is the mean of 400 draws that are 4/3 with probability 3/4: a deviation of sqrt(1/3/400).
    assert abs(kept.mean() - 1) < 0.015
    assert 0.02 < kept.std() < 0.04
    np.testing.assert_array_equal(kept, attended(DROPPING[name], seed=5))
    assert not np.array_equal(kept, attended(DROPPING[name], seed=6))
    np.testing.assert_allclose(attended(DROPPING[name], seed=5, training=False), 1, rtol=1e-5)


def test_training_draws_anew_each_step() -> None:
    x = cornu.Input((6, 4))
    model = cornu.Model(x, layers.MultiHeadAttention(2, 3, dropout=0.5)(x, x))
    model.compile(optimizer=cornu.optimizers.SGD(0.0), loss="mse")
    data = draw(4, 6, 4)
    assert len({float(model.train_on_batch(data, data)) for _ in range(4)}) == 4
    assert len({float(model.test_on_batch(data, data)) for _ in range(4)}) == 1


def test_scores_are_those_before_dropout() -> None:
    layer = layers.MultiHeadAttention(2, 3, dropout=0.5)
    _, weights = layer(draw(2, 3, 4), draw(2, 5, 4), return_attention_scores=True, training=True)
    np.testing.assert_allclose(ops.sum(weights, axis=-1), 1.0, rtol=1e-5)


def test_nothing_warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embedded = layers.Embedding(5, 6, mask_zero=True)(np.array([[1, 0, 2]]))
        for layer in heads():
            layer(embedded, embedded)
        layers.Attention()([embedded, embedded])
