"""Small parts of the application that need no server."""

import re
import socket
import sys

import pytest

from local_aws.__main__ import listen
from local_aws.app import parse_fault


def test_a_fault_gets_its_defaults() -> None:
    assert parse_fault({"operation": "PutBucketTagging", "code": "SlowDown"}) == {
        "operation": "PutBucketTagging",
        "code": "SlowDown",
        "status": 400,
        "message": "Injected fault",
        "times": 1,
    }


def test_a_misspelt_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="buckett"):
        parse_fault({"operation": "PutBucketTagging", "code": "SlowDown", "buckett": "a"})
    with pytest.raises(KeyError):
        parse_fault({"operation": "PutBucketTagging"})


def test_a_taken_port_is_told_in_a_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"Port {port} cannot be used .* choose another port"):
            listen(port)
    with pytest.raises(SystemExit, match=re.escape("Port 70000 cannot be used")):
        listen(70000)


def test_importing_the_package_does_not_import_the_emulator() -> None:
    assert "ministack" not in sys.modules, "it reads its environment at import"
