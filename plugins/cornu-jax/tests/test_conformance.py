"""Cornu's own suite."""

from __future__ import annotations

from cornu_conformance import BackendConformance


class TestJax(BackendConformance):
    """Every check of the suite."""

    backend = "jax"
