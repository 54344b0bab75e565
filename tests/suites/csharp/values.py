# tests/suites/csharp/values.py - what the values of a C# program can do, as far as cases of a suite ask for it.
# SPDX-License-Identifier: Apache-2.0
"""A string and a char are a str, an array and a list are a list, a dictionary is a Table, anything that a source makes with
`new` and braces is a Record. A member that is not here is refused by name (NotUnderstood): nothing is guessed."""
import datetime
import re

from .tokens import NotUnderstood


class Record:
    """An object made with `new Type { Member = value }`; a member that was not given has its type's default."""

    def __init__(self, kind, members, defaults):
        self.kind, self.members, self.defaults = kind, members, defaults

    def get(self, name):
        return self.members.get(name, self.defaults.get(name))


class Pair:
    def __init__(self, key, value):
        self.Key, self.Value = key, value


class Table(dict):
    """A dictionary; without case when folds."""

    folds = False

    def find(self, key):
        if key in self:
            return self[key]
        return next((v for k, v in self.items() if self.folds and k.lower() == key.lower()), None)


class Builder:
    def __init__(self):
        self.parts = []


class Out:
    """The argument `out var x`; put() binds it."""

    def __init__(self, put):
        self.put = put


class Random:
    """.NET's generator for a given seed: Knuth's subtractive method (Numerical Recipes' ran3), with its one slip in the
    second index (21 where Knuth has 31), which has stayed for the sake of those who count on the numbers."""

    LARGEST = 2147483647

    def __init__(self, seed):
        self.state = [0] * 56
        j = 161803398 - abs(seed)
        self.state[55], k = j, 1
        for i in range(1, 55):
            self.state[21 * i % 55], j, k = k, k, (j - k) % self.LARGEST
        for _ in range(4):
            for i in range(1, 56):
                self.state[i] = (self.state[i] - self.state[1 + (i + 30) % 55]) % self.LARGEST
        self.one, self.two = 0, 21

    def next(self):
        self.one, self.two = self.one % 55 + 1, self.two % 55 + 1
        self.state[self.one] = (self.state[self.one] - self.state[self.two]) % self.LARGEST
        return self.state[self.one]


def text_of(value, form=""):
    """What an interpolated string or a concatenation makes of it."""
    if form in ("x", "X") and isinstance(value, int):
        return format(value, form)
    if form:
        raise NotUnderstood(f"the format {form!r}")
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (str, int)) or value is None:
        return "" if value is None else str(value)
    raise NotUnderstood(f"{type(value).__name__} as text")


def folded(how, *texts):
    return tuple(text.lower() if "IgnoreCase" in how else text for text in texts)


def compare(test):
    def method(value, other, how="Ordinal"):
        return test(*folded(how, value, other))
    return method


def split(value, separator, options=""):
    parts = value.split(separator)
    return [part for part in parts if part] if options == "RemoveEmptyEntries" else parts


def index_of(value, other, *more):
    return value.find(other, *[n for n in more if isinstance(n, int)])


def find(table, key, out):
    value = table.find(key)
    out.put(value)
    return value is not None


def copy_to(value, into, at):
    if at + len(value) > len(into):
        raise NotUnderstood("CopyTo beyond the end")
    into[at:at + len(value)] = value


def append(builder, value):
    builder.parts.append(text_of(value))
    return builder


def next_bytes(random, into):
    into[:] = [random.next() % 256 for _ in into]


LIST = {
    "Any": lambda value, test=None: any(test(v) for v in value) if test else bool(value),
    "All": lambda value, test: all(test(v) for v in value),
    "Count": lambda value, test=None: sum(1 for v in value if not test or test(v)),
    "Select": lambda value, make: [make(v) for v in value],
    "Where": lambda value, test: [v for v in value if test(v)],
    "Contains": lambda value, other: other in value,
    "ToArray": list, "ToList": list, "CopyTo": copy_to,
    "Add": lambda value, other: value.append(other),
}
METHODS = {
    str: {
        **{name: LIST[name] for name in ("Any", "All", "Count", "Select", "Where")},
        "Contains": compare(lambda a, b: b in a), "StartsWith": compare(str.startswith), "EndsWith": compare(str.endswith),
        "Equals": compare(lambda a, b: a == b), "IndexOf": index_of, "Split": split,
        "Trim": lambda s, *c: s.strip("".join(c) or None), "TrimStart": lambda s, *c: s.lstrip("".join(c) or None),
        "TrimEnd": lambda s, *c: s.rstrip("".join(c) or None), "Replace": str.replace,
        "ToLowerInvariant": str.lower, "ToUpperInvariant": str.upper, "ToString": text_of,
    },
    list: LIST,
    Table: {"TryGetValue": find, "ContainsKey": lambda table, key: table.find(key) is not None},
    Builder: {"Append": append, "ToString": lambda builder: "".join(builder.parts)},
    Random: {"NextBytes": next_bytes},
    int: {"ToString": text_of},
}
SIZED = {(str, "Length"), (list, "Length"), (list, "Count"), (Table, "Count")}


def member(value, name, called=False):
    """value.name, or what value.name(...) calls."""
    if isinstance(value, Record):
        return value.get(name)
    if isinstance(value, (Namespace, Pair)):
        return getattr(value, name)
    kind = int if isinstance(value, bool) else type(value)
    if (kind, name) in SIZED and not called:
        return len(value)
    method = METHODS.get(kind, {}).get(name)
    if method is None or not called:
        raise NotUnderstood(f"{'null' if value is None else kind.__name__} has no member {name} here")
    return lambda *arguments: method(value, *arguments)


def items(value):
    """What foreach meets."""
    return [Pair(*item) for item in value.items()] if isinstance(value, Table) else list(value)


# -- types -------------------------------------------------------------------------------------------------------------
class Namespace:
    """Static members; of an enumeration, every member is its own name."""

    def __init__(self, name, members=None, enumeration=False):
        self._name, self._enumeration = name, enumeration
        self.__dict__.update(members or {})

    def __getattr__(self, name):
        if self._enumeration:
            return name
        raise NotUnderstood(f"{self._name} has no member {name} here")


def encoded(limit, instead):
    return lambda text: [ord(c) if ord(c) < limit else instead for c in text]


def parse_number(text, *more):
    hexadecimal = "HexNumber" in more
    good = re.fullmatch(r"[0-9a-fA-F]{1,8}" if hexadecimal else r"\s*[+-]?\d{1,9}\s*", text)
    more[-1].put(int(text, 16 if hexadecimal else 10) if good else 0)
    return bool(good)


def parse_date(text, form, *more):
    if form != "ddd, dd MMM yyyy HH:mm:ss 'GMT'":
        raise NotUnderstood(f"dates as {form!r}")
    try:
        value = datetime.datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT")
        good = value.strftime("%a, %d %b %Y %H:%M:%S GMT") == text
    except ValueError:
        value, good = None, False
    more[-1].put(value)
    return good


def encoding(to_bytes, name):
    return Namespace(name, {"GetBytes": to_bytes, "GetByteCount": lambda text: len(to_bytes(text)),
                            "GetString": lambda octets: bytes(octets).decode("latin-1")})


TYPES = {
    "Encoding": Namespace("Encoding", {
        "ASCII": encoding(encoded(128, 63), "ASCII"), "Latin1": encoding(encoded(256, 63), "Latin1"),
        "UTF8": encoding(lambda text: list(text.encode("utf-8")), "UTF8")}),
    "string": Namespace("string", {
        "Empty": "", "IsNullOrEmpty": lambda text: not text, "IsNullOrWhiteSpace": lambda text: not (text or "").strip(),
        "Join": lambda separator, parts: separator.join(text_of(part) for part in parts),
        "Equals": lambda a, b, how="Ordinal": folded(how, a, b)[0] == folded(how, a, b)[1]}),
    "int": Namespace("int", {"TryParse": parse_number}),
    "DateTime": Namespace("DateTime", {"TryParseExact": parse_date}),
    "Enumerable": Namespace("Enumerable", {"Range": lambda first, count: list(range(first, first + count)),
                                           "Repeat": lambda value, count: [value] * count}),
    "TimeSpan": Namespace("TimeSpan", {"Zero": 0, "FromMilliseconds": lambda n: n / 1000, "FromSeconds": lambda n: n}),
    "CultureInfo": Namespace("CultureInfo", enumeration=True),
    **{name: Namespace(name, enumeration=True)
       for name in ("StringComparison", "StringSplitOptions", "NumberStyles", "DateTimeStyles")},
}
CONSTRUCTORS = {
    "string": lambda character, count: character * count,
    "StringBuilder": Builder, "Random": Random, "Dictionary": Table, "List": list,
}
