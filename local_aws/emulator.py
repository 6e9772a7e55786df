"""The only door to MiniStack, which has no type stubs and whose internals we hook."""

import importlib
from collections.abc import Callable
from typing import Any

Answer = tuple[int, dict[str, str], bytes]


def module(name: str) -> Any:
    """A module of MiniStack. Import it only after the environment is set: it reads it then."""
    return importlib.import_module(f"ministack.{name}")


def wrap(target: Any, name: str, wrapper: Callable[[Any], Any]) -> None:
    """Replace ``target.name`` by ``wrapper(original)``; loud when this MiniStack has no such name.

    Raises:
        RuntimeError: The hook is gone, so a rule would silently not apply.
    """
    original = getattr(target, name, None)
    if original is None:
        raise RuntimeError(
            f"MiniStack has no {target.__name__}.{name}: install the version in the lock file."
        )
    setattr(target, name, wrapper(original))
