"""``python -m local_aws [--port N] [--quiet] [--world W] [--point NAME=VARIANT]``.

Run the local AWS in the foreground; ``--points`` lists what no document decides, and ends.
"""

import argparse
import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from contextlib import suppress
from functools import partial

from local_aws import open_points, s3control

_GRACE_SECONDS = 2
_KEPT = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH")


def listen(port: int) -> socket.socket:
    """Bind the port on loopback; 0 takes any free one.

    Raises:
        SystemExit: The port is taken or not ours to take; the message says what to do.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise SystemExit(
            f"Port {port} cannot be used ({getattr(error, 'strerror', None) or error}): stop what "
            "listens on it, or choose another port (--port, or make local PORT=...)."
        ) from None
    return listener


def set_environment(port: int, home: str, quiet: bool) -> None:
    """Replace the environment: nothing of the caller's AWS configuration reaches the emulator."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update(
        kept,
        AUTH="true",
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        HOME=home,
        IOT_MTLS_ENABLED="false",  # it would listen on every interface
        LOG_LEVEL="WARNING" if quiet else "INFO",
        NO_PROXY="127.0.0.1,localhost",
        SFTP_ENABLED="false",
        TMPDIR=home,
    )
    # The functions' workers have this environment too.
    os.environ[s3control.VARIABLE] = s3control.data_path(home)
    tempfile.tempdir = home


async def serve(listener: socket.socket, watch_stdin: bool) -> None:
    """Serve until a signal, or until the parent process closes our standard input."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    from local_aws.app import Application

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.graceful_timeout = 0.2
    # Longer than clients keep an idle connection (the AWS provider 90 s): where the server ends it,
    # a request may come at that very moment.
    config.keep_alive_timeout = 600
    config.keep_alive_max_requests = 1_000_000
    config.loglevel = "WARNING"
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if watch_stdin:
        loop.add_reader(sys.stdin.fileno(), partial(_at_end_of_input, stop))
    ending = partial(_ending, stop)
    await hypercorn_serve(Application(), config, shutdown_trigger=ending)  # type: ignore[arg-type]


async def _ending(stop: asyncio.Event) -> None:
    """Wait until it is time to end, and see to it that the end comes."""
    await stop.wait()
    # A function that still runs would hold us as long as it likes.
    last_resort = threading.Timer(_GRACE_SECONDS, _end_at_once)
    last_resort.daemon = True
    last_resort.start()


def _end_at_once() -> None:
    _end_workers()
    shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)
    os._exit(1)


def _end_workers() -> None:
    with suppress(KeyError):
        sys.modules["ministack.core.lambda_runtime"].reset()


def _at_end_of_input(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        stop.set()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local_aws", description=__doc__)
    parser.add_argument("--port", type=int, default=4566, help="0 takes any free port")
    parser.add_argument("--quiet", action="store_true", help="log only warnings")
    parser.add_argument("--world", default="first", help="which variant of each open point holds")
    parser.add_argument(
        "--point", action="append", default=[], metavar="NAME=VARIANT", help="another one of it"
    )
    parser.add_argument("--points", action="store_true", help="list the open points, and end")
    parser.add_argument("--until-stdin-closes", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.points:
        print(open_points.table())
        return
    try:
        open_points.choose(arguments.world, open_points.parsed(arguments.point))
    except open_points.NotAPoint as error:
        parser.error(str(error))
    listener = listen(arguments.port)
    port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="local-aws-") as home:
        set_environment(port, home, arguments.quiet)
        print(f"Local AWS on http://127.0.0.1:{port}", flush=True)
        try:
            asyncio.run(serve(listener, arguments.until_stdin_closes))
        finally:
            _end_workers()
            logging.shutdown()


if __name__ == "__main__":
    main()
