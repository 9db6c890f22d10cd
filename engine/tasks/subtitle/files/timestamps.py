"""Read and write the timestamps of SRT and WebVTT."""

import re

TIME = r"-?\s?(?:\d{1,4}\s?:\s?)?\d{1,4}\s?:\s?\d{1,2}(?:\s?[.,:;]\s?\d{1,9})?"
"""A timestamp. Hours are optional and have up to four digits; the fraction is optional and follows a dot or a comma."""
TIMING = re.compile(rf"\s{{0,20}}({TIME})\s{{0,20}}-{{1,3}}>\s{{0,20}}({TIME})(?:\s(.*))?$")
"""The line of a cue with its start, its end and, in WebVTT, its settings."""
LOOKS_LIKE_TIMING = re.compile(r"\s{0,20}-?\d+\s?:[^>]*>|.{0,40}-->\s{0,20}-?\d{1,20}\s?:|\s{0,20}-->\s{0,20}$")
"""A line that was probably meant to be the times of a cue."""
PARTS = re.compile(r"(-?)(?:(\d+):)?(\d+):(\d+)(?:[.,:;](\d+))?")


def parse_time(time: str) -> float:
    """Return the seconds of a timestamp that matches TIME. Negative times keep their sign."""
    match = PARTS.fullmatch("".join(time.split()))
    assert match is not None, time
    sign, hours, minutes, seconds, fraction = match.groups()
    total = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction or 0}")
    return -total if sign else total


def format_time(seconds: float, mark: str) -> str:
    """Return `seconds` as HH:MM:SS followed by `mark` and the milliseconds."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{mark}{rest % 1000:03}"
