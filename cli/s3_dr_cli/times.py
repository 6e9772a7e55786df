"""Moments and spans of time, as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def moment(value: object) -> datetime | None:
    """What a function gave as a time in ISO form; None if it is none."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def age(since: object, at: datetime) -> str:
    """How long ago something was, such as ``5 h``; empty if it is not known."""
    began = moment(since)
    if began is None:
        return ""
    minutes = max(int((at - began) / timedelta(minutes=1)), 0)
    if minutes < 90:
        return f"{minutes} min" if minutes else "<1 min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def clock(value: datetime, at: datetime) -> str:
    """The time of day in UTC, with the date if that is not today's."""
    time = value.astimezone(UTC)
    shown = "%H:%M UTC" if time.date() == at.astimezone(UTC).date() else "%Y-%m-%d %H:%M UTC"
    return time.strftime(shown)
