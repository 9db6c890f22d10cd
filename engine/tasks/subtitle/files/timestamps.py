"""Times as SRT and WebVTT write them."""

import re

TIME = r"-?\s?(?:\d{1,4}\s?:\s?)?\d{1,4}\s?:\s?\d{1,2}(?:\s?[.,:;]\s?\d{1,9})?"
"""Hours may be missing or have up to four digits; a fraction may be missing, short, or stand after a dot or a comma."""
TIMING = re.compile(rf"\s{{0,20}}({TIME})\s{{0,20}}-{{1,3}}>\s{{0,20}}({TIME})(?:\s(.*))?$")
ATTEMPT = re.compile(r"\s{0,20}-?\d+\s?:[^>]*>|.{0,40}-->\s{0,20}-?\d{1,20}\s?:|\s{0,20}-->\s{0,20}$")
"""What somebody meant as a cue's times."""
PARTS = re.compile(r"(-?)(?:(\d+):)?(\d+):(\d+)(?:[.,:;](\d+))?")


def seconds_of(time: str) -> float:
    """Return the seconds of one time that `TIME` matches; negative ones keep their sign."""
    found = PARTS.fullmatch("".join(time.split()))
    assert found is not None, time
    sign, hours, minutes, seconds, fraction = found.groups()
    total = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction or 0}")
    return -total if sign else total


def write_time(seconds: float, mark: str) -> str:
    """Return `seconds` as hours, minutes, seconds and milliseconds, which stand after `mark`."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{mark}{rest % 1000:03}"
