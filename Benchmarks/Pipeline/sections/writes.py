NAME = "writes"
TITLE = "writes"


def run(bench):
    return []
