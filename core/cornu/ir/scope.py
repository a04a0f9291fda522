"""The scope of a node: the path of its layer, with marks for the pass of a training step that it belongs to."""

from __future__ import annotations

BACKWARD = "@backward"
UPDATE = "@update"
METRICS = "@metrics"

_MARKS = frozenset({BACKWARD, UPDATE, METRICS})


def marked(scope: str, mark: str) -> str:
    """The scope with a mark in front, unless it has one there.

    Example:
        >>> marked("model/dense", BACKWARD)
        '@backward/model/dense'
    """
    first = scope.partition("/")[0]
    if first in _MARKS:
        return scope
    return f"{mark}/{scope}" if scope else mark


def layer_path(scope: str) -> str:
    """The scope without marks: what people and exported names see.

    Example:
        >>> layer_path("@backward/model/dense")
        'model/dense'
    """
    return "/".join(part for part in scope.split("/") if part not in _MARKS) if "@" in scope else scope


def pass_of(scope: str) -> str:
    """ "forward", "backward", "update" or "metrics": what the first mark says.

    Example:
        >>> pass_of("@update/adam"), pass_of("model/dense")
        ('update', 'forward')
    """
    mark = next((part for part in scope.split("/") if part in _MARKS), "@forward")
    return mark[1:]
