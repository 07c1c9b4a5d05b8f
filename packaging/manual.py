#!/usr/bin/env python3
"""The manual page of the program, from what it says of itself.

    millrace --experimental-dump-help | packaging/manual.py VERSION DATE > millrace.1

DATE is of the form 2026-01-31. The page is mdoc: `man ./millrace.1` shows it.
"""

import json
import re
import sys
import textwrap


def escaped(text):
    """Text in which nothing is taken for a request of the formatter."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in text.split("\n"))


def name(argument):
    names = [("-" if one["kind"] == "short" else "--") + one["name"] for one in argument.get("names", [])]
    return ", ".join(names)


def synopsis(command, path):
    words = []
    for argument in shown(command):
        value = f"<{argument['valueName']}>" if "valueName" in argument else ""
        if argument["kind"] == "positional":
            word = value + (" ..." if argument["isRepeating"] else "")
        else:
            word = name(argument).split(", ")[-1] + (f" {value}" if argument["kind"] == "option" else "")
        words.append(f"[{word}]" if argument["isOptional"] else word)
    return textwrap.fill(
        " ".join([*path, *words]), 70, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def shown(command):
    return [one for one in command.get("arguments", []) if one.get("shouldDisplay", True)
            and not {"help", "version"} & {each["name"] for each in one.get("names", [])}]


def paragraphs(text):
    """A discussion: paragraphs, and indented lines as they are."""
    lines = []
    for part in re.split(r"\n\s*\n", text.strip("\n")):
        if re.search(r"^\s{2,}", part, re.MULTILINE) or re.search(r"\S {3,}\S", part):
            lines += [".Bd -literal -offset indent", escaped(part), ".Ed"]
        else:
            lines += [".Pp", escaped(part)]
    return lines


def options(command):
    lines = []
    for argument in shown(command):
        head = f"<{argument['valueName']}>" if argument["kind"] == "positional" else name(argument)
        if argument["kind"] == "option":
            head += f" <{argument['valueName']}>"
        text = " ".join(filter(None, [argument.get("abstract"), argument.get("discussion")]))
        default = argument.get("defaultValue")
        lines += [f".It {escaped(head)}", escaped(text + (f" (default: {default})" if default else ""))]
    return [".Bl -tag -width Ds", *lines, ".El"] if lines else []


def commands(command, path):
    """A section for each command, those below another one included."""
    for one in command.get("subcommands", []):
        if not one.get("shouldDisplay", True) or one["commandName"] == "help":
            continue
        words = [*path, one["commandName"]]
        yield f".Ss {escaped(' '.join(words[1:]))}"
        yield escaped(one.get("abstract", ""))
        yield from [".Bd -literal -offset indent", escaped(synopsis(one, words)), ".Ed"]
        if one.get("discussion"):
            yield from paragraphs(one["discussion"])
        yield from options(one)
        yield from commands(one, words)


def page(program, version, date):
    abstract = program["abstract"].rstrip(".")
    yield from [f".Dd {date}", ".Dt MILLRACE 1", f".Os Millrace {version}", ".Sh NAME", ".Nm millrace",
                f".Nd {escaped(abstract[0].lower() + abstract[1:])}", ".Sh SYNOPSIS", ".Nm", ".Ar command", ".Op Ar options",
                ".Sh DESCRIPTION", escaped(program["abstract"])]
    yield from paragraphs(program.get("discussion", ""))
    yield ".Sh COMMANDS"
    yield from commands(program, ["millrace"])
    yield from [
        ".Sh ENVIRONMENT", ".Bl -tag -width Ds", ".It Ev MILLRACE_DATABASE , Ev DATABASE_URL",
        "The database of the catalogue, for the commands that need one and are not given \\-\\-database.", ".El",
        ".Sh EXIT STATUS", "0 after success, 1 when something was refused or failed, 64 for wrong use;",
        "status, why and others say in their help what else they answer."]


def main():
    if len(sys.argv) != 3 or not re.fullmatch(r"\d{4}-\d\d-\d\d", sys.argv[2]):
        sys.exit("manual.py: expected VERSION and DATE, such as 0.1.0 2026-01-31")
    print("\n".join(page(json.load(sys.stdin)["command"], sys.argv[1], sys.argv[2])))


if __name__ == "__main__":
    main()
