NAME = "latency"
TITLE = "latency"


def run(bench):
    return []
