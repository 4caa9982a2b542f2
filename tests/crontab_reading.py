#!/usr/bin/env python3
"""Reads crontabs by itself, without a line of rota, and says when each entry fires.

crontab_reading.py [--system] FROM ZONE FILE...

Prints "FILE LINE" and then 100 instants, RFC 3339 with offset, one a line, for each entry that is a
time; what fires after FROM (RFC 3339, exclusive). Minute by minute of the local days that match, as
crontab(5) says; where the zone's clock jumps, as DESIGN section 9 says.
"""
import re
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

WORDS = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
         "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *",
         "@annually": "0 0 1 1 *"}
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()


def number(text, names, base):
    return names.index(text.lower()) + base if text.lower() in names else int(text)


def field(text, low, high, names=(), base=0):
    values = set()
    for item in text.split(","):
        item, _, step = item.partition("/")
        if item == "*":
            first, last = low, high
        else:
            first, _, last = item.partition("-")
            first = number(first, list(names), base)
            last = number(last, list(names), base) if last else first
        if not low <= first <= last <= high:
            raise ValueError(item)
        values |= set(range(first, last + 1, int(step) if step else 1))
    return values


class Entry:
    def __init__(self, text):
        fields = text.split()
        if len(fields) != 5:
            raise ValueError(text)
        self.minutes = field(fields[0], 0, 59)
        self.hours = field(fields[1], 0, 23)
        self.days = field(fields[2], 1, 31)
        self.months = field(fields[3], 1, 12, MONTHS, 1)
        self.weekdays = {day % 7 for day in field(fields[4], 0, 7, DAYS)}
        self.both = fields[2].startswith("*") or fields[4].startswith("*")
        self.real_time = fields[1].startswith("*")

    def has_day(self, day):
        by_month = day.day in self.days
        by_week = day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (
            by_month and by_week if self.both else by_month or by_week)

    def firings(self, after, zone):
        """Instants in UTC, in order, without end."""
        day = after.astimezone(zone).date() - timedelta(days=1)
        last = after
        while True:
            if self.has_day(day):
                for at in sorted(self.on_day(day, zone)):
                    if at > last:
                        yield at
                        last = at
            day += timedelta(days=1)

    def on_day(self, day, zone):
        instants = set()
        for hour in self.hours:
            for minute in self.minutes:
                local = datetime(day.year, day.month, day.day, hour, minute)
                instants |= self.instants(local, zone)
        return instants

    def instants(self, local, zone):
        first = local.replace(tzinfo=zone, fold=0).astimezone(timezone.utc)
        second = local.replace(tzinfo=zone, fold=1).astimezone(timezone.utc)
        back = first.astimezone(zone).replace(tzinfo=None)
        if back != local:  # a gap: no such minute
            return set() if self.real_time else {self.end_of_gap(first, zone)}
        return {first, second} if self.real_time else {min(first, second)}

    @staticmethod
    def end_of_gap(at, zone):
        """The first minute whose offset is the one after the gap."""
        at -= timedelta(hours=4)
        offset = at.astimezone(zone).utcoffset()
        while at.astimezone(zone).utcoffset() == offset:
            at += timedelta(minutes=1)
        return at


def entries(path, system):
    zone = None
    for n, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.strip()
        setting = re.match(r"(\w+)\s*=\s*(.*)$", line)
        if not line or line.startswith("#"):
            continue
        if setting:
            if setting[1] == "CRON_TZ":
                zone = setting[2]
            continue
        words = line.split(None, 1) if line.startswith("@") else line.split(None, 5)
        when = words[0] if line.startswith("@") else " ".join(words[:5])
        rest = words[-1] if len(words) == (2 if line.startswith("@") else 6) else ""
        if system:
            rest = rest.partition(" ")[2].strip() if " " in rest or "\t" in rest else ""
        try:
            if rest:
                yield n, Entry(WORDS.get(when, when)), zone
        except ValueError:
            pass  # not a time: the importer refuses it


def main(args):
    system = args[0] == "--system"
    start, zone, *files = args[system:]
    start = datetime.fromisoformat(start.replace("Z", "+00:00"))
    for path in files:
        for n, entry, own in entries(path, system):
            there = ZoneInfo(own or zone)
            print(path, n)
            for _, at in zip(range(100), entry.firings(start, there)):
                print(at.astimezone(there).isoformat())


main(sys.argv[1:])
