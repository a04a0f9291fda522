"""What the data sets of word numbers have in common."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from cornu.datasets.sources import find

Rows = list[list[int]]


def begin(rows: Iterable[Any], start_char: int | None, index_from: int) -> Rows:
    """Texts with their start marked and their words' numbers moved up.

    Args:
        rows: The texts as sequences of words' numbers.
        start_char: The number that marks a start; None for no mark.
        index_from: What is added to each word's number.
    """
    if start_char is None:
        return [[int(word) + index_from for word in row] for row in rows]
    return [[start_char, *(int(word) + index_from for word in row)] for row in rows]


def drop_long(rows: Rows, labels: Any, maxlen: int) -> tuple[Rows, np.ndarray]:
    """The texts shorter than a length, and their labels.

    Args:
        rows: The texts.
        labels: One label for each.
        maxlen: The length.

    Raises:
        ValueError: None is left.
    """
    kept = [index for index, row in enumerate(rows) if len(row) < maxlen]
    if not kept:
        raise ValueError(
            f"maxlen must leave a text, but none is shorter than {maxlen}; the shortest has {_least(rows)}."
        )
    return [rows[index] for index in kept], np.asarray(labels)[kept]


def _least(rows: Rows) -> str:
    return f"{min(map(len, rows))} words" if rows else "no text at all"


def limit(rows: Rows, num_words: int | None, skip_top: int, oov_char: int | None) -> Rows:
    """Texts in which the numbers outside a range are replaced, or left out.

    Args:
        rows: The texts.
        num_words: What the numbers stay below; the greatest one of all if None, which is thus outside, as in Keras.
        skip_top: The least number that stays.
        oov_char: What replaces the others; None leaves them out.
    """
    end = num_words or max(max(row, default=0) for row in rows)
    if oov_char is None:
        return [[word for word in row if skip_top <= word < end] for row in rows]
    return [[word if skip_top <= word < end else oov_char for word in row] for row in rows]


def read_index(path: str, file_hash: str) -> dict[str, int]:
    """The number of each word, by word.

    Args:
        path: The file's name in the cache.
        file_hash: Its checksum.

    Raises:
        ValueError: It is damaged.
    """
    found = find(path, file_hash)
    with open(found, encoding="utf-8") as file:  # noqa: PTH123 - find gives a string, as get_file does
        index = json.load(file)
    if not isinstance(index, dict):
        raise ValueError(f"{found} holds no index of words, but a {type(index).__name__}.")
    return index
