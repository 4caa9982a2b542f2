#!/usr/bin/python3
"""When a cron expression is due, found the slow way: by reading back each minute of UTC.

It shares nothing with lib/cron but the rules of cron.h: the expression becomes sets of numbers, and
the local time of every minute is asked of zoneinfo. `cron_brute.py FILE` holds the expected instants
of a table of cases (tests/unit/cron_cases.txt) against it.
"""
import calendar
import datetime as dt
import functools
import re
import sys
import zoneinfo

MINUTE, DAY = 60, 86400
GAP_LONGEST = 180  # minutes
NAMES = {n: i for i, n in enumerate("SUN MON TUE WED THU FRI SAT".split())}
MONTHS = {n: i + 1 for i, n in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split())}
WORDS = {"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
         "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
         "@hourly": "0 * * * *"}
EPOCH = dt.datetime(1970, 1, 1)


def numbers(field, low, high, names=None):
    """The values of a field of plain numbers, names, ranges, steps."""
    found = set()
    for item in field.upper().split(","):
        base, _, step = item.partition("/")
        first, dash, last = ("%d-%d" % (low, high) if base == "*" else base).partition("-")
        first = (names or {}).get(first, first)
        last = (names or {}).get(last, last) if dash else first
        if names is NAMES and last == 0 and int(first) > 0:
            last = 7  # a range that ends in SUN
        found.update(range(int(first), int(last) + 1, int(step or 1)))
    return found


class Expression:
    """An expression, asked about one naive local datetime at a time."""

    def __init__(self, text):
        fields = WORDS.get(text.lower(), text).split()
        if len(fields) == 5:
            fields.insert(0, "0")
        self.seconds = sorted(numbers(fields[0], 0, 59))
        self.minutes = numbers(fields[1], 0, 59)
        self.hours = numbers(fields[2], 0, 23)
        self.months = numbers(fields[4], 1, 12, MONTHS)
        self.wall = not fields[2].startswith("*")
        self.stars = fields[3].startswith("*") or fields[5].startswith("*")
        self.days = [self.day_test(item) for item in fields[3].upper().split(",")]
        self.weekdays = [self.weekday_test(item) for item in fields[5].upper().split(",")]

    @staticmethod
    def day_test(item):
        last = re.fullmatch(r"L(?:-(\d+))?", item)
        if last:
            before = int(last[1] or 0)
            return lambda d: d.day + before == calendar.monthrange(d.year, d.month)[1]
        values = numbers(item, 1, 31)
        return lambda d: d.day in values

    @staticmethod
    def weekday_test(item):
        special = re.fullmatch(r"(\w+?)(?:L|#(\d))", item)
        if special and (special[2] or special[1] in NAMES or special[1].isdigit()):
            weekday = int(NAMES.get(special[1], special[1])) % 7
            if special[2]:
                return lambda d: (d.isoweekday() % 7 == weekday
                                  and (d.day + 6) // 7 == int(special[2]))
            return lambda d: (d.isoweekday() % 7 == weekday
                              and d.day + 7 > calendar.monthrange(d.year, d.month)[1])
        values = {n % 7 for n in numbers(item, 0, 6, NAMES)}
        return lambda d: d.isoweekday() % 7 in values

    @functools.lru_cache(4096)
    def on(self, date):
        if date.month not in self.months:
            return False
        day = any(test(date) for test in self.days)
        weekday = any(test(date) for test in self.weekdays)
        return day and weekday if self.stars else day or weekday

    def minute(self, local):
        """Whether a local minute (of those since 1970) matches."""
        if local % 60 not in self.minutes or local // 60 % 24 not in self.hours:
            return False
        return self.on(date_of(local // 1440))


@functools.lru_cache(65536)
def date_of(days):
    return (EPOCH + dt.timedelta(days=days)).date()


@functools.lru_cache(256)
def locals_of(zone, day):
    """The local minute at each minute of a UTC day."""
    if zone == "UTC":
        return range(day * 1440, (day + 1) * 1440)
    tz = zoneinfo.ZoneInfo(zone)
    found = []
    for minute in range(day * 1440, (day + 1) * 1440):
        utc = dt.datetime.fromtimestamp(minute * MINUTE, tz)
        found.append((utc.replace(tzinfo=None) - EPOCH) // dt.timedelta(minutes=1))
    return found


@functools.lru_cache(256)
def minutes_of(zone, day):
    """Each minute of a UTC day: its instant, local minute, those left out before it, whether the
    local one was there before, whether it comes twice."""
    around = [local for d in (day - 1, day, day + 1) for local in locals_of(zone, d)]
    twice, seen, found = set(), set(), []
    for local in around:
        (twice if local in seen else seen).add(local)
    highest = max(around[:1440])
    for i in range(1440, 2880):
        local = around[i]
        found.append(((day * 1440 + i - 1440) * MINUTE, local, range(around[i - 1] + 1, local),
                      local <= highest, local in twice))
        highest = max(highest, local)
    return found


def due_on(expression, zone, day):
    """The instants of one UTC day, each with "", "g" (moved out of a gap) or "o" (of an overlap)."""
    for at, local, gap, again, twice in minutes_of(zone, day):
        match = expression.minute(local) and not (expression.wall and again)
        seconds = expression.seconds if match else []
        if expression.wall and 0 < len(gap) <= GAP_LONGEST and any(map(expression.minute, gap)):
            yield at, "g"
            seconds = [second for second in seconds if second > 0]
        for second in seconds:
            yield at + second, "o" if twice else ""


def due(text, zone, after, n, years=130):
    """The first n instants after `after` as (instant, mark)."""
    expression, found = Expression(text), []
    for day in range(after // DAY, after // DAY + 366 * years):
        if not any(expression.on(date_of(d)) for d in (day - 1, day, day + 1)):
            continue
        found += [(at, mark) for at, mark in due_on(expression, zone, day) if at > after]
        if len(found) >= n:
            break
    return found[:n]


def text_of(at, zone, seconds):
    return dt.datetime.fromtimestamp(at, zoneinfo.ZoneInfo(zone)).isoformat(
        timespec="seconds" if seconds else "minutes")


def check_table(path):
    """Prints the rows whose instants are others, and how many rows there are."""
    rows = wrong = 0
    with open(path, encoding="ascii") as file:
        for line in file:
            if not line.strip() or line.startswith("#"):
                continue
            zone, text, after, expected, _why = [part.strip() for part in line.split("|")]
            rows += 1
            want = [] if expected == "never" else expected.split()
            start = int(dt.datetime.fromisoformat(after).timestamp())
            got = [text_of(at, zone, len(text.split()) == 6) + mark
                   for at, mark in due(text, zone, start, len(want) or 1)]
            if got != want:
                wrong += 1
                print(f"{line.rstrip()}\n  by brute force: {' '.join(got) or 'never'}")
    print(f"{rows} rows, {wrong} wrong")
    return wrong or rows < 200


if __name__ == "__main__":
    sys.exit(1 if check_table(sys.argv[1]) else 0)
