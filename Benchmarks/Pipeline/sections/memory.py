NAME = "memory"
TITLE = "memory"


def run(bench):
    return []
