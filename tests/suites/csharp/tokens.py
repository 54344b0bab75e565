# tests/suites/csharp/tokens.py - C# source as tokens.
# SPDX-License-Identifier: Apache-2.0
"""kind is "name", "number", "string" (value: the text), "mixed" (an interpolated string; value: a list of texts and of
(tokens, format)), "mark" or "end". Raw and verbatim strings, preprocessor lines and attributes are refused by line."""
import re

SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\", '"': '"', "'": "'", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
HEX = {"u": re.compile(r"[0-9a-fA-F]{4}"), "U": re.compile(r"[0-9a-fA-F]{8}"), "x": re.compile(r"[0-9a-fA-F]{1,4}")}
BLANK = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)+", re.S)
NAME = re.compile(r"[A-Za-z_]\w*")
NUMBER = re.compile(r"0[xX][0-9a-fA-F_]+|[0-9][0-9_]*")
MARKS = ("=>", "==", "!=", "<=", ">=", "&&", "||", "??=", "??", "?.", "?[", "..", "++", "--", "+=", "-=",
         *"(){}[]<>;,.:?=+-*/%!^")


class NotUnderstood(Exception):
    """The source has something that this reader does not know; the text says where."""


class Token:
    def __init__(self, kind, value, line=0):
        self.kind, self.value, self.line = kind, value, line

    def __repr__(self):
        return f"{self.value!r}"


class Reader:
    """The tokens of one text; path is for what it says of them."""

    def __init__(self, text, path):
        self.text, self.path, self.at = text.lstrip("\ufeff"), path, 0
        self.counted, self.line = 0, 1

    def number(self):
        """The line of the place reached; there is no way back."""
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line

    def refuse(self, what):
        raise NotUnderstood(f"{self.path}:{self.number()}: {what}: {self.text[self.at:self.at + 40]!r}")

    def tokens(self, end=""):
        """To the end of the text, or to the closing brace or the colon (a format) of an interpolated expression."""
        found, depth = [], 0
        while True:
            blank = BLANK.match(self.text, self.at)
            self.at = blank.end() if blank else self.at
            if self.at >= len(self.text):
                if end:
                    self.refuse("a string without its end")
                break
            here = self.text[self.at]
            if end and depth == 0 and here in end:
                break
            depth += (here in "({[") - (here in ")}]")
            line = self.number()
            found.append(self.token())
            found[-1].line = line
        found.append(Token("end", "the end", self.number()))
        return found

    def token(self):
        text, at = self.text, self.at
        if text.startswith(('"""', "@", "$@", '$"""', "#"), at):
            self.refuse("not understood")
        if text.startswith('$"', at):
            self.at += 2
            return Token("mixed", self.mixed())
        if text[at] in "\"'":
            self.at += 1
            return Token("string", self.plain(text[at]))
        for kind, pattern in (("name", NAME), ("number", NUMBER)):
            match = pattern.match(text, at)
            if match:
                self.at = match.end()
                return Token(kind, match.group() if kind == "name" else int(match.group().replace("_", ""), 0))
        for mark in MARKS:
            if text.startswith(mark, at):
                self.at += len(mark)
                return Token("mark", mark)
        return self.refuse("not understood")

    def escape(self):
        """The character of the escape that starts here."""
        kind = self.text[self.at + 1:self.at + 2]
        if kind in HEX:
            match = HEX[kind].match(self.text, self.at + 2)
            if match:
                self.at = match.end()
                return chr(int(match.group(), 16))
        if kind not in SIMPLE:
            self.refuse("no such escape")
        self.at += 2
        return SIMPLE[kind]

    def character(self):
        here = self.text[self.at:self.at + 1]
        if here == "\\":
            return self.escape()
        if here in ("", "\n"):
            self.refuse("a string without its end")
        self.at += 1
        return here

    def plain(self, quote):
        out = []
        while self.text[self.at:self.at + 1] != quote:
            out.append(self.character())
        self.at += 1
        return "".join(out)

    def mixed(self):
        parts, out = [], []
        while self.text[self.at:self.at + 1] != '"':
            if self.text.startswith(("{{", "}}"), self.at):
                out.append(self.text[self.at])
                self.at += 2
            elif self.text[self.at:self.at + 1] == "{":
                self.at += 1
                parts += ["".join(out), self.hole()]
                out = []
            else:
                out.append(self.character())
        self.at += 1
        return parts + ["".join(out)]

    def hole(self):
        """(tokens, format) of an interpolated expression."""
        tokens, form = self.tokens("}:"), ""
        if self.text[self.at] == ":":
            close = self.text.find("}", self.at)
            form, self.at = self.text[self.at + 1:close], close
        self.at += 1
        return tokens, form
