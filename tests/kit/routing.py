# tests/kit/routing.py - which route a request took: every route has a service and a target of its own name.
# SPDX-License-Identifier: Apache-2.0


def routed(t, routes):
    """A daemon with these routes (name -> the rest of the route in YAML); its targets answer with the route's name."""
    origins = {name: t.origin(name=name) for name in routes}
    services = "".join(f"  - {{ name: {name}, targets: [ @{name}@ ] }}\n" for name in routes)
    lines = "".join(f"  - {{ name: {name}, service: {name}, {rest} }}\n" for name, rest in routes.items())
    return t.outrider(f"services:\n{services}routes:\n{lines}", **origins)


def takes(t, client, requests):
    """Each request is (what the client asks, the route's name or a status): target, or a dict for Client.ask."""
    for asked, want in requests:
        if isinstance(asked, str):
            asked = {"target": asked}
        answer = client.ask(**{"method": "GET", **asked})
        got = answer.text() if answer.status == 200 and asked.get("method") != "HEAD" else answer.status
        t.equal(got, want, f"route of {asked}")
