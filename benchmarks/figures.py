"""What the benchmarks make of their figures."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import quantiles


def p95(values: Sequence[float]) -> float:
    """The 95th percentile, which is never above the greatest value."""
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
