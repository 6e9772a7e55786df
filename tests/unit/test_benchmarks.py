"""What the benchmarks make of their figures."""

from __future__ import annotations

import pytest

from benchmarks.figures import p95


@pytest.mark.parametrize("values", [[1.0], [1.0, 9.0], [*map(float, range(10)), 100.0], [2.0] * 7])
def test_the_95th_percentile_is_never_above_the_greatest(values: list[float]) -> None:
    assert min(values) <= p95(values) <= max(values)


def test_the_95th_percentile_is_that() -> None:
    assert p95([float(number) for number in range(101)]) == 95
