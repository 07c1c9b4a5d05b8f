NAME = "scaling"
TITLE = "scaling"


def run(bench):
    return []
