"""The topologies that are measured: what a user would write for each job, declaring only the fields it needs."""

FIELDS_ALL = ("ts: timestamp, event: text, user: text, platform: text, country: text, duration_ms: integer, "
              "revenue: decimal(2)")
FIELDS_ITEM = "user: text, item: text, duration_ms: integer"

METRICS = """
      metrics:
        events: count()
        users: uniques(user)
        duration: percentiles(duration_ms, 50, 95, 99)"""
METRICS_ALL = METRICS + """
        revenue: sum(revenue)"""

BY_SEGMENTS = """
      window: 1m
      by: [event, platform, country]"""
BY_EVENT = """
      window: 1m
      by: [event]"""
SETS = """
      window: 1m
      grouping_sets: [[event, platform, country], [event, country], [event, platform], [event], []]"""
BY_ITEM = """
      by: [item]"""

#: Name: fields of the events, event time, what `summarize` says. T1 and T3 are also in topologies/.
JOBS = {
    "T1": (FIELDS_ALL, "ts", BY_SEGMENTS + METRICS_ALL),
    "T2": (FIELDS_ALL, "ts", SETS + METRICS_ALL),
    "T3": (FIELDS_ITEM, None, BY_ITEM + METRICS),
    # T1 with less to do, for what each step costs.
    "T1 only keys": (FIELDS_ALL, "ts", BY_SEGMENTS + "\n      metrics:\n        events: count()"),
    "T1 and uniques": (FIELDS_ALL, "ts", BY_SEGMENTS + """
      metrics:
        events: count()
        users: uniques(user)"""),
    "T1 and percentiles": (FIELDS_ALL, "ts", BY_SEGMENTS + """
      metrics:
        events: count()
        duration: percentiles(duration_ms, 50, 95, 99)"""),
    "T1 and sum": (FIELDS_ALL, "ts", BY_SEGMENTS + """
      metrics:
        events: count()
        revenue: sum(revenue)"""),
    # T1 with something on top: the canary of the deterministic counts.
    "T1 and more": (FIELDS_ALL, "ts", BY_SEGMENTS + METRICS_ALL + """
        platforms: uniques(platform)
        latest: max(ts)
        countries: "uniques(country, precision: precise)"
        long_events: { metric: uniques(user), where: "duration_ms > 100" }"""),
    # T1 with one more of something, for what it costs.
    "T1 in three windows": (FIELDS_ALL, "ts", BY_SEGMENTS.replace("window: 1m", "windows: [1m, 1h, 1d]") + METRICS_ALL),
    "T1 and top of few": (FIELDS_ALL, "ts", BY_SEGMENTS + METRICS_ALL + """
        most: top(country, 20)"""),
    "T1 by event": (FIELDS_ALL, "ts", BY_EVENT + METRICS_ALL),
    "T1 by event and top": (FIELDS_ALL, "ts", BY_EVENT + METRICS_ALL + """
        most: top(user, 20)"""),
    "T1 and last": (FIELDS_ALL, "ts", BY_SEGMENTS + METRICS_ALL + """
        latest: last(revenue)"""),
    "T1 and share_below": (FIELDS_ALL, "ts", BY_SEGMENTS + METRICS_ALL + """
        quick: share_below(duration_ms, 300)"""),
    # Events {"device": {"id": text}, "readings": [{"t": milliseconds, "v": number}, …]}.
    "readings": ("device: { path: ^.device.id, type: text }, t: timestamp(ms), v: double", "t", """
      window: 1h
      by: [device]
      metrics:
        readings: count()
        highest: max(v)
        mean: avg(v)"""),
    # Events {"k": key, "u": user, "v": number}.
    "many keys": ("k: text, u: text, v: integer", None, """
      by: [k]
      metrics:
        events: count()
        users: uniques(u)
        amount: percentiles(v, 50, 95)"""),
    # Events {"k": key, "u": user}.
    "population count": ("k: text, u: text", None, "\n      by: [k]\n      metrics:\n        events: count()"),
    "population standard": ("k: text, u: text", None, """
      by: [k]
      metrics:
        events: count()
        users: uniques(u)"""),
    "population compact": ("k: text, u: text", None, """
      by: [k]
      metrics:
        events: count()
        users: \"uniques(u, precision: compact)\""""),
    "count by key": ("ts: timestamp, k: text", "ts", """
      window: 1d
      by: [k]
      metrics:
        events: count()"""),
}

#: Ten ways to cut the same events: windows and fields.
SEGMENTS = (
    ("1m", "event, platform, country"), ("1m", "event, country"), ("1m", "event, platform"), ("1m", "platform, country"),
    ("1m", "event"), ("1m", "country"), ("1h", "event, platform, country"), ("1h", "event, country"), ("1h", "platform"),
    ("1d", "event"))

CONSOLE = "console: { max_rows: 1 }"


def file_source(*paths):
    return f"file: [{', '.join(map(str, paths))}]"


def kafka_source(address, topic, lines=False):
    return f"kafka: {{ brokers: \"{address}\", topics: [{topic}]{', format: lines' if lines else ''} }}"


def postgres_sink(url, table):
    return f"postgres: {{ url: \"{url}\", table: {table} }}"


def topology(name, source, job, sink=CONSOLE, copies=1, segments=None, filtered=False, parsing=None, derived=(),
             lookup=None):
    """The text of a topology file.

    `parsing` stands for what the job says about `parse_json` itself, on one line; `derived` are fields of a node between
    it and `summarize`, each a line of YAML; `lookup` is what a `lookup` node there says.

    `copies` puts that many equal `summarize` nodes behind one `parse_json`, `segments` one with the metrics of T1 for each
    window and list of fields; `filtered` lets no event reach them; a
    `sink` of None leaves the sink out, and the engine alone is measured.
    """
    fields, event_time, summary = JOBS[job]
    parsing = [f"    parse_json: {{ {parsing} }}"] if parsing else [
        "    parse_json:", *([f"      event_time: {event_time}"] if event_time else []), f"      fields: {{{fields}}}"]
    lines = [f"topology: {name}", "nodes:", "  events:", f"    {source}", "  records:", "    from: events", *parsing]
    origin = "records"
    if derived:
        lines += ["  shaped:", "    from: records", "    derive:", *(f"      {field}" for field in derived)]
        origin = "shaped"
    if lookup:
        lines += ["  looked:", f"    from: {origin}", f"    lookup: {{ {lookup} }}"]
        origin = "looked"
    if filtered:
        lines += ["  nothing:", "    from: records", "    filter: \"event == 'never'\""]
        origin = "nothing"
    summaries = [f"\n      window: {window}\n      by: [{by}]{METRICS_ALL}" for window, by in segments or []]
    summaries = summaries or [summary] * copies
    for copy, summary in enumerate(summaries, 1):
        suffix = "" if len(summaries) == 1 else f"_{copy}"
        lines += [f"  groups{suffix}:", f"    from: {origin}", f"    summarize:{summary}"]
        if sink is not None:
            lines += [f"  out{suffix}:", f"    from: groups{suffix}", f"    {sink}"]
    return "\n".join(lines) + "\n"
