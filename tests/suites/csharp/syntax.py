# tests/suites/csharp/syntax.py - C# expressions: read, and made into functions of their scope.
# SPDX-License-Identifier: Apache-2.0
"""Each rule of the grammar reads its tokens and returns a function that computes the value in a Scope. What is not in the
grammar here is refused with its line (NotUnderstood) when the file is read, not when the case runs."""
import operator

from . import values
from .tokens import NotUnderstood

LEVELS = (("||",), ("&&",), ("==", "!="), ("is", "<", ">", "<=", ">="), ("+", "-"), ("*",))
SIMPLE = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
          "-": operator.sub, "*": operator.mul}
WORDS = {"true": True, "false": False, "null": None}


class Scope:
    """Names and values of a block; outer is the scope around it."""

    def __init__(self, outer=None, names=()):
        self.outer, self.names = outer, dict(names)

    def holder(self, name):
        scope = self
        while scope and name not in scope.names:
            scope = scope.outer
        if scope is None:
            raise NotUnderstood(f"nobody knows the name {name}")
        return scope

    def get(self, name):
        return self.holder(name).names[name]


def add(left, right):
    if isinstance(left, str) or isinstance(right, str):
        return values.text_of(left) + values.text_of(right)
    return left + right


def both(mark, left, right):
    """The function of a binary operator."""
    if mark == "||":
        return lambda scope: left(scope) or right(scope)
    if mark == "&&":
        return lambda scope: left(scope) and right(scope)
    if mark == "+":
        return lambda scope: add(left(scope), right(scope))
    compute = SIMPLE[mark]
    if mark in ("<", ">", "<=", ">="):              # a comparison with null is false

        def ordered(scope):
            one, two = left(scope), right(scope)
            return one is not None and two is not None and compute(one, two)
        return ordered
    return lambda scope: compute(left(scope), right(scope))


class Expressions:
    """A cursor over tokens, and the rules for expressions. defaults: members of records that a source leaves out."""

    def __init__(self, tokens, path, defaults):
        self.tokens, self.path, self.defaults, self.at = tokens, path, defaults, 0

    # -- tokens -------------------------------------------------------------------------------------------------------
    @property
    def here(self):
        return self.tokens[self.at]

    def refuse(self, what="not understood"):
        raise NotUnderstood(f"{self.path}:{self.here.line}: {what}: {self.here.value!r}")

    def sees(self, *marks, ahead=0):
        token = self.tokens[min(self.at + ahead, len(self.tokens) - 1)]
        return token.kind in ("mark", "name") and token.value in marks

    def take(self, *marks):
        """The mark when it is here, else None."""
        if not self.sees(*marks):
            return None
        self.at += 1
        return self.tokens[self.at - 1].value

    def want(self, mark):
        if not self.take(mark):
            self.refuse(f"expected {mark}")

    def name(self):
        if self.here.kind != "name":
            self.refuse("expected a name")
        self.at += 1
        return self.tokens[self.at - 1].value

    def several(self, close, item):
        """item, item, ... to the closing mark; a comma may stand before it."""
        found = []
        while not self.take(close):
            found.append(item())
            if not self.sees(close):
                self.want(",")
        return found

    # -- types: only where they end -----------------------------------------------------------------------------------
    def type_end(self, at):
        """Where the type that starts at this token ends, or None when none does."""
        tokens = self.tokens
        if tokens[at].value == "(" and tokens[at].kind == "mark":
            at = self.elements_end(at + 1)
        elif tokens[at].kind == "name":
            at += 1
            while tokens[at].value == "." and tokens[at + 1].kind == "name":
                at += 2
            if tokens[at].value == "<":
                at = self.arguments_end(at + 1)
        else:
            return None
        while at and tokens[at].value in ("?", "[") and tokens[at].kind == "mark":
            if tokens[at].value == "[" and tokens[at + 1].value != "]":
                return None
            at += 1 + (tokens[at].value == "[")
        return at

    def arguments_end(self, at):
        while True:
            at = self.type_end(at)
            if not at or self.tokens[at].value not in (",", ">"):
                return None
            if self.tokens[at].value == ">":
                return at + 1
            at += 1

    def elements_end(self, at):
        """Behind a tuple's type: types, each with a name or without."""
        while True:
            at = self.type_end(at)
            if not at:
                return None
            at += self.tokens[at].kind == "name"
            if self.tokens[at].value not in (",", ")"):
                return None
            if self.tokens[at].value == ")":
                return at + 1
            at += 1

    def closing(self, at):
        """The mark that closes the bracket at this token."""
        depth = 0
        while True:
            value = self.tokens[at].value if self.tokens[at].kind == "mark" else ""
            depth += (value in ("(", "{", "[", "?[")) - (value in (")", "}", "]"))
            if depth == 0 or self.tokens[at].kind == "end":
                return at
            at += 1

    # -- expressions --------------------------------------------------------------------------------------------------
    def expression(self):
        function = self.lambda_()
        if function:
            return function
        condition = self.coalesced()
        if not self.take("?"):
            return condition
        yes = self.expression()
        self.want(":")
        no = self.expression()
        return lambda scope: yes(scope) if condition(scope) else no(scope)

    def coalesced(self):
        left = self.binary(0)
        if not self.take("??"):
            return left
        right = self.coalesced()

        def first(scope):
            value = left(scope)
            return right(scope) if value is None else value
        return first

    def binary(self, level):
        if level == len(LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.sees(*LEVELS[level]):
            mark = self.take(*LEVELS[level])
            left = self.matched(left, self.pattern()) if mark == "is" else both(mark, left, self.binary(level + 1))
        return left

    def unary(self):
        if self.take("!"):
            inner = self.unary()
            return lambda scope: not inner(scope)
        if self.take("-"):
            inner = self.unary()
            return lambda scope: -inner(scope)
        return self.postfix(self.primary())

    # -- patterns: `x is >= 200 and < 300 or 505` -----------------------------------------------------------------------
    @staticmethod
    def matched(subject, pattern):
        return lambda scope: pattern(subject(scope), scope)

    def pattern(self):
        left = self.conjunction()
        while self.take("or"):
            left = (lambda one, two: lambda value, scope: one(value, scope) or two(value, scope))(left, self.conjunction())
        return left

    def conjunction(self):
        left = self.simple_pattern()
        while self.take("and"):
            left = (lambda one, two: lambda value, scope: one(value, scope) and two(value, scope))(left, self.simple_pattern())
        return left

    def simple_pattern(self):
        if self.take("not"):
            inner = self.simple_pattern()
            return lambda value, scope: not inner(value, scope)
        if self.take("("):
            inner = self.pattern()
            self.want(")")
            return inner
        mark = self.take("<", ">", "<=", ">=")
        constant = self.unary()
        compute = SIMPLE[mark or "=="]
        if mark:
            return lambda value, scope: value is not None and compute(value, constant(scope))
        return lambda value, scope: compute(value, constant(scope))

    # -- lambdas --------------------------------------------------------------------------------------------------------
    def lambda_(self):
        """The function when one begins here, else None."""
        if self.here.kind == "name" and self.sees("=>", ahead=1):
            names = [self.name()]
        elif self.sees("(") and self.tokens[self.closing(self.at) + 1].value == "=>":
            self.want("(")
            names = self.several(")", self.name)
        else:
            return None
        self.want("=>")
        return self.function(names, None, self.body())

    def body(self):
        """What stands behind => of a lambda; blocks are read by the statements' rules."""
        return self.block_value() if self.sees("{") else self.expression()

    def block_value(self):
        return self.refuse("a block where only an expression can stand")

    @staticmethod
    def function(names, rest, body):
        """Makes a function of the scope where it stands; rest: the name of a `params` array."""
        def make(scope):
            def call(*arguments):
                if len(arguments) < len(names) or (len(arguments) > len(names) and not rest):
                    raise NotUnderstood(f"{len(arguments)} arguments for {len(names)}")
                inner = Scope(scope, zip(names, arguments))
                if rest:
                    inner.names[rest] = list(arguments[len(names):])
                return body(inner)
            return call
        return make

    # -- primaries --------------------------------------------------------------------------------------------------------
    def primary(self):
        token = self.here
        if token.kind in ("string", "number"):
            self.at += 1
            return lambda scope: token.value
        if token.kind == "mixed":
            self.at += 1
            return self.mixed(token)
        if self.take("("):
            return self.tuple()
        if self.take("["):
            items = self.several("]", self.expression)
            return lambda scope: [item(scope) for item in items]
        if self.take("new"):
            return self.new()
        if self.take("out"):
            return self.out()
        if token.kind != "name":
            self.refuse()
        self.at += 1
        if token.value in WORDS:
            return lambda scope: WORDS[token.value]
        if token.value == "System" and self.sees("."):
            return self.qualified()
        return lambda scope: scope.get(token.value)

    def qualified(self):
        """System.Globalization.NumberStyles: the namespaces say nothing that the type does not."""
        while self.sees(".") and self.tokens[self.at + 1].value not in values.TYPES:
            self.at += 2
        self.want(".")
        name = self.name()
        return lambda scope: scope.get(name)

    def mixed(self, token):
        parts = []
        for part in token.value:
            if isinstance(part, str):
                parts.append(lambda scope, text=part: text)
                continue
            tokens, form = part
            reader = type(self)(tokens, self.path, self.defaults)
            hole = reader.expression()
            if reader.here.kind != "end":
                reader.refuse()
            parts.append(lambda scope, hole=hole, form=form: values.text_of(hole(scope), form))
        return lambda scope: "".join(part(scope) for part in parts)

    def tuple(self):
        found = self.several(")", self.expression)
        if not found:
            self.refuse("an empty tuple")
        return found[0] if len(found) == 1 else lambda scope: tuple(item(scope) for item in found)

    def out(self):
        self.take("var")
        name = self.name()

        def bind(scope):
            scope.names.setdefault(name, None)
            return values.Out(lambda value: scope.names.__setitem__(name, value))
        return bind

    def new(self):
        kind = self.name()
        if self.sees("<"):
            self.at = self.arguments_end(self.at + 1) or self.refuse()
        if self.take("["):
            size = self.expression()
            self.want("]")
            return lambda scope: [0] * size(scope)
        arguments = self.several(")", self.expression) if self.take("(") else None
        if self.take("{"):
            return self.record(kind, dict(self.several("}", self.initial)))
        if kind not in values.CONSTRUCTORS or arguments is None:
            self.refuse(f"new {kind}")
        return lambda scope: values.CONSTRUCTORS[kind](*[argument(scope) for argument in arguments])

    def initial(self):
        name = self.name()
        self.want("=")
        return name, self.expression()

    def record(self, kind, members):
        if kind not in self.defaults:
            self.refuse(f"new {kind}")
        unknown = [name for name in members if name not in self.defaults[kind]]
        if unknown:
            self.refuse(f"a {kind} with {unknown[0]}")
        return lambda scope: values.Record(kind, {name: value(scope) for name, value in members.items()}, self.defaults[kind])

    # -- what follows a primary -------------------------------------------------------------------------------------------
    def postfix(self, value):
        while True:
            if self.sees(".", "?.") and self.tokens[self.at + 1].kind == "name":
                if self.take("?."):
                    return self.guarded(value)
                self.at += 1
                value = self.member(value)
            elif self.take("["):
                value = self.element(value)
            elif self.sees("("):
                value = self.call(value)
            else:
                return value

    def guarded(self, value):
        """a?.b.c: null when a is, and then nothing of the rest is looked at."""
        subject = f" {self.at}"                     # no name of a program begins with a blank
        rest = self.postfix(self.member(lambda scope: scope.get(subject)))

        def look(scope):
            found = value(scope)
            return None if found is None else rest(Scope(scope, {subject: found}))
        return look

    def member(self, value):
        name = self.name()
        called = self.sees("(")
        return lambda scope: values.member(value(scope), name, called)

    def call(self, function):
        self.want("(")
        arguments = self.several(")", self.expression)
        return lambda scope: function(scope)(*[argument(scope) for argument in arguments])

    def element(self, value):
        """a[i], a[from..to], with ^ from the end."""
        first = None if self.sees("..") else self.index()
        if not self.take(".."):
            self.want("]")
            return lambda scope: value(scope)[first(scope)]
        last = None if self.sees("]") else self.index()
        self.want("]")
        return lambda scope: value(scope)[first(scope) if first else None:last(scope) if last else None]

    def index(self):
        back = self.take("^")
        value = self.binary(LEVELS.index(("+", "-")))
        return (lambda scope: -value(scope)) if back else value
