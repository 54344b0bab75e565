#!/usr/bin/env python3
# tests/flow/commands.py - help, schema, version: output and exit codes.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def ok(t, *arguments):
    code, out, err = run(*arguments)
    t.equal((code, err), (0, ""), f"exit code and standard error of {arguments}")
    t.true(out.strip(), f"{arguments} says something")
    return out


def usage(t, *arguments):
    code, out, err = run(*arguments)
    t.equal((code, out), (64, ""), f"exit code and standard output of {arguments}")
    t.true(err.strip(), f"{arguments} says what is wrong")
    return err


def test_help(t):
    """--help and help go to standard output, and name the sub-commands"""
    for arguments in (["--help"], ["help"]):
        out = ok(t, *arguments)
        for command_name in ("run", "check", "schema", "help", "version"):
            t.contains(out, command_name, f"{arguments}")
    for command_name in ("run", "check", "schema", "version"):
        t.contains(ok(t, command_name, "--help"), command_name, "help of a sub-command")


def test_help_key(t):
    """help KEY is the prose of a key, also of a nested one"""
    t.contains(ok(t, "help", "workers"), "workers", "prose")
    t.contains(ok(t, "help", "services.retry.max_retries"), "max_retries", "prose")
    t.contains(ok(t, "help", "listeners.header_timeout"), "10s", "prose with the default")


def test_help_unknown(t):
    """an unknown key: an error, with the likely one"""
    code, out, err = run("help", "wrokers")
    t.true(code != 0, "exit code")
    t.contains(err, "workers", "what is said")


def test_schema(t):
    """schema is JSON Schema of the whole file"""
    schema = json.loads(ok(t, "schema"))
    t.contains(schema["$schema"], "2020-12", "$schema")
    top = [part for part in [schema] + schema.get("allOf", []) if "properties" in part]
    t.equal(len(top), 1, "parts of the schema that tell the keys of the file")
    t.true({"services", "routes", "listeners", "workers"} <= set(top[0]["properties"]),
           f"keys {list(top[0]['properties'])}")
    t.equal(top[0]["additionalProperties"], False, "additionalProperties")


def test_version(t):
    """version names itself and its libraries"""
    for arguments in (["version"], ["--version"]):
        out = ok(t, *arguments)
        t.true(re.search(r"outrider \d+\.\d+\.\d+", out), f"{arguments}: {out!r}")
    for library in ("libmicrohttpd", "libcurl", "OpenSSL", "jansson"):
        t.contains(ok(t, "version").lower(), library.lower(), "libraries")


def test_usage(t):
    """wrong usage: 64, on standard error"""
    usage(t)
    usage(t, "--nonsense")
    usage(t, "check", "--nonsense")
    usage(t, "run", "-c")
    t.contains(usage(t, "chekc"), "check", "did you mean")


def test_all_named(t):
    """every command is in the manual page and in the completions"""
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging")
    names = re.findall(r"^  (\w+) +\S", ok(t, "--help").partition("Commands:")[2], re.M)
    t.at_least(len(names), 16, "commands")
    for path in ("man/outrider.1", "completions/outrider.bash", "completions/_outrider"):
        with open(os.path.join(top, path), encoding="utf-8") as file:
            text = re.sub(r"\\f[BIRP]", " ", file.read())
        t.equal([name for name in names if not re.search(rf"\b{name}\b", text)], [], f"not in {path}")


def test_pages(t):
    """help --pages: a manual page with every admin page, and who may ask for it"""
    page = ok(t, "help", "--pages")
    t.contains(page, ".TH OUTRIDER\\-ADMIN 7", "the page")
    t.contains(page, "\\fBGET\\fR /config\n\\&the whole configuration in force, secrets masked (admin)", "a page")
    paths = re.findall(r"^\\fB(?:GET|POST|PUT|DELETE)\\fR (/\S*)$", page, re.M)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "admin", "page.c"), encoding="utf-8") as file:
        table = re.findall(r'^ +\{ "(/[^"]*)", "', file.read(), re.M)
    t.at_least(len(table), 40, "rows")
    t.equal([path.replace("\\-", "-") for path in paths], table, "pages")


main()
