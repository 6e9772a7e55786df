"""What an installation needs to work, looked at one by one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from . import fleet, jobs
from .advice import command, given
from .backfill import WAITS
from .errors import Refused
from .module import (
    DENIED,
    DESTINATION,
    FUNCTIONS,
    REPLICATION,
    SOURCE,
    Module,
    function_name,
)
from .places import Options, Place
from .text import amount, error_code, error_message, one_line

OK, WARN, FAIL, SKIPPED = "ok", "warn", "fail", "skipped"

# The action of IAM where it is not called as the API is.
_ACTIONS = {
    "HeadBucket": "s3:ListBucket",
    "Invoke": "lambda:InvokeFunction",
    "ListBuckets": "s3:ListAllMyBuckets",
}

# Buckets of an account; the quota is kept in us-east-1.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/BucketRestrictions.html
_BUCKETS_QUOTA = "L-DC2B2D3D"
_QUOTA_REGION = "us-east-1"
_USUAL_QUOTA = 10_000
_TIGHT = 0.9

# New accounts have 10 concurrent executions, and all their functions share them.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_FEW_EXECUTIONS = 50

# The rule that the functions turn on while a job waits for its turn, and off again.
_TICK = "jobs"

_ROLE = re.compile(r"arn:[\w-]+:iam::(\d{12}):role/(?:.*/)?([^/]+)", re.ASCII)


@dataclass(frozen=True)
class Finding:
    """What a check came to.

    Attributes:
        check: what was looked at.
        status: ``ok``, ``warn``, ``fail`` or ``skipped``.
        sentence: what was seen.
        remedy: what to do about it.
    """

    check: str
    status: str
    sentence: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """Every fact: the keys are an interface."""
        return asdict(self)


def count(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings there are of each status."""
    found = Counter(each.status for each in findings)
    return {status: found[status] for status in (OK, WARN, FAIL, SKIPPED)}


def examine(options: Options) -> Iterator[Finding]:
    """Look at everything, and yield each finding when it is made.

    Raises:
        UsageError: there is no region, or no such profile.
        NoCredentialsError: nobody can be asked at all.
    """
    source = options.source()
    yield _reached(source, "")
    check = "installation"
    try:
        module = Module.find(options, source)
    except Refused as error:
        yield Finding(check, FAIL, str(error))
        return
    except (ClientError, BotoCoreError) as error:
        yield _trouble(check, "lambda", error)
        return
    account = module.settings["SOURCE_ACCOUNT_ID"]
    where = f"{module.name}: {source.region} ({account}) to {_dr_place(module)}"
    yield Finding(check, OK, where)
    yield _reached(module.dr, module.account(module.dr))
    yield from _functions(module)
    yield from _roles(module)
    yield from _event_rules(module)
    yield from _queues(module)
    yield _guarded("reports bucket", "s3", lambda check: _reports_bucket(check, module))
    yield _guarded("bucket quota", "s3", lambda check: _bucket_quota(check, module))
    for place in (module.source, module.dr):
        look = partial(_concurrency, module=module, place=place)
        yield _guarded(f"concurrency {place.region}", "lambda", look)
    yield from _looked(module)


def _guarded(check: str, service: str, look: Callable[[str], Finding]) -> Finding:
    """The finding of a look; what AWS answers instead is a finding too."""
    try:
        return look(check)
    except Refused as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and error_code(cause) in DENIED:
            return _trouble(check, service, cause)
        return Finding(check, FAIL, str(error))
    except (ClientError, BotoCoreError) as error:
        return _trouble(check, service, error)


def _trouble(check: str, service: str, error: ClientError | BotoCoreError) -> Finding:
    if isinstance(error, NoCredentialsError):
        raise error
    if not isinstance(error, ClientError):
        return Finding(check, FAIL, f"cannot be reached: {one_line(error)}", "check the network")
    action = _ACTIONS.get(error.operation_name, f"{service}:{error.operation_name}")
    if error_code(error) in DENIED:
        return Finding(check, SKIPPED, f"not allowed to {action}")
    return Finding(
        check, FAIL, f"AWS said no to {action}: {error_code(error)}: {error_message(error)}"
    )


def _dr_place(module: Module) -> str:
    return f"{module.dr.region} ({module.settings['DR_ACCOUNT_ID']})"


def _reached(place: Place, wanted: str) -> Finding:
    """Whether the region answers, and in whose name we ask."""

    def ask(check: str) -> Finding:
        sentence = f"{place.region} answers; asked as account {place.account}"
        if wanted and place.account != wanted:
            return Finding(
                check,
                WARN,
                f"{sentence}, but the twins are in {wanted}",
                "give --dr-profile for the DR account",
            )
        return Finding(check, OK, sentence)

    return _guarded(f"{place.side} region", "sts", ask)


def _functions(module: Module) -> Iterator[Finding]:
    """Each function, and whether all have the same package."""
    hashes: dict[str, str] = {}
    for function in FUNCTIONS:

        def ask(check: str, function: str = function) -> Finding:
            place = module.place(function)
            try:
                found = place.functions.get_function_configuration(
                    FunctionName=module.arn(function)
                )
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise
                return Finding(
                    check, FAIL, f"is not there in {place.region}", "apply the module again"
                )
            hashes[function] = found.get("CodeSha256", "")
            runtime = found.get("Runtime", "no runtime")
            state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "")
            if state != "Active" or update not in ("", "Successful"):
                status = FAIL if "Failed" in (state, update) else WARN
                why = found.get("StateReason") or found.get("LastUpdateStatusReason") or ""
                said = f"{state}, last update {update or 'not told'}: {why or 'no reason told'}"
                return Finding(check, status, said, "wait a minute, else apply the module again")
            return Finding(check, OK, f"active in {place.region}, {runtime}")

        yield _guarded(function_name(module.name, function), "lambda", ask)
    yield _package(hashes)


def _package(hashes: dict[str, str]) -> Finding:
    check = "package"
    if len(hashes) < len(FUNCTIONS):
        return Finding(
            check, SKIPPED, f"only {len(hashes)} of {len(FUNCTIONS)} functions were seen"
        )
    if len(set(hashes.values())) > 1:
        return Finding(
            check, FAIL, "the functions do not run the same package", "apply the module again"
        )
    return Finding(check, OK, f"all functions run {next(iter(hashes.values()))[:12]}")


def _roles(module: Module) -> Iterator[Finding]:
    """Every role the settings name, asked for in its own account."""
    settings = module.settings
    names = ("REPLICATION_ROLE_ARN", "BATCH_ROLE_ARN", "OWN_ROLE_ARNS")
    arns = [arn for name in names for arn in settings.get(name, "").split(",") if arn]
    for arn in dict.fromkeys(arns):
        match = _ROLE.fullmatch(arn)
        if not match:
            yield Finding("role", FAIL, f"{arn} is not the ARN of a role", "apply the module again")
            continue
        account, name = match.groups()
        is_source = account == settings["SOURCE_ACCOUNT_ID"]
        place = module.source if is_source else module.dr
        look = partial(_role, module=module, place=place, name=name)
        yield _guarded(f"role {name}", "iam", look)


def _role(check: str, module: Module, place: Place, name: str) -> Finding:
    if elsewhere := _elsewhere(check, module, place):
        return elsewhere
    try:
        place.iam.get_role(RoleName=name)
    except ClientError as error:
        if error_code(error) != "NoSuchEntity":
            raise
        return Finding(check, FAIL, "is not there", "apply the module again")
    return Finding(check, OK, "is there")


def _elsewhere(check: str, module: Module, place: Place) -> Finding | None:
    """A finding if the credentials are another account's, where AWS would speak of that one."""
    if place.account == module.account(place):
        return None
    option = "--profile" if place.side == "source" else "--dr-profile"
    said = f"is in account {module.account(place)}, and the credentials are {place.account}'s"
    return Finding(check, SKIPPED, said, f"give {option}")


def _event_rules(module: Module) -> Iterator[Finding]:
    for suffix in ("s3-events", "tag-changes", "check-requests", "sweep", _TICK, "job-events"):
        name = f"{module.name}-{suffix}"

        def ask(check: str, name: str = name) -> Finding:
            try:
                found = module.source.events.describe_rule(Name=name)
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise
                return Finding(check, FAIL, "is not there", "apply the module again")
            if found["State"] == "DISABLED" and name.endswith(f"-{_TICK}"):
                return _without_tick(check, module)
            if found["State"] == "DISABLED":
                where = " ".join([f"--region {module.source.region}", *given("profile")])
                remedy = f"aws events enable-rule --name {name} {where}"
                return Finding(check, FAIL, "is disabled", remedy)
            return Finding(check, OK, f"enabled {found.get('ScheduleExpression', '')}".strip())

        yield _guarded(f"rule {name}", "events", ask)


def _without_tick(check: str, module: Module) -> Finding:
    """Whether no job waits, as nobody looks at the queue."""
    try:
        found = jobs.look(module)
    except (Refused, ClientError, BotoCoreError) as error:
        said = f"disabled, and nobody could say whether a job waits: {one_line(error)}"
        return Finding(check, WARN, said, f"{command('sweep')} enables it if one does")
    waiting = sum(job.get("status") in WAITS for job in found.jobs)
    if waiting:
        said = f"disabled, and {amount(waiting, 'job waits', 'jobs wait')}"
        return Finding(check, FAIL, said, f"{command('sweep')} enables it")
    if found.errors:
        said = f"disabled, and not all is known of who waits: {one_line('; '.join(found.errors))}"
        return Finding(check, WARN, said, f"{command('sweep')} enables it if a job waits")
    return Finding(check, OK, "disabled, as no job waits")


def _queues(module: Module) -> Iterator[Finding]:
    name = f"{module.name}-failures"
    for place in (module.source, module.dr):

        def ask(check: str, place: Place = place) -> Finding:
            if elsewhere := _elsewhere(check, module, place):
                return elsewhere
            try:
                url = place.queues.get_queue_url(QueueName=name)["QueueUrl"]
            except ClientError as error:
                if "NonExistentQueue" not in error_code(error):
                    raise
                return Finding(check, FAIL, f"there is no queue {name}", "apply the module again")
            answer = place.queues.get_queue_attributes(
                QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
            )
            depth = int(answer["Attributes"]["ApproximateNumberOfMessages"])
            if depth:
                return Finding(
                    check,
                    WARN,
                    f"{name} holds {amount(depth, 'event')} that could not be dealt with",
                    f"{command('status')} says which buckets are not well; then purge the queue",
                )
            return Finding(check, OK, f"{name} is empty")

        yield _guarded(f"failures {place.region}", "sqs", ask)


def _reports_bucket(check: str, module: Module) -> Finding:
    bucket = module.settings.get("REPORTS_BUCKET", "")
    if not bucket:
        return Finding(check, FAIL, "the settings name none", "apply the module again")
    try:
        module.source.s3.head_bucket(
            Bucket=bucket, ExpectedBucketOwner=module.settings["SOURCE_ACCOUNT_ID"]
        )
    except ClientError as error:
        if error_code(error) != "404":
            raise
        return Finding(check, FAIL, f"{bucket} is not there", "apply the module again")
    return Finding(check, OK, f"{bucket} answers")


def _bucket_quota(check: str, module: Module) -> Finding:
    """Whether the DR account has room for more twins."""
    if elsewhere := _elsewhere(check, module, module.dr):
        return elsewhere
    pages = module.dr.s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 1000})
    buckets = sum(len(page.get("Buckets", [])) for page in pages)
    quota, source = _quota(module.dr)
    sentence = f"the DR account has {buckets:,} of {quota:,} buckets ({source})"
    remedy = "ask for a higher quota of general purpose buckets in Service Quotas (us-east-1)"
    if buckets >= quota:
        return Finding(check, FAIL, sentence, remedy)
    return Finding(
        check, *((WARN, sentence, remedy) if buckets >= quota * _TIGHT else (OK, sentence))
    )


def _quota(place: Place) -> tuple[int, str]:
    """The account's quota of buckets, and who says so."""
    try:
        answer = place.quotas(_QUOTA_REGION).get_service_quota(
            ServiceCode="s3", QuotaCode=_BUCKETS_QUOTA
        )
        return int(answer["Quota"]["Value"]), "by Service Quotas"
    except (ClientError, BotoCoreError, KeyError):
        # Not allowed, never raised, or a partition without it.
        return _USUAL_QUOTA, "the usual quota; Service Quotas did not say"


def _concurrency(check: str, module: Module, place: Place) -> Finding:
    if elsewhere := _elsewhere(check, module, place):
        return elsewhere
    limit = place.functions.get_account_settings()["AccountLimit"]
    free = limit.get("UnreservedConcurrentExecutions", limit.get("ConcurrentExecutions", 0))
    sentence = f"{amount(free, 'concurrent execution')} unreserved"
    if free < _FEW_EXECUTIONS:
        return Finding(
            check,
            WARN,
            sentence,
            "ask for a higher Lambda quota: many buckets at once would be throttled, and wait",
        )
    return Finding(check, OK, sentence)


def _looked(module: Module) -> Iterator[Finding]:
    """What takes an invocation: the trail, and whether the functions' boto3 is new enough."""
    seen: list[fleet.Look] = []

    def trail(check: str) -> Finding:
        seen.append(fleet.look(module))
        facts: dict[str, Any] = seen[0].trail
        detail = one_line(facts.get("detail") or "")
        if facts["status"] == "ok":
            names = ", ".join(map(one_line, facts.get("trails") or []))
            return Finding(check, OK, f"management events are logged: {names or detail}")
        if facts["status"] == "missing":
            if detail:
                return Finding(check, FAIL, detail)  # which says what to do, too
            remedy = "set create_trail, or let a trail log management events"
            return Finding(check, FAIL, "no trail logs management events", remedy)
        return Finding(check, SKIPPED, f"the sweep could not tell: {detail}")

    yield _guarded("trail", "lambda", trail)
    if seen and seen[0].errors:
        errors = "; ".join(map(one_line, seen[0].errors))
        yield Finding("sweep", FAIL, f"could not find out everything: {errors}")
    yield _guarded("boto3 of functions", "lambda", lambda check: _sdk(check, module, seen))


def _sdk(check: str, module: Module, seen: Sequence[fleet.Look]) -> Finding:
    buckets = seen[0].buckets[: fleet.BATCH] if seen else []
    if not buckets:
        why = "there is no tagged bucket to try it on" if seen else "the sweep did not answer"
        return Finding(check, SKIPPED, why)
    for function in (SOURCE, DESTINATION, REPLICATION):
        name = function_name(module.name, function)
        results = list(fleet.dry_run(module, function, buckets).values())
        for result in results:
            if result.get("reason") == "SDK_TOO_OLD":
                remedy = str(result.get("remedy") or "")
                return Finding(check, FAIL, f"that of {name} is too old", remedy)
        if all(result["outcome"] == "failed" for result in results):
            said = f"{results[0].get('reason')}: {results[0].get('detail')}"
            return Finding(check, FAIL, f"{name} fails on every bucket: {said}")
    return Finding(
        check,
        OK,
        f"no function calls its own too old in dry runs of {amount(len(buckets), 'bucket')}",
    )
