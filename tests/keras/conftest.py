"""Failures inside the shared runs show both sides, as in a test."""

import pytest

pytest.register_assert_rewrite("layer_runs", "training_runs")
