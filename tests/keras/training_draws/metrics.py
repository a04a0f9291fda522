"""Draws of metrics: results after each of several updates, the state, and what a reset leaves."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from cornu_conformance.layer_draws.drawn import floats, integers

from training_draws.drawn import Choices, Draw, labels, one_hot, plain, positive, scores, shares, some, weights

Data = Callable[[random.Random, dict[str, Any], int], tuple[np.ndarray, ...]]
CLASSES = 4


def _sizes(draw: random.Random, batch: int, last: int) -> tuple[int, ...]:
    """Of samples, or of samples with several steps."""
    return (batch, *draw.choice(((), (2,))), last)


def regression(draw: random.Random, arguments: dict[str, Any], batch: int) -> tuple[np.ndarray, ...]:
    sizes = _sizes(draw, batch, 3)
    return floats(draw, *sizes), floats(draw, *sizes)


def columns(draw: random.Random, arguments: dict[str, Any], batch: int) -> tuple[np.ndarray, ...]:
    return floats(draw, batch, 3), floats(draw, batch, 3)


def counts(draw: random.Random, arguments: dict[str, Any], batch: int) -> tuple[np.ndarray, ...]:
    sizes = _sizes(draw, batch, 3)
    return positive(draw, *sizes), positive(draw, *sizes)


def signs(draw: random.Random, arguments: dict[str, Any], batch: int) -> tuple[np.ndarray, ...]:
    sizes = _sizes(draw, batch, 3)
    return labels(draw, *sizes), floats(draw, *sizes)


def binary(draw: random.Random, arguments: dict[str, Any], batch: int) -> tuple[np.ndarray, ...]:
    pred = 2 * floats(draw, batch, CLASSES) if arguments.get("from_logits") else scores(draw, batch, CLASSES)
    return labels(draw, batch, CLASSES), pred


def categorical(draw: random.Random, arguments: dict[str, Any], batch: int) -> tuple[np.ndarray, ...]:
    sizes = _sizes(draw, batch, CLASSES)
    return one_hot(draw, *sizes), (2 * floats(draw, *sizes) if arguments.get("from_logits") else shares(draw, *sizes))


def distributions(draw: random.Random, arguments: dict[str, Any], batch: int) -> tuple[np.ndarray, ...]:
    sizes = _sizes(draw, batch, CLASSES)
    return shares(draw, *sizes), shares(draw, *sizes)


def sparse(draw: random.Random, arguments: dict[str, Any], batch: int) -> tuple[np.ndarray, ...]:
    true, pred = categorical(draw, arguments, batch)
    places = np.argmax(true, -1).astype("int32")
    return (places[..., None] if draw.random() < 0.3 else places), pred


def classes(draw: random.Random, arguments: dict[str, Any], batch: int) -> tuple[np.ndarray, ...]:
    return integers(draw, 0, CLASSES, batch), integers(draw, 0, CLASSES, batch)


def one_value(draw: random.Random, arguments: dict[str, Any], batch: int) -> tuple[np.ndarray, ...]:
    return (floats(draw, batch, draw.choice((1, 3))),)


def segments(draw: random.Random, arguments: dict[str, Any], batch: int) -> tuple[np.ndarray, ...]:
    true, pred = one_hot(draw, batch, 3, CLASSES), shares(draw, batch, 3, CLASSES)
    sparse_true, sparse_pred = arguments.get("sparse_y_true", True), arguments.get("sparse_y_pred", True)
    as_classes = [np.argmax(item, -1).astype("int32") for item in (true, pred)]
    return (as_classes[0] if sparse_true else true), (as_classes[1] if sparse_pred else pred)


def one_hot_segments(draw: random.Random, arguments: dict[str, Any], batch: int) -> tuple[np.ndarray, ...]:
    return segments(draw, {"sparse_y_true": False, "sparse_y_pred": arguments.get("sparse_y_pred", False)}, batch)


THRESHOLDS: Choices = {"thresholds": (0.4, [0.25, 0.75], [0.0, 0.5, 1.0])}
COUNTED: Choices = {**THRESHOLDS, "class_id": (1, 3)}
LOGITS: Choices = {"from_logits": (True, False), "label_smoothing": (0.1, 0.3)}
IOU: Choices = {"ignore_class": (1, -1), "sparse_y_true": (True, False), "sparse_y_pred": (True, False)}
TARGETS = ((0, 2), (1,), [3, 1])
AUC: Choices = {
    "num_thresholds": (10, 50),
    "curve": ("ROC", "PR", "PRGAIN"),
    "summation_method": ("interpolation", "minoring", "majoring"),
    "from_logits": (True, False),
}
# The class, how its values are drawn, and its arguments: those in the last place are always given.
METRICS: dict[str, tuple[Data, Choices, Choices]] = {
    "Mean": (one_value, {}, {}),
    "Sum": (one_value, {}, {}),
    "Accuracy": (classes, {}, {}),
    "BinaryAccuracy": (binary, {"threshold": (0.3, 0.7)}, {}),
    "CategoricalAccuracy": (categorical, {}, {}),
    "SparseCategoricalAccuracy": (sparse, {}, {}),
    "TopKCategoricalAccuracy": (categorical, {}, {"k": (1, 2, 3)}),
    "SparseTopKCategoricalAccuracy": (sparse, {}, {"k": (1, 2, 3)}),
    "MeanSquaredError": (regression, {}, {}),
    "MeanAbsoluteError": (regression, {}, {}),
    "MeanAbsolutePercentageError": (counts, {}, {}),
    "MeanSquaredLogarithmicError": (counts, {}, {}),
    "RootMeanSquaredError": (regression, {}, {}),
    "CosineSimilarity": (regression, {"axis": (-1, 1)}, {}),
    "LogCoshError": (regression, {}, {}),
    "R2Score": (
        columns,
        {
            "class_aggregation": ("uniform_average", "variance_weighted_average", None),
            "num_regressors": (0, 2),
        },
        {},
    ),
    "PearsonCorrelation": (columns, {"axis": (-1,)}, {}),
    "ConcordanceCorrelation": (columns, {"axis": (-1,)}, {}),
    "KLDivergence": (distributions, {}, {}),
    "Poisson": (counts, {}, {}),
    "Hinge": (signs, {}, {}),
    "SquaredHinge": (signs, {}, {}),
    "CategoricalHinge": (categorical, {}, {}),
    "BinaryCrossentropy": (binary, LOGITS, {}),
    "CategoricalCrossentropy": (categorical, LOGITS, {}),
    "SparseCategoricalCrossentropy": (sparse, {"from_logits": (True, False), "ignore_class": (2, -1)}, {}),
    "TruePositives": (binary, THRESHOLDS, {}),
    "FalsePositives": (binary, THRESHOLDS, {}),
    "TrueNegatives": (binary, THRESHOLDS, {}),
    "FalseNegatives": (binary, THRESHOLDS, {}),
    "Precision": (binary, COUNTED, {}),
    "Recall": (binary, COUNTED, {}),
    "SensitivityAtSpecificity": (binary, {"num_thresholds": (1, 20), "class_id": (1,)}, {"specificity": (0.3, 0.7)}),
    "SpecificityAtSensitivity": (binary, {"num_thresholds": (1, 20), "class_id": (1,)}, {"sensitivity": (0.3, 0.7)}),
    "PrecisionAtRecall": (binary, {"num_thresholds": (1, 20), "class_id": (1,)}, {"recall": (0.3, 0.7)}),
    "RecallAtPrecision": (binary, {"num_thresholds": (1, 20), "class_id": (1,)}, {"precision": (0.3, 0.7)}),
    "AUC": (binary, AUC, {}),
    "F1Score": (binary, {"average": ("micro", "macro", "weighted", None), "threshold": (0.4, 0.6)}, {}),
    "FBetaScore": (
        binary,
        {"average": ("micro", "macro", "weighted", None), "beta": (0.5, 2.0), "threshold": (0.4, 0.6)},
        {},
    ),
    "IoU": (segments, IOU, {"num_classes": (CLASSES,), "target_class_ids": TARGETS}),
    "MeanIoU": (segments, IOU, {"num_classes": (CLASSES,)}),
    "BinaryIoU": (binary, {"threshold": (0.3, 0.6), "target_class_ids": ((0,), (1,), (0, 1))}, {}),
    "OneHotIoU": (
        one_hot_segments,
        {"ignore_class": (1,), "sparse_y_pred": (True, False)},
        {"num_classes": (CLASSES,), "target_class_ids": TARGETS},
    ),
    "OneHotMeanIoU": (
        one_hot_segments,
        {"ignore_class": (1,), "sparse_y_pred": (True, False)},
        {"num_classes": (CLASSES,)},
    ),
}
BATCHES = (4, 3, 5)


def _more(draw: random.Random, name: str, arguments: dict[str, Any]) -> None:
    """Arguments that exclude others."""
    if name in ("Precision", "Recall") and draw.random() < 0.3:
        arguments.pop("thresholds", None)
        arguments["top_k"] = draw.choice((1, 2))
    if name == "AUC":
        if draw.random() < 0.3:
            arguments["thresholds"] = [0.2, 0.5, 0.61]
        if draw.random() < 0.4:
            arguments["multi_label"] = True
            if draw.random() < 0.5:
                arguments["num_labels"] = CLASSES
            if draw.random() < 0.5 and not arguments.get("from_logits"):
                arguments["label_weights"] = [1.0, 2.0, 0.5, 1.0]


def _sample_weight(
    draw: random.Random, name: str, arguments: dict[str, Any], values: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Weights of samples; of places for overlaps, which count places, and where a class of places is left out."""
    if "IoU" in name:
        return weights(draw, *(values[0].shape if name == "BinaryIoU" else values[0].shape[:2]))
    if "ignore_class" in arguments:
        return weights(draw, *values[1].shape[:-1])
    return weights(draw, len(values[0]))


def _metric(name: str) -> Draw:
    data, optional, needed = METRICS[name]

    def run(k: Any, draw: random.Random) -> Any:
        arguments = {**some(draw, optional), **{key: draw.choice(values) for key, values in needed.items()}}
        _more(draw, name, arguments)
        weighted = draw.random() < 0.5
        metric = getattr(k.metrics, name)(**arguments, name="m")
        results = []
        for batch in BATCHES:
            values = data(draw, arguments, batch)
            weight = _sample_weight(draw, name, arguments, values)
            metric.update_state(*values, sample_weight=weight if weighted else None)
            results.append(metric.result())
        found = {"results": results, "state": [[v.name, np.asarray(v)] for v in metric.variables]}
        metric.reset_state()
        found["after_reset"] = [float(np.abs(np.asarray(v)).sum()) for v in metric.variables]
        return plain({**found, "config": metric.get_config()})

    return run


DRAWS = {name: _metric(name) for name in METRICS}
