# tests/suites/csharp/program.py - statements and the static class of a C# file.
# SPDX-License-Identifier: Apache-2.0
"""load(path, ...) gives the methods of the file's one static class as functions. A method that yields returns a list."""
from . import values
from .syntax import Expressions, Scope, add
from .tokens import NotUnderstood, Reader

YIELD = " yields"                                   # no name of a program begins with a blank


class Leave(Exception):
    """return, break or continue on its way out."""

    def __init__(self, kind, value=None):
        super().__init__(kind)
        self.kind, self.value = kind, value


class Program(Expressions):
    """The rules for statements. Each returns a function that runs the statement in a Scope."""

    # -- blocks -----------------------------------------------------------------------------------------------------------
    def block(self):
        self.want("{")
        statements = []
        while not self.take("}"):
            statements.append(self.statement())

        def run(scope):
            inner = Scope(scope)
            for statement in statements:
                statement(inner)
        return run

    def block_value(self):
        block = self.block()

        def value(scope):
            try:
                block(scope)
            except Leave as leave:
                return leave.value
            return None
        return value

    def statement(self):
        if self.sees("{"):
            return self.block()
        for word in ("if", "while", "for", "foreach", "return", "yield", "break", "continue"):
            if self.sees(word):
                self.at += 1
                return getattr(self, word + "_")()
        statement = self.plain()
        self.want(";")
        return statement

    def condition(self):
        self.want("(")
        value = self.expression()
        self.want(")")
        return value

    def if_(self):
        condition, yes = self.condition(), self.statement()
        no = self.statement() if self.take("else") else None

        def run(scope):
            if condition(scope):
                yes(scope)
            elif no:
                no(scope)
        return run

    # -- loops ------------------------------------------------------------------------------------------------------------
    @staticmethod
    def repeat(condition, body, after, scope):
        while condition(scope):
            try:
                body(scope)
            except Leave as leave:
                if leave.kind == "break":
                    return
                if leave.kind != "continue":
                    raise
            after(scope)

    def while_(self):
        condition, body = self.condition(), self.statement()
        return lambda scope: self.repeat(condition, body, lambda _: None, scope)

    def for_(self):
        self.want("(")
        before = self.plain()
        self.want(";")
        condition = self.expression()
        self.want(";")
        after = self.plain()
        self.want(")")
        body = self.statement()

        def run(scope):
            inner = Scope(scope)
            before(inner)
            self.repeat(condition, body, after, inner)
        return run

    def foreach_(self):
        self.want("(")
        bind = self.bound()
        self.want("in")
        whole = self.expression()
        self.want(")")
        body = self.statement()

        def run(scope):
            inner, coming = Scope(scope), iter(values.items(whole(scope)))

            def another(scope):
                value = next(coming, coming)
                if value is not coming:
                    bind(scope, value)
                return value is not coming
            self.repeat(another, body, lambda _: None, inner)
        return run

    # -- leaving ----------------------------------------------------------------------------------------------------------
    def leaving(self, kind):
        value = None if self.sees(";") else self.expression()
        self.want(";")

        def run(scope):
            raise Leave(kind, value(scope) if value else None)
        return run

    def return_(self):
        return self.leaving("return")

    def break_(self):
        return self.leaving("break")

    def continue_(self):
        return self.leaving("continue")

    def yield_(self):
        self.want("return")
        value = self.expression()
        self.want(";")
        return lambda scope: scope.get(YIELD).append(value(scope))

    # -- declarations, assignments, calls -----------------------------------------------------------------------------------
    def bound(self):
        """What `var x` or `var (a, b)` binds: a function of the scope and the value."""
        if not self.take("var"):
            self.at = self.type_end(self.at) or self.refuse()
        if not self.take("("):
            name = self.name()
            return lambda scope, value: scope.names.__setitem__(name, value)
        names = self.several(")", self.name)

        def bind(scope, value):
            parts = (value.Key, value.Value) if isinstance(value, values.Pair) else value
            if len(parts) != len(names):
                raise NotUnderstood(f"{len(parts)} values for {len(names)} names")
            scope.names.update(zip(names, parts))
        return bind

    def declares(self):
        if self.sees("var", "const"):
            return True
        end = self.type_end(self.at)
        return end is not None and self.tokens[end].kind == "name" and self.tokens[end + 1].value == "="

    def plain(self):
        """A declaration, an assignment or a call, without what ends it."""
        if self.declares():
            self.take("const")
            bind = self.bound()
            self.want("=")
            value = self.expression()
            return lambda scope: bind(scope, value(scope))
        start = self.at
        target = self.unary()
        mark = self.take("=", "+=", "-=", "++", "--")
        if not mark:
            return target
        value = self.expression() if mark in ("=", "+=", "-=") else (lambda scope: 1)
        put = self.place(start, target)
        if mark == "=":
            return lambda scope: put(scope, value(scope))
        if mark in ("+=", "++"):
            return lambda scope: put(scope, add(target(scope), value(scope)))
        return lambda scope: put(scope, target(scope) - value(scope))

    def place(self, start, target):
        """Where an assignment puts its value: a name or an element."""
        token = self.tokens[start]
        if self.tokens[start + 1].value in ("=", "+=", "-=", "++", "--") and token.kind == "name":
            return lambda scope, value: scope.holder(token.value).names.__setitem__(token.value, value)
        if token.kind == "name" and self.tokens[start + 1].value == "[":
            after, self.at = self.at, start + 2
            index = self.index()
            if not self.sees("]") or self.tokens[self.at + 1].value not in ("=", "+=", "-=", "++", "--"):
                self.refuse("an assignment to this")
            self.at = after
            return lambda scope, value: scope.get(token.value).__setitem__(index(scope), value)
        return self.refuse("an assignment to this")

    # -- the class ----------------------------------------------------------------------------------------------------------
    def class_(self, scope):
        """Puts the members of the file's class into the scope, and returns their names."""
        while self.take("using", "namespace"):
            while not self.take(";"):
                self.at += 1
        while self.take("public", "internal", "static", "sealed", "partial"):
            pass
        self.want("class")
        self.name()
        self.want("{")
        names = []
        while not self.take("}"):
            name, value = self.class_member()
            names.append(name)
            scope.names[name] = value(scope)
        if self.here.kind != "end":
            self.refuse("something behind the class")
        return names

    def class_member(self):
        while self.take("public", "private", "internal", "static", "const", "readonly"):
            pass
        self.at = self.type_end(self.at) or self.refuse()
        name = self.name()
        if self.take("="):
            value = self.expression()
            self.want(";")
            return name, value
        self.want("(")
        rest, parameters = None, []
        for many, parameter in self.several(")", self.parameter):
            rest = parameter if many else rest
            parameters += [] if many else [parameter]
        if self.take("=>"):
            body = self.expression()
            self.want(";")
        else:
            body = self.method()
        return name, self.function(parameters, rest, body)

    def parameter(self):
        many = bool(self.take("params"))
        self.at = self.type_end(self.at) or self.refuse()
        return many, self.name()

    def method(self):
        first, value = self.at, self.block_value()
        yields = any(token.value == "yield" and token.kind == "name" for token in self.tokens[first:self.at])

        def gather(scope):
            found = []
            value(Scope(scope, {YIELD: found}))
            return found
        return gather if yields else value


def load(text, path, types, defaults):
    """{name: value} of the members of the class in this source. types: more static names; defaults: {type: {member: value}}
    of what `new Type { }` makes, all its members."""
    scope = Scope(Scope(None, {**values.TYPES, **types}))
    names = Program(Reader(text, path).tokens(), path, defaults).class_(scope)
    return {name: scope.names[name] for name in names}
