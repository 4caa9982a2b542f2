#!/usr/bin/python3
"""Random cron expressions: rota's reading of them beside others'.

cron_differential.py TEST_CRON croniter [N [SEED]]   beside python3-croniter, in UTC
cron_differential.py TEST_CRON zones [N [SEED]]      beside cron_brute.py, where clocks change

TEST_CRON is the program of tests/unit/test_cron.c. Where the rules of lib/cron.h are not croniter's
the difference belongs to a named class; then cron_brute.py must confirm ours. Any other difference
fails. Prints the seed, what differed, and the counts.
"""
import datetime as dt
import random
import re
import subprocess
import sys

import croniter

sys.dont_write_bytecode = True
import cron_brute  # noqa: E402

UTC = dt.timezone.utc

# ---- random expressions ----


def field(rng, low, high, names=None, plain=0.35):
    """A list of stars, numbers, ranges and steps that rota accepts."""
    if rng.random() < plain:
        return "*"

    def say(n):
        word = names and rng.random() < 0.3 and next((k for k, v in names.items() if v == n), None)
        return rng.choice((word, word.lower(), word.title())) if word else str(n)

    def item():
        kind = rng.random()
        if kind < 0.5:
            return say(rng.randint(low, high))
        first, last = sorted(rng.sample(range(low, high + 1), 2))
        if kind < 0.7:
            return f"{say(first)}-{say(last)}"
        if kind < 0.8:
            return f"{first}-{last}/{rng.randint(1, last - first)}"
        return f"*/{rng.randint(1, high - low)}"

    return ",".join(item() for _ in range(rng.choice((1, 1, 1, 2, 3))))


def days(rng):
    kind = rng.random()
    if kind < 0.06:
        return "L"
    if kind < 0.09:
        return f"{rng.randint(1, 31)},L"
    if kind < 0.12:
        return f"L-{rng.randint(1, 30)}"
    return field(rng, 1, 31, plain=0.5)


def weekdays(rng):
    kind = rng.random()
    weekday = rng.choice((*range(7), "MON", "fri", "Sun"))
    if kind < 0.06:
        return f"{weekday}L"
    if kind < 0.12:
        return f"{weekday}#{rng.randint(1, 5)}"
    if kind < 0.14:
        return f"{weekday}#{rng.randint(1, 5)},{rng.randint(0, 6)}"
    if kind < 0.2:
        return rng.choice(("1-7", "MON-SUN", "5-7", "7", "SAT-SUN", "0-7", "3-7/2"))
    return field(rng, 0, 6, cron_brute.NAMES, plain=0.5)


def expression(rng, hours=None):
    fields = [field(rng, 0, 59, plain=0.1), hours(rng) if hours else field(rng, 0, 23), days(rng),
              field(rng, 1, 12, cron_brute.MONTHS, plain=0.6), weekdays(rng)]
    if rng.random() < 0.2:
        fields.insert(0, field(rng, 0, 59, plain=0.1))
    return " ".join(fields)


def rota(program, questions):
    """For each (zone, text, after, n): the instants as (instant, mark), or what is wrong."""
    lines = "".join(f"{zone}|{text}|{after}|{n}\n" for zone, text, after, n in questions)
    answer = subprocess.run([program, "-"], input=lines, capture_output=True, text=True, check=True)
    found = answer.stdout.splitlines()
    assert len(found) == len(questions), f"{len(found)} answers to {len(questions)} questions"
    return [line if line.startswith("!") else
            [(int(word.rstrip("go")), word.lstrip("0123456789")) for word in line.split()]
            for line in found]


# ---- croniter ----


def fields_of(text):
    return text.upper().split()[-5:]


def is_restricted(day_field):
    return not day_field.startswith("*")


def covers(values, day_field, low, high):
    """Whether a field without L and # names all values."""
    if "L" in day_field or "#" in day_field:
        return False
    values = {n % 7 if high == 6 else n for n in cron_brute.numbers(day_field, low, high, values)}
    return len(values) == high - low + 1


def star_step(text):
    day, weekday = fields_of(text)[2], fields_of(text)[4]
    return any(a.startswith("*") and a != "*" and b != "*" for a, b in
               ((day, weekday), (weekday, day)))


def full_range(text):
    day, weekday = fields_of(text)[2], fields_of(text)[4]
    return (day != "*" and covers(None, day, 1, 31)
            or weekday != "*" and covers(cron_brute.NAMES, weekday, 0, 6))


def late_day(text):
    numbers = re.sub(r"(^|,)L", "", fields_of(text)[2])
    return numbers not in ("", "*") and max(cron_brute.numbers(numbers, 1, 31)) > 28


def is_special(weekday):
    return "#" in weekday or re.search(r"(\d|SUN|MON|TUE|WED|THU|FRI|SAT)L", weekday) is not None


# Each with the rule of ours that croniter does not have, or does not keep. The first that fits an expression counts.
CLASSES = {
    "L-n: croniter has no days before the last":
        lambda text: "L-" in fields_of(text)[2],
    "n#m or nL in a list: croniter refuses it":
        lambda text: is_special(fields_of(text)[4]) and "," in fields_of(text)[4],
    "n#m or nL and a day: either may match, croniter wants both":
        lambda text: is_special(fields_of(text)[4]) and fields_of(text)[2] != "*",
    "a day field that begins with *: both must match, croniter takes either":
        star_step,
    "all days written out (1-31, 0-6): restricted, croniter takes them for *":
        full_range,
    "croniter's fault: 7 and -SUN are Sunday in five fields only":
        lambda text: len(text.split()) == 6 and re.search("7|-SUN", fields_of(text)[4]),
    "croniter's fault: after a month that lacks a 29th to 31st it passes over other days":
        late_day,
}


def for_croniter(text):
    """The same in croniter's words: seconds last, L5 for 5L, numbers before #."""
    fields = text.upper().split()

    def special(found):
        weekday = cron_brute.NAMES.get(found[1], found[1])
        return f"L{weekday}" if found[2] == "L" else f"{weekday}{found[2]}"

    fields[-1] = re.sub(r"\b([A-Z]{3}|\d)(L|#\d)", special, fields[-1])
    return " ".join(fields[1:] + fields[:1] if len(fields) == 6 else fields)


def croniter_says(text, after, n):
    start = dt.datetime.fromtimestamp(after, UTC)
    try:
        walk = croniter.croniter(for_croniter(text), start, max_years_between_matches=121)
    except (ValueError, NameError) as error:  # the latter is a bug on its way to say the former
        return f"{type(error).__name__}: {error}"
    found = []
    try:
        for _ in range(n):
            found.append(int(walk.get_next(float)))
    except croniter.CroniterBadDateError:
        pass
    return found


def beside_croniter(program, rng, n):
    asked = [("UTC", expression(rng), rng.randrange(4 * 10**9), 5) for _ in range(n)]
    counts, wrong = dict.fromkeys(CLASSES, 0), 0
    for (zone, text, after, most), ours in zip(asked, rota(program, asked)):
        theirs = croniter_says(text, after, most)
        if not isinstance(ours, str) and [at for at, _ in ours] == theirs:
            continue
        name = next((name for name, fits in CLASSES.items() if fits(text)), None)
        if name and ours == cron_brute.due(text, zone, after, most, years=121):
            counts[name] += 1
            continue
        wrong += 1
        print(f"{text} after {after}:\n  rota:     {ours}\n  croniter: {theirs}")
    for name, count in counts.items():
        print(f"{count:5} differ: {name}")
        if not count and n >= 5000:
            print("      which is none, so the class is not needed")
            wrong += 1
    print(f"{n - sum(counts.values()) - wrong:5} alike")
    return wrong


# ---- changes of the clock ----

# Days on which it happens: gaps and overlaps of one hour, of two, of a half, at midnight, of a day.
CHANGES = [("Europe/Berlin", "2026-03-29"), ("Europe/Berlin", "2026-10-25"),
           ("Europe/Berlin", "2077-03-28"), ("America/New_York", "2026-03-08"),
           ("America/New_York", "2026-11-01"), ("Europe/Dublin", "2026-03-29"),
           ("Europe/Dublin", "2026-10-25"), ("Australia/Lord_Howe", "2026-10-04"),
           ("Australia/Lord_Howe", "2026-04-05"), ("Antarctica/Troll", "2026-03-29"),
           ("Antarctica/Troll", "2026-10-25"), ("Africa/Cairo", "2023-04-28"),
           ("Africa/Cairo", "2023-10-26"), ("America/Sao_Paulo", "2018-11-04"),
           ("America/Sao_Paulo", "2018-02-17"), ("Pacific/Apia", "2011-12-30"),
           ("Pacific/Apia", "2012-04-01"), ("Asia/Kolkata", "2026-03-29"),
           ("America/St_Johns", "2026-03-08"), ("Africa/Casablanca", "2026-02-15"),
           ("Antarctica/Vostok", "1994-11-01"), ("Antarctica/Vostok", "1994-02-01")]


def hours_near(rng):
    """Hours as people write them, where clocks change."""
    return rng.choice(("*", "*", "*/2", "*/3", "1", "2", "3", "0", "23", "1-3", "2,3", "0-23", "22-23",
                       "0-2", "1,2", "2-4", "0,12", "*/23", "8-18/2"))


def near_expression(rng, date):
    """One that is due around a date more often than not."""
    text = expression(rng, hours_near).split()
    text[-3] = rng.choice(("*", "*", "*", str(date.day), text[-3]))
    text[-2] = rng.choice(("*", "*", str(date.month)))
    text[-1] = rng.choice(("*", "*", "*", str(date.isoweekday() % 7), text[-1]))
    return " ".join(text)


def in_zones(program, rng, n):
    asked = []
    for i in range(n):
        zone, day = CHANGES[i % len(CHANGES)]
        date = dt.date.fromisoformat(day)
        start = int(dt.datetime(date.year, date.month, date.day, tzinfo=UTC).timestamp())
        # from anywhere around the change, so that some begin within it
        start += rng.choice((-86400, rng.randrange(-86400, 86400), 60 * rng.randrange(-1440, 1440)))
        asked.append((zone, near_expression(rng, date), start, rng.choice((3, 20, 100))))
    wrong = instants = bent = 0
    for (zone, text, after, most), ours in zip(asked, rota(program, asked)):
        theirs = []
        # four days are read; what lies behind them is not asked
        last = after // 86400 + 4
        for day in range(after // 86400, last):
            theirs += [due for due in cron_brute.due_on(cron_brute.Expression(text), zone, day)
                       if due[0] > after]
        theirs = theirs[:most]
        mine = ours if isinstance(ours, str) else [due for due in ours if due[0] < last * 86400]
        instants += len(theirs)
        bent += sum(1 for _, mark in theirs if mark)
        if mine != theirs:
            wrong += 1
            print(f"{zone} {text} after {after}:\n  rota:        {mine}\n  brute force: {theirs}")
    print(f"{n} expressions, {instants} instants, {bent} of them in gaps or overlaps; {wrong} wrong")
    return wrong or not bent


def main():
    program, kind = sys.argv[1:3]
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 5000
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 2026
    print(f"seed {seed}")
    run = {"croniter": beside_croniter, "zones": in_zones}[kind]
    return 1 if run(program, random.Random(seed), n) else 0


if __name__ == "__main__":
    sys.exit(main())
