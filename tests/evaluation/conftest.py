"""The same random cases on every run and in every order of tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "mmret", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("mmret")
