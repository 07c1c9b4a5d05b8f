NAME = "micro"
TITLE = "micro"


def run(bench):
    return []
