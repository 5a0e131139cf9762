"""Commands that only look do without Ray: importing it is a seventh of what they import."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["jobs.planning", "jobs.stale", "jobs.views"])
def test_looking_does_not_import_ray(module: str) -> None:
    asked = f"import sys, {module}; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "False\n", done.stderr
