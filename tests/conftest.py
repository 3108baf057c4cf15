"""Makes the modules that stand beside this file importable from every folder of tests."""

from __future__ import annotations

import os

import pytest

from symllm.cache import VARIABLE


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What tests build is kept apart from what people build, or where it is said to be kept."""
    os.environ.setdefault(VARIABLE, str(tmp_path_factory.mktemp("cache")))


def pytest_configure(config: pytest.Config) -> None:
    """Processes side by side begin with neighbours, which share what they derive, and help out.

    Where chunks are dealt in turn, what a module of tests makes once is made by each process.
    """
    if config.getoption("dist", "no") == "load":
        config.option.dist = "worksteal"
