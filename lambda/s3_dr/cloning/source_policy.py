"""What a source's bucket policy says about its twin.

Nobody gets at a twin who would not get at its source: where a translation is in doubt, what is
allowed is left out, and what is denied is denied more widely.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from .terms import Terms

# The statements that every twin has of its own (`twin_policy`).
TLS_SID = "S3DrDenyInsecureTransport"
REPLICATION_SID = "S3DrReplication"
LOOK_SID = "S3DrReplicationLooks"
ANNOTATIONS_SID = "S3DrDenyAnnotations"
LOGS_SID = "S3DrLogDelivery"
REPORTS_SID = "S3DrReportDelivery"
OUR_SIDS = frozenset({TLS_SID, ANNOTATIONS_SID, REPLICATION_SID, LOOK_SID, LOGS_SID, REPORTS_SID})

_PAIRS = (("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource"))
_ELEMENTS = ("Sid", "Effect", *(name for pair in _PAIRS for name in pair), "Condition")
_WILD = re.compile(r"[*?]|\$\{")
_VARIABLE = re.compile(r"\$\{[^}]*\}?")
_ACCOUNT_VARIABLE = re.compile(r"\$\{[^}]*(account|userid)", re.IGNORECASE)

# What says who "everybody" is, when it is compared with one of these.
_FIXING = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike")
_CALLERS = ("aws:principalaccount", "aws:principalarn")
_ARNS = ("aws:principalarn", "aws:sourcearn")
# A request has several values of these.
_PATHS = ("aws:principalorgpaths", "aws:sourceorgpaths")
# With one of these S3 counts nothing as public that names no pattern.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
_COUNTED = (
    *_CALLERS,
    "aws:principalorgid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
)
_FIXED_BY = (*_COUNTED, *_PATHS, "aws:sourceorgid")
_EQUALS = "StringEquals"
_KNOWN = re.compile(r"\d{12}|o-.+", re.ASCII)
_COPY_SOURCE = "s3:x-amz-copy-source"
_KMS_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"
_REGION = "aws:requestedregion"
# By how the names of its regions begin; all others are of the usual partition.
_PARTITIONS = {
    "cn": "aws-cn",
    "eu-isoe": "aws-iso-e",
    "eusc-de": "aws-eusc",
    "us-gov": "aws-us-gov",
    "us-iso": "aws-iso",
    "us-isob": "aws-iso-b",
    "us-isof": "aws-iso-f",
}
_VPC = ("aws:sourcevpc", "aws:vpcsourceip", "aws:vpce", "aws:ec2instancesource")
_ABOUT_BUCKET = ("aws:resourcetag/", "s3:buckettag/", "aws:resourceorg")
# Our roles do without these on a twin. Any other action may be one that they need.
_OBJECT_DATA = (
    "s3:abortmultipartupload",
    "s3:bypassgovernanceretention",
    "s3:deleteobject",
    "s3:getobject",
    "s3:listmultipart",
    "s3:putobject",
    "s3:restoreobject",
)
# Conditions that our roles always pass: they use TLS, and no old one.
_TRANSPORT = {
    ("bool", "aws:securetransport", "false"),
    *(("numericlessthan", "s3:tlsversion", f"1.{minor}") for minor in range(4)),
}


class _LeftOut(Exception):
    """A statement that the twin does not get, and why."""


def translate(policy: Mapping[str, Any], terms: Terms) -> tuple[list[dict[str, Any]], list[str]]:
    """The statements that a source's policy gives its twin.

    Args:
        policy: the source's bucket policy.
        terms: what stands for what.

    Returns:
        The statements, for a document of version 2012-10-17, and a sentence for each thing that is
        left out, changed beyond its name, or bound to the source's region or VPC.
    """
    statements, notes = [], []
    has_variables = policy.get("Version") == "2012-10-17"
    for number, given in enumerate(_listed(policy.get("Statement", [])), 1):
        name = (isinstance(given, dict) and given.get("Sid")) or number
        said: list[str] = []
        try:
            _require_known(given)
            statements.append(_Statement(given, terms, said.append).translated(has_variables))
        except _LeftOut as reason:
            said = [f"left out, {reason}"]
        notes += [f"statement {name}: {each}" for each in dict.fromkeys(said)]
    return statements, notes


def normal(statement: Mapping[str, Any]) -> str:
    """A statement as S3 may give it back: what means the same has the same form."""

    def flat(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: flat(item) for key, item in value.items() if item not in ("", {})}
        return sorted({_text(each) for each in _listed(value)})

    def who(value: Any) -> Any:
        named = _kinds(value)
        # S3 gives an account back as its root.
        ids = [re.sub(r"^arn:[^:]*:iam::(\d{12}):root$", r"\1", x) for x in _texts(named, "AWS")]
        return {**named, "AWS": ids} if ids else named

    said = {key: who(value) if key in _PAIRS[0] else value for key, value in statement.items()}
    return json.dumps(flat(said), sort_keys=True)


def base_of(sid: object) -> str:
    """A Sid without the number that one of ours has where somebody else's has it already."""
    return str(sid or "").rstrip("0123456789")


def fixed_by(condition: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """What in a condition says for certain of whom, or for whom, a request has to be.

    That is an organisation, an account, a principal or a network. IfExists and ForAllValues also
    hold where the request says nothing, so they are certain of nobody.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html

    Returns:
        The keys in lower case, each with its values.
    """
    return [
        (key.lower(), values)
        for operator, key, values in _entries(condition)
        if _may_fix(operator.lower(), key.lower())
        if values and all(_is_fixed(key.lower(), value) for value in values)
    ]


def _may_fix(operator: str, key: str) -> bool:
    qualifier, _, bare = operator.rpartition(":")
    is_for_any = qualifier == "foranyvalue" if key in _PATHS else not qualifier
    return key in _FIXED_BY and bare in _FIXING and is_for_any


def _is_fixed(key: str, value: str) -> bool:
    start = _WILD.split(value, maxsplit=1)[0]
    if key in _PATHS:
        # The organisation comes first, and ends with the first slash.
        return bool(re.match(r"o-[^/]+/", start))
    if key in _ARNS and re.fullmatch(r"\d{12}", _account_of(start), re.ASCII) and ":" in start:
        return True
    return start == value and key != "aws:sourcearn"


def _require_known(given: Any) -> None:
    if not isinstance(given, dict) or given.get("Effect") not in ("Allow", "Deny"):
        raise _LeftOut("it neither allows nor denies")
    if unknown := sorted(given.keys() - {*_ELEMENTS}):
        raise _LeftOut(f"it has elements that are not known: {', '.join(unknown)}")
    condition = given.get("Condition", {})
    blocks = [condition, *condition.values()] if isinstance(condition, dict) else [condition]
    if not all(isinstance(each, dict) for each in blocks):
        raise _LeftOut("its conditions are not understood")
    if any(len(given.keys() & {*pair}) != 1 for pair in _PAIRS):
        raise _LeftOut("it does not say who may do what with which resource")


class _Statement:
    """One statement on its way to the twin."""

    def __init__(self, given: dict[str, Any], terms: Terms, note: Callable[[str], None]) -> None:
        self._given, self._terms, self._note = given, terms, note
        self._allows = given["Effect"] == "Allow"

    def translated(self, has_variables: bool) -> dict[str, Any]:
        """The statement for the twin."""
        if not has_variables and "${" in json.dumps(self._given):
            if self._allows:
                raise _LeftOut("it has ${ in a policy of a version without variables")
            self._note("${ is no variable in it, as in a policy of its version")
            literal = ("Resource", "NotResource", "Condition")
            self._given = {x: _escaped(y) if x in literal else y for x, y in self._given.items()}
        who, _, what = (next(x for x in pair if x in self._given) for pair in _PAIRS)
        principal, condition = self._principals(who), self._condition()
        if self._allows:
            self._keep_out(principal, condition)
        elif self._may_stop_us(principal):
            self._note("the roles of this module are exempted, which fill and check the twin")
            ours = sorted(self._terms.role_arns)
            _merge(condition, "ArnNotEquals", "aws:PrincipalArn", ours)
        same = {x: y for x, y in self._given.items() if x not in (who, what)}
        result = {**same, **principal, **self._resources(what), "Condition": condition}
        if base_of(result.get("Sid")) in OUR_SIDS:
            del result["Sid"]
        return {key: result[key] for key in _ELEMENTS if result.get(key) not in (None, {})}

    # --- who

    def _principals(self, element: str) -> dict[str, Any]:
        excludes = element == "NotPrincipal"
        if self._allows and excludes:
            raise _LeftOut("it lets in everybody but some")
        found: dict[str, Any] = {}
        for kind, names in _kinds(self._given[element]).items():
            olds, news = [], []
            for old in map(_text, _listed(names)):
                new = self._principal(kind, old)
                if self._allows and (kind, new) != ("AWS", "*") and _WILD.search(new or old):
                    raise _LeftOut(f"its principal {new or old} is a pattern, which may be public")
                if new is None:
                    self._note(f"the principal {old} is left out, nobody stands for it")
                    continue
                olds.append(old)
                news.append(new)
            if not self._allows:
                # Who owns the twin plays the source's owner: no more than that one is exempted.
                news = _denied(olds, news, excludes, self._names_twins_owner)
            if news:
                found[kind] = _as_given(names, news)
        if found:
            is_bare = not isinstance(self._given[element], dict)
            return {element: found["AWS"] if is_bare and found == {"AWS": "*"} else found}
        if not excludes:
            raise _LeftOut("none of its principals is known where the twin is")
        self._note("everybody is denied, those who were not are not known where the twin is")
        return {"Principal": "*"}

    def _principal(self, kind: str, name: str) -> str | None:
        terms = self._terms
        if kind not in ("AWS", "CanonicalUser", "Federated", "Service") and self._allows:
            raise _LeftOut(f"its principals are not understood: {kind}")
        new = terms.user_says(name)
        if new is None and kind in ("AWS", "Federated") and name != "*":
            # What has no account in it is the inner ID of somebody who was deleted.
            known = kind != "AWS" or re.fullmatch(r"\d{12}|arn:.*", name, re.ASCII | re.DOTALL)
            new = _with_account(name, terms) if known else None
        elif new is None and not (kind == "CanonicalUser" and self._allows and self._is_far):
            new = name
        # The twin stays out of reach of the source's owner.
        reaches = self._allows and self._is_far and _account_of(new or "") == terms.source_account
        return None if reaches else new

    @property
    def _is_far(self) -> bool:
        return self._terms.has_two_accounts

    def _names_twins_owner(self, name: str) -> bool:
        return self._is_far and _account_of(name) == self._terms.dr_account

    def _keep_out(self, principal: dict[str, Any], condition: dict[str, Any]) -> None:
        """Keeps an Allow from those who must not get at the twin."""
        terms, text = self._terms, json.dumps(condition)
        was = json.dumps([self._given["Principal"], self._given.get("Condition")])
        if self._is_far and terms.dr_account in was and (terms.dr_account in text or "${" in text):
            raise _LeftOut("it tells the account of the twin from the source's")
        if "*" not in _texts(_kinds(principal["Principal"]), "AWS"):
            return
        found = fixed_by(condition)
        fixed = {key for key, _ in found}
        if not fixed and not condition:
            raise _LeftOut("it is public")
        if not fixed:
            raise _LeftOut(
                "it is for everybody, and no condition fixes the organisation, the account or the "
                "principal in a way that is known here"
            )
        if not any(key in _COUNTED and not any(map(_WILD.search, x)) for key, x in found):
            self._say_for_s3(found, condition)
        if self._is_far and (fixed.isdisjoint(_CALLERS) or terms.source_account in text):
            self._note("the source's account is not let in")
            _merge(condition, "StringNotEquals", "aws:PrincipalAccount", [terms.source_account])

    def _say_for_s3(self, found: list[tuple[str, list[str]]], condition: dict[str, Any]) -> None:
        """Say once more whom conditions let in, in words that S3 does not take for the public.

        It would refuse the whole policy. What is added follows from what is there.
        """
        said = {key: values for key, values in found if key in (*_CALLERS, _PATHS[0])}
        for key, values in said.items():
            if key == _PATHS[0]:
                same, who = "aws:PrincipalOrgID", [value.split("/")[0] for value in values]
            else:
                same, who = "aws:PrincipalAccount", [_account_of(value) for value in values]
            operator = next((x for x in condition if x.lower() == _EQUALS.lower()), _EQUALS)
            block = condition.get(operator, {})
            if same.lower() not in map(str.lower, block) and all(map(_KNOWN.fullmatch, who)):
                condition[operator] = {**block, same: list(dict.fromkeys(who))}
                return
        keys = " and ".join(sorted({key for key, _ in found}))
        raise _LeftOut(f"it is for everybody, and S3 may take it for public in spite of {keys}")

    def _may_stop_us(self, principal: dict[str, Any]) -> bool:
        """Whether a Deny may be about our roles and about what they do."""
        said = {
            (operator.lower().removesuffix("ifexists"), key.lower(), value.lower())
            for operator, key, values in _entries(self._given.get("Condition", {}))
            for value in values
        }
        actions = [each.lower() for each in _texts(self._given, "Action")] or ["*"]
        is_harmless = bool(said) and said <= _TRANSPORT
        if is_harmless or all(each.startswith(_OBJECT_DATA) for each in actions):
            return False
        named = _kinds(principal.get("Principal", "*"))
        ours = "|".join(re.escape(arn.rsplit("/", 1)[-1]) for arn in self._terms.role_arns)
        other = re.compile(rf"arn:(?!.*([*?]|:root$|/({ours})(/|$))).*", re.DOTALL)
        is_ours = "CanonicalUser" in named or not all(map(other.fullmatch, _texts(named, "AWS")))
        return bool(ours) and is_ours

    # --- what

    def _resources(self, element: str) -> dict[str, Any]:
        terms, excludes = self._terms, element == "NotResource"
        found: list[str] = []
        for entry in _texts(self._given, element):
            own = terms.own_arn(entry)
            if own and not (self._is_far and _ACCOUNT_VARIABLE.search(own)):
                found.append(own)
            elif here := _in_twin(entry, terms, widely=self._allows == excludes):
                found += here
                self._note(f"{entry} becomes {' and '.join(here)}")
            else:
                self._note(f"{entry} is left out, it is nothing that is surely in the bucket")
        twin = f"arn:{_partition(terms)}:s3:::{terms.twin}"
        everything = [twin, f"{twin}/*"]
        if self._allows and excludes and {*everything} <= {*found}:
            raise _LeftOut("it would allow nothing")
        if not found and not excludes:
            raise _LeftOut("none of its resources is in the bucket")
        if not found:
            return {"Resource": everything}
        return {element: _as_given(self._given[element], found)}

    # --- when

    def _condition(self) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for operator, block in self._given.get("Condition", {}).items():
            for key, given in block.items():
                olds = [_text(each) for each in _listed(given)]
                news = self._values(operator, key, olds)
                if news or not olds:
                    values = given if news == olds else _as_given(given, news)
                    result.setdefault(operator, {})[key] = values
        return result

    def _values(self, operator: str, key: str, olds: list[str]) -> list[str]:
        """The values of a key for the twin; of a Deny perhaps none, for whatever the key is."""
        terms, note, low = self._terms, self._note, key.lower()
        bare = operator.lower().rpartition(":")[2]
        negative = "not" in bare
        unsaid = [old for old in olds if terms.user_says(old) is None]
        if low.startswith(_VPC) and unsaid:
            self._doubt(f"{key} is bound to the source's region, {unsaid[0]} has no translation")
        if low.startswith(_ABOUT_BUCKET):
            # The twin has other tags than its source where those are not cloned.
            self._doubt(f"{key} may be another for the twin")
            if not negative:
                return []
        if bare.startswith(("null", "bool", "numeric", "date")):
            return olds
        said = [self._value(low, old) for old in olds]
        if None in said:
            self._doubt(f"{key} is compared with a KMS key that no other stands for")
        news = [old if new is None else new for old, new in zip(olds, said, strict=True)]
        moved = {new for old, new in zip(olds, news, strict=True) if new != old}
        # Two accounts are one there: what is equal for the twin is equal for the source.
        equal = negative != self._allows and _is_about_account(low)
        unsure = [
            each
            for each in unsaid
            if each in news and each not in moved and _is_unsure(low, each, terms)
            if not (equal and _ACCOUNT_VARIABLE.search(each))
        ]
        if unsure:
            self._doubt(f"what {unsure[0]} is for {key} differs where the twin is")
        if low == _REGION and moved:
            note(f"{key} is {terms.dr_region} instead of {terms.source_region}")
        for each in unsaid:
            if low.endswith("arn") and each.split(":")[3:4] not in ([], [""], ["*"]):
                note(f"{key} is bound to a region by {each}")
        if self._allows:
            if negative and moved:
                raise _LeftOut(f"{key} must not be what has another name for the twin")
            return news
        anything = not negative and any(map(_ACCOUNT_VARIABLE.search, unsure))
        if anything or (negative and unsure and not {*news} - {*unsure}):
            note(f"it denies whatever {key} is")
            return []
        wide = [] if negative else [_any_account(each) for each in unsure]
        return _denied(olds, news, negative, unsure.__contains__) + wide

    def _doubt(self, reason: str) -> None:
        if self._allows:
            raise _LeftOut(reason)
        self._note(reason)

    def _value(self, key: str, text: str) -> str | None:
        """A value of a condition where the twin is; None if nobody knows."""
        terms = self._terms
        said = terms.user_says(text)
        if said is not None:
            return said
        if own := terms.own_arn(text):
            return own
        if key == _KMS_KEY:
            return terms.replica_key_arn or None
        if key == _REGION and text == terms.source_region:
            return terms.dr_region
        if key == _COPY_SOURCE:
            return re.sub(rf"^(/?){re.escape(terms.source)}/", rf"\g<1>{terms.twin}/", text)
        return _with_account(text, terms) if _is_about_account(key) else text


def _is_about_account(key: str) -> bool:
    return key.endswith(("account", "arn", ":userid")) and "/" not in key


def _is_unsure(key: str, text: str, terms: Terms) -> bool:
    """Whether a value is one thing where the source is and another where the twin is."""
    if key == _REGION:
        return _matches(text, terms.source_region) != _matches(text, terms.dr_region)
    if not terms.has_two_accounts:
        return False
    if not _is_about_account(key) or _ACCOUNT_VARIABLE.search(text):
        return bool(_ACCOUNT_VARIABLE.search(text))
    if key.endswith("arn") and text.count(":") < 5:
        return bool(re.search(r"[*?]", text) and re.search(r"\d", text))
    part = _account_of(text)
    return _matches(part, terms.source_account) != _matches(part, terms.dr_account)


def _account_of(text: str) -> str:
    """The account in an ARN; all of what is no ARN."""
    return text.split(":", 5)[4] if text.count(":") >= 5 else text


def _with_account(text: str, terms: Terms) -> str:
    head = text.split(":", 5)
    at = 4 if len(head) == 6 else 0
    return ":".join([*head[:at], terms.account(head[at]), *head[at + 1 :]])


def _any_account(text: str) -> str:
    parts = text.split(":", 5)
    return ":".join([*parts[:4], "*", parts[5]]) if len(parts) == 6 else "*"


def _in_twin(entry: str, terms: Terms, *, widely: bool) -> list[str]:
    """What a pattern of ARNs matches of the source, as patterns of the twin.

    What is left of a pattern after the bucket's name is a pattern of keys. Variables may stand for
    anything: widely they match, else they do not. And a `*` at the end of a part may go beyond the
    colon, or not.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    if terms.has_two_accounts and _ACCOUNT_VARIABLE.search(entry):
        # The account is in the keys, and they stay the same.
        entry = _VARIABLE.sub("*", entry) if widely else ""
    parts = entry.split(":", 5)
    is_plain = parts[0] == "arn" and not _WILD.search("".join(parts[1:2]))
    head = f"arn:{parts[1] if is_plain else _partition(terms)}:s3:::"
    start = head
    if not widely:
        if len(parts) == 6 and all(map(_matches, parts[:5], head.split(":"))):
            entry = parts[5]
        elif entry != "*":
            return []
        start = ""
    keys = _after(entry, f"{start}{terms.source}/", widely) - {""}
    keys = {"*"} if "*" in keys else {key for key in keys if f"*{key}" not in keys}
    twin = f"{head}{terms.twin}"
    found = [twin] if _matches(entry, f"{start}{terms.source}", widely) else []
    return [*found, *(f"{twin}/{key}" for key in sorted(keys))]


def _after(pattern: str, text: str, widely: bool = False) -> set[str]:
    """What can be left of a pattern when its beginning has matched a text."""
    left = {pattern}
    for char in text:
        reached, todo = set(), list(left)
        while todo:
            state = todo.pop()
            if state.startswith("${"):
                if widely:
                    todo.append(_VARIABLE.sub("*", state, count=1))
            elif state.startswith("*"):
                reached.add(state)
                todo.append(state.lstrip("*"))
            elif state[:1] in ("?", char):
                reached.add(state[1:])
        left = reached
    return left


def _matches(pattern: str, text: str, widely: bool = False) -> bool:
    left = _after(pattern, text, widely)
    return any(not (_VARIABLE.sub("", each) if widely else each).strip("*") for each in left)


def _partition(terms: Terms) -> str:
    """The partition, for where only a wildcard stands for it."""
    known = [arn for arn in (terms.replica_key_arn, *terms.role_arns) if arn]
    if known:
        return known[0].split(":")[1]
    return _PARTITIONS.get(terms.source_region.rsplit("-", 2)[0], "aws")


def _denied(
    olds: list[str], news: list[str], excludes: bool, is_unsure: Callable[[str], bool]
) -> list[str]:
    """What a Deny names: what it did and what stands for that; where it exempts, the latter."""
    if not excludes:
        return list(dict.fromkeys([*olds, *news]))
    moved = {new for old, new in zip(olds, news, strict=True) if old != new}
    return [new for new in news if new in moved or not is_unsure(new)]


def _merge(condition: dict[str, Any], operator: str, key: str, values: list[str]) -> None:
    """Adds values to a negated operator: several mean that it is none of them."""
    operator = next((x for x in condition if x.lower() == operator.lower()), operator)
    block = condition.setdefault(operator, {})
    key = next((x for x in block if x.lower() == key.lower()), key)
    block[key] = list(dict.fromkeys([*_texts(block, key), *values]))


def _entries(condition: Mapping[str, Any]) -> list[tuple[str, str, list[str]]]:
    return [(x, key, _texts(block, key)) for x, block in condition.items() for key in block]


def _kinds(principal: Any) -> dict[str, Any]:
    return principal if isinstance(principal, dict) else {"AWS": principal}


def _escaped(value: Any) -> Any:
    text: str = json.dumps(value).replace("${", "${$}{")
    return json.loads(text)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(block: Mapping[str, Any], key: str) -> list[str]:
    return [_text(each) for each in _listed(block.get(key, []))]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _as_given(given: Any, values: list[str]) -> Any:
    """One value without a list, if it was given so."""
    found = list(dict.fromkeys(values))
    return found[0] if len(found) == 1 and not isinstance(given, list) else found
