"""What the checks of an instance found, in a few words."""

from dnsregistry.health.course import CheckCourse
from dnsregistry.health.ward import Ward
from dnsregistry.registry.check import Check
from dnsregistry.registry.check_description import describe_check
from dnsregistry.registry.instance import Instance
from dnsregistry.zone.reason import write_ago

MOST_TEXT = 200
"""Characters of a check's own words."""


def tell_failure(ward: Ward, instance: Instance, now: float) -> str:
    """Which check keeps an instance from being healthy, and what it found last."""
    patient = ward.find(instance.id)
    if patient is None or patient.course.checks != instance.checks:
        return "checks failed, which are made by another node" if instance.checks else "unhealthy"
    pairs = enumerate(zip(instance.checks, patient.course.courses, strict=True), 1)
    failing = [_tell(place, *pair, now) for place, pair in pairs if not pair[1].healthy]
    return "; ".join(failing) or "checks passed; the verdict is being written"


def _tell(place: int, check: Check, course: CheckCourse, now: float) -> str:
    told = describe_check(check)
    target = told.get("url") or told.get("path") or told.get("address") or told.get("name")
    name = f"check {place} ({told['type']}{f' {target}' if target else ''})"[:MOST_TEXT]
    last = course.last
    if last is None:
        return f"{name} has not been made yet"
    ago, _ = write_ago(course.last_at, now)
    if last.passed:
        return f"{name} passed {ago}, and has to pass more often after it failed"
    return f"{name} failed {ago}: {last.reason[:MOST_TEXT]}"
