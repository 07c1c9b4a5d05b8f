"""What an answer must be, whatever was asked."""

import re

#: Statuses that a listener in order gives to strangers and to friends.
STATUSES = {200, 202, 303, 400, 401, 403, 404, 405, 409, 411, 413, 431, 505}
HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [A-Z][A-Za-z /]+\r\n((?:[A-Za-z-]+: [\x20-\x7e]*\r\n)*)\r\n")


def complaint(request, answer, secrets, may_look):
    """What is wrong with the bytes of an answer; None when nothing is.

    An empty answer is one to a request that did not come to its end. `secrets` are never told, and only who shows one of
    them (`may_look`) is shown what is not open to all.
    """
    if not answer:
        return None
    for secret in secrets:
        if secret.encode() in answer:
            return "a secret is told"
    found = HEAD.match(answer)
    if not found:
        return "this is no answer of HTTP/1.1"
    status, body = int(found[1]), answer[found.end():]
    headers = {}
    for line in found[2].decode().splitlines():
        name, value = line.split(": ", 1)
        if name in headers:
            return f"{name} stands there twice"
        headers[name] = value
    for name in ("Content-Type", "Content-Length", "Connection", "X-Content-Type-Options", "Cache-Control"):
        if name not in headers:
            return f"there is no {name}"
    # One answer for a connection, and no more than it says. Without a body it is one to HEAD.
    is_head = request.startswith(b"HEAD ") and not body
    if not is_head and len(body) != int(headers["Content-Length"]):
        return f"{len(body)} bytes of a body of {headers['Content-Length']}"
    is_unready = status == 503 and b'"isReady"' in body or status == 503 and is_head
    if status not in STATUSES and not is_unready:
        return f"status {status}"
    if status < 300 and not may_look and not is_head and not is_open(headers["Content-Type"], body):
        return "a stranger is shown something"
    return None


def is_open(kind, body):
    """Whether this is something that everybody may see."""
    if kind.startswith("text/html"):
        return b'class="sign-in"' in body
    if kind == "application/json":
        return b'"isAlive"' in body or b'"isReady"' in body
    return kind.split(";")[0] in ("text/plain", "text/css", "text/javascript", "image/svg+xml")
