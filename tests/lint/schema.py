# tests/lint/schema.py - the JSON Schema says what `outrider check` says, as far as a schema can.
# SPDX-License-Identifier: Apache-2.0
#
# What check accepts the schema must accept; mistakes of shape (keys, types) both must refuse. The validator below knows
# the words that our schema uses, and refuses a schema with others.
import json
import os
import re
import subprocess
import sys

import tree

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
PROSE = {"$schema", "$defs", "title", "description", "default", "deprecated"}


def has_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def holds_object(value, schema, root):
    names = schema.get("properties", {})
    return (all(validates(v, names[k], root) for k, v in value.items() if k in names)
            and all(validates(v, schema.get("additionalProperties", True), root) for k, v in value.items() if k not in names)
            and all(k in value for k in schema.get("required", []))
            and schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)))


def holds_array(value, schema, root):
    return (schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
            and all(validates(v, schema.get("items", True), root) for v in value))


def holds_string(value, schema):
    return (schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
            and re.search(schema.get("pattern", ""), value) is not None)


def holds_number(value, schema):
    return schema.get("minimum", value) <= value <= schema.get("maximum", value)


def holds_kind(value, schema, root):
    if isinstance(value, dict):
        return holds_object(value, schema, root)
    if isinstance(value, list):
        return holds_array(value, schema, root)
    if isinstance(value, str):
        return holds_string(value, schema)
    return isinstance(value, bool) or value is None or holds_number(value, schema)


KNOWN = PROSE | {"type", "enum", "const", "$ref", "anyOf", "allOf", "oneOf", "not", "properties", "additionalProperties",
                 "required", "minProperties", "maxProperties", "items", "minItems", "maxItems", "minLength", "maxLength",
                 "pattern", "minimum", "maximum"}


def validates(value, schema, root):
    if isinstance(schema, bool):
        return schema
    if set(schema) - KNOWN:
        raise ValueError("the validator does not know %s" % ", ".join(sorted(set(schema) - KNOWN)))
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    return ((not types or any(has_type(value, t) for t in types))
            and ("enum" not in schema or value in schema["enum"])
            and ("const" not in schema or value == schema["const"])
            and ("$ref" not in schema or validates(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root))
            and ("not" not in schema or not validates(value, schema["not"], root))
            and ("anyOf" not in schema or any(validates(value, s, root) for s in schema["anyOf"]))
            and ("oneOf" not in schema or sum(validates(value, s, root) for s in schema["oneOf"]) == 1)
            and all(validates(value, s, root) for s in schema.get("allOf", []))
            and holds_kind(value, schema, root))


SERVICE = {"name": "web", "targets": [{"host": "127.0.0.1", "port": 9000}]}
ROUTE = {"match": {"paths": ["/**"]}, "service": "web"}
GOOD = [
    {},
    {"services": [SERVICE], "routes": [ROUTE]},
    {"services": SERVICE, "routes": ROUTE, "workers": "auto", "node": None},
    {"services": [SERVICE], "workers": 4, "listeners": [{"address": ":8080", "idle_timeout": 5, "max_header_size": "16KiB"}]},
    {"services": [dict(SERVICE, timeout={"connect": "250ms"}, retry={"on": "reset", "on_status": [502], "max_retries": "1"},
                       balancer="least_request", keep_alive={"max_idle": 0})], "routes": [dict(ROUTE, timeout="10s")]},
    {"services": [dict(SERVICE, balancer={"type": "random"}, enabled="true")], "routes": [dict(ROUTE, policies=[])]},
    {"services": [SERVICE], "routes": [dict(ROUTE, policies=[{"request-id": {"trust": "always"}}])]},
    {"services": [SERVICE], "routes": [dict(ROUTE, rewrite={"strip_prefix": "/a"}, listeners="default")]},
    {"registries": {"f": {"type": "file", "path": "/etc/x/*.yaml"}},
     "services": [{"name": "a", "source": {"registry": "f", "service": "b"}}], "routes": [dict(ROUTE, service="a")]},
    {"defaults": {"service": {"timeout": {"total": "9s"}}, "route": {"timeout": "3s"}}, "services": [SERVICE]},
    {"services": [dict(SERVICE, retry={"budget": {"ratio": "5%"}})], "shutdown": {"delay": 0}},
    {"telemetry": {"log": {"level": "debug", "output": "stderr"}, "access_log": {"output": "none"}}},
]
BAD = [
    [],
    {"servces": []},
    {"services": [dict(SERVICE, timout=1)]},
    {"services": "web"},
    {"services": [{"targets": SERVICE["targets"]}]},
    {"workers": -1},
    {"workers": []},
    {"listeners": [{"name": "no address"}]},
    {"listeners": [{"address": ":1", "idle_timeout": "soon"}]},
    {"listeners": [{"address": ":1", "max_connections": 0}]},
    {"listeners": [{"address": ":1", "trusted_proxies": ["everybody"]}]},
    {"services": [dict(SERVICE, enabled="on")]},
    {"services": [dict(SERVICE, protocol="gopher")]},
    {"services": [dict(SERVICE, retry={"on": "sometimes"})]},
    {"services": [dict(SERVICE, retry={"on_status": [200]})]},
    {"services": [dict(SERVICE, retry={"budget": {"ratio": 5}})]},
    {"services": [SERVICE], "routes": [{"match": {"paths": ["/"]}}]},
    {"services": [SERVICE], "routes": [dict(ROUTE, match={"path": "/"})]},
]


def accepts(program, configuration):
    done = subprocess.run([program, "check", "-c", "-"], input=json.dumps(configuration), capture_output=True, text=True,
                          check=False)
    return done.returncode == 0


def main():
    program = os.environ.get("OUTRIDER", os.path.join(tree.ROOT, "outrider"))
    if not os.path.exists(program):
        print("1..0 # SKIP %s is not built" % program)
        sys.exit(77)
    schema = json.loads(subprocess.run([program, "schema"], capture_output=True, text=True, check=True).stdout)
    verdicts = tree.Verdicts()
    verdicts.rule("what check accepts, the schema accepts",
                  ["check refuses " + json.dumps(c) for c in GOOD if not accepts(program, c)]
                  + ["the schema refuses " + json.dumps(c) for c in GOOD if not validates(c, schema, schema)])
    verdicts.rule("mistakes of shape are refused by both",
                  ["check accepts " + json.dumps(c) for c in BAD if accepts(program, c)]
                  + ["the schema accepts " + json.dumps(c) for c in BAD if validates(c, schema, schema)])
    verdicts.end()


main()
