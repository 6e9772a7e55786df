"""One installation of the Terraform module, and how its functions are asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from .errors import FunctionFailed, Refused
from .places import Options, Place
from .text import error_code, error_message, one_line

SOURCE = "source_bucket_check"
DESTINATION = "destination_bucket_check"
REPLICATION = "enable_replication"
SWEEP = "sweep"
FUNCTIONS = (SOURCE, DESTINATION, REPLICATION, SWEEP)

CHECK = "Bucket Check Requested"
BACKFILL = "Bucket Backfill Requested"
BACKFILL_CONFIRMED = "Bucket Backfill Confirmed"
RELEASE = "Bucket Release Requested"
RELEASE_ALL = "Release Requested"
SWEEP_NOW = "Sweep Requested"
LOOK = "Sweep Look Requested"
JOBS = "Jobs Look Requested"

NEEDED = ("DR_ACCOUNT_ID", "DR_REGION", "PARTITION", "SOURCE_ACCOUNT_ID", "SOURCE_REGION")

DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403"}
)


def function_name(name: str, function: str) -> str:
    """What the function is called in AWS, in an installation of that name."""
    return f"{name}-{function.replace('_', '-')}"


def event(detail_type: str, detail: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An event as the functions understand it when they are invoked directly."""
    return {"source": "s3-dr", "detail-type": detail_type, "detail": dict(detail or {})}


@dataclass(frozen=True)
class Module:
    """One installation.

    Attributes:
        name: the module's ``name``.
        source: the source region in the source account.
        dr: the DR region in the DR account.
        settings: the environment of the functions.
    """

    name: str
    source: Place
    dr: Place
    settings: Mapping[str, str]

    @classmethod
    def find(cls, options: Options, source: Place | None = None) -> Module:
        """Learn all there is to know from the settings of the first function.

        Args:
            options: whose installation it is.
            source: the source place, if it is there already.

        Raises:
            Refused: there is no such function, or it is none of this module.
            ClientError: anything else that AWS answers.
        """
        source = source or options.source()
        name = function_name(options.name, SOURCE)
        try:
            answer = source.functions.get_function_configuration(FunctionName=name)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            raise Refused(
                f"There is no function {name} in {source.region} of this account: give --name, "
                "--region and --profile of an installation."
            ) from error
        settings = answer.get("Environment", {}).get("Variables", {})
        missing = [each for each in NEEDED if not settings.get(each)]
        if missing:
            raise Refused(
                f"The function {name} in {source.region} has no {', '.join(missing)} in its "
                "environment: it belongs to no installation of this module, or its variables may "
                "not be read (they are encrypted with a key that is not yours to use)."
            )
        return cls(options.name, source, options.dr(source, settings), settings)

    @property
    def has_two_accounts(self) -> bool:
        """Whether the twins are in another account than their sources."""
        return self.settings["DR_ACCOUNT_ID"] != self.settings["SOURCE_ACCOUNT_ID"]

    def place(self, function: str) -> Place:
        """Where the function runs."""
        return self.dr if function == DESTINATION else self.source

    def account(self, place: Place) -> str:
        """The account of a place, as the functions know it."""
        return self.settings[f"{place.side.upper()}_ACCOUNT_ID"]

    def arn(self, function: str) -> str:
        """The function's ARN: with its account in it, no other account's namesake is asked."""
        place = self.place(function)
        return (
            f"arn:{self.settings['PARTITION']}:lambda:{place.region}:{self.account(place)}:"
            f"function:{function_name(self.name, function)}"
        )

    def ask(
        self,
        function: str,
        detail_type: str,
        detail: Mapping[str, Any] | None = None,
        *,
        changes: bool = False,
    ) -> dict[str, Any]:
        """Invoke a function and wait for its answer.

        Args:
            function: one of `FUNCTIONS`.
            detail_type: what is asked for.
            detail: the event's detail.
            changes: whether the function changes something, and so must not be asked twice.

        Raises:
            FunctionFailed: it ended with an error.
            Refused: it may not be invoked, or is not there.
            ClientError: anything else that AWS answers.
        """
        place = self.place(function)
        client = place.doing if changes else place.asking
        try:
            answer = client.invoke(
                FunctionName=self.arn(function),
                InvocationType="RequestResponse",
                Payload=json.dumps(event(detail_type, detail)).encode(),
            )
        except ClientError as error:
            raise self._refused(function, error) from error
        try:
            payload = json.loads(answer["Payload"].read())
        except ValueError:
            payload = None
        if "FunctionError" in answer:
            said = payload if isinstance(payload, dict) else {}
            raise FunctionFailed(
                function_name(self.name, function),
                one_line(said.get("errorType") or answer["FunctionError"]),
                one_line(said.get("errorMessage") or "it did not say why"),
            )
        if not isinstance(payload, dict):
            raise FunctionFailed(
                function_name(self.name, function), "UNEXPECTED_ANSWER", "not a JSON object"
            )
        return payload

    def connect(self, *, changes: bool) -> None:
        """Make the clients now: making them is not safe in threads, using them is."""
        for place in (self.source, self.dr):
            _ = place.doing if changes else place.asking

    def _refused(self, function: str, error: ClientError) -> Exception:
        code, place = error_code(error), self.place(function)
        if code not in DENIED and code != "ResourceNotFoundException":
            return error
        hint = ""
        if place.side == "dr" and self.has_two_accounts:
            account = self.settings["DR_ACCOUNT_ID"]
            hint = f"; it is in account {account}, for which --dr-profile gives credentials"
        what = "is not there" if code == "ResourceNotFoundException" else "may not be invoked"
        return Refused(
            f"The function {function_name(self.name, function)} in {place.region} {what}: "
            f"{error_message(error)}{hint}"
        )
