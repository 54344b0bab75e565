# tests/bench/plot.py - the cost of a request in each case as bars: an SVG file.
# SPDX-License-Identifier: Apache-2.0
import statistics
from xml.sax.saxutils import escape

import cases

COLOURS = {"outrider": "#0b6e4f", "nginx": "#9aa5b1", "haproxy": "#c9b27c"}
LEFT, WIDTH, RIGHT, BAR, GAP, TOP = 250, 430, 90, 14, 16, 64


def cost(case, result, proxy):
    metric = "cpu_s_per_gb" if case.per_gb else "cpu_us"
    found = [row[metric] for row in result["rounds"].get(proxy, []) if row.get(metric) is not None]
    return statistics.median(found) if found and proxy not in result["failed"] else None


def groups(results):
    """[(title, unit, [(proxy, cost)])] of the cases in which everybody who is there was measured."""
    found = []
    for name, result in results["cases"].items():
        case = cases.BY_NAME[name]
        costs = [(p, cost(case, result, p)) for p in COLOURS]
        costs = [(p, c) for p, c in costs if c is not None]
        if case.kind in ("busy", "park") and len(costs) > 1:
            found.append((case.title, "s/GB" if case.per_gb else "µs", costs))
    return found


def baseline(costs):
    """Bars are relative to the better of the others."""
    return min(c for p, c in costs if p != "outrider")


def text(x, y, words, extra=""):
    return '<text x="%d" y="%d" %s>%s</text>' % (x, y, extra, escape(words))


def group(y, longest, title, unit, costs):
    parts = [text(LEFT - 10, y + BAR * len(costs) // 2 + 4, title, 'text-anchor="end"')]
    for proxy, value in costs:
        width = round(WIDTH * value / baseline(costs) / longest)
        label = "%.2f %s" % (value, unit) if unit == "s/GB" else "%.1f %s" % (value, unit)
        parts.append('<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>' % (LEFT, y, width, BAR - 2, COLOURS[proxy]))
        parts.append(text(LEFT + width + 5, y + BAR - 4, label, 'font-size="10" stroke="#fff" stroke-width="3" paint-order="stroke"'))
        y += BAR
    return parts


def legend(about):
    parts = [text(LEFT, 20, "CPU time of a request, relative to the better of nginx and HAProxy", 'font-weight="bold"')]
    x = LEFT
    for proxy, colour in COLOURS.items():
        parts.append('<rect x="%d" y="32" width="12" height="12" fill="%s"/>' % (x, colour))
        parts.append(text(x + 17, 42, about["versions"].get(proxy, proxy)[:24]))
        x += 165
    return parts


def svg(results):
    found = groups(results)
    longest = max([c / baseline(costs) for _, _, costs in found for _, c in costs], default=1)
    parts, bars, y = legend(results["about"]), [], TOP
    for title, unit, costs in found:
        bars += group(y, longest, title, unit, costs)
        y += BAR * len(costs) + GAP
    if found:
        one = LEFT + round(WIDTH / longest)
        parts.append('<path d="M%d %d V%d" stroke="#555" stroke-dasharray="3 3"/>' % (one, TOP - 8, y - GAP + 4))
    parts += bars
    size = (LEFT + WIDTH + RIGHT, y + 8)
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" '
            'font-size="12" fill="#222"><rect width="100%%" height="100%%" fill="#fff"/>\n%s\n</svg>\n'
            % (size + size + ("\n".join(parts),)))
