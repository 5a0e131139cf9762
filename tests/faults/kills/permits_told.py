"""Has a command say, as its engine closes, whether every permit came back: a look at the engine's own state of them."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from ray_tasks.engine import ray_engine, serial_engine
from tests.integration.shop_runs import eventually

PATIENCE = 60.0
"""Seconds that the permits of dead holders may take to return."""


def tell_permits(file: Path) -> None:
    """Wrap the engines that commands open; the file is written once no permit is held or orphaned."""
    for engine in (serial_engine, ray_engine):
        telling = _telling(engine, file)
        for module in [m for name, m in sys.modules.items() if name.startswith("jobs.")]:
            if getattr(module, engine.__name__, None) is engine:
                setattr(module, engine.__name__, telling)


def _telling(open_engine: Callable[..., AbstractContextManager[Any]], file: Path) -> Callable[..., Any]:
    @wraps(open_engine)
    @contextmanager
    def opened(*given: Any, **more: Any) -> Iterator[Any]:
        with open_engine(*given, **more) as engine:
            yield engine
            eventually(lambda: not any(k.held or k.orphaned for k in engine.kinds()), PATIENCE, 0.05)
            file.write_text(json.dumps({k.kind: k.limit for k in engine.kinds()}))

    return opened
