# tests/suites/selftest.py - the reader of C# cases and the judges of suites of others, on cases and rules of our own.
# SPDX-License-Identifier: Apache-2.0
import os
import socket
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import conformance  # noqa: E402
import csharp  # noqa: E402
import http11probe  # noqa: E402
from csharp.values import Random  # noqa: E402

SOURCE = r'''
using System.Text;
namespace Our.Cases;

/* every construct of the language that the reader knows */
public static class SampleSuite
{
    private const string Word = "w\u00f6rd";
    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);
    private static string Cut(string s) => s.Length > 4 ? s[..4] + "..." : s;
    private static (bool odd, string? name) Look(string text, params string[] more)
    {
        var count = 0;
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "skip") continue;
            if (part == "stop") break;
            count++;
        }
        count += more.Length;
        return (count == 3, more.Any(m => m.StartsWith('x')) ? more[0] : null);
    }
    private static Dictionary<string, List<string>> Gather(string text)
    {
        var found = new Dictionary<string, List<string>>();
        var at = 0;
        while (true)
        {
            at = text.IndexOf("=", at, StringComparison.Ordinal);
            if (at < 0) break;
            var key = text[(at - 1)..at];
            if (!found.TryGetValue(key, out var list))
            {
                list = new List<string>();
                found[key] = list;
            }
            list.Add(text[at + 1] == '1' ? "one" : $"{{{text[at + 1]}}}");
            at++;
        }
        return found;
    }
    public static IEnumerable<TestCase> GetTestCases()
    {
        yield return new TestCase
        {
            Id = "OUR-1", Description = "a status in a range", Category = TestCategory.Compliance,
            PayloadFactory = ctx => Bytes($"GET /{(ctx.Port > 0 ? "a" : "b")} HTTP/1.1\r\nHost: {ctx.HostHeader}\r\n\r\n"),
            Expected = new ExpectedBehavior { ExpectedStatus = StatusCodeRange.Range2xx },
        };
        yield return new TestCase
        {
            Id = "OUR-2", Scored = false, RfcLevel = RfcLevel.Should,
            PayloadFactory = _ =>
            {
                byte[] nul = [0x00, 65];
                var before = Bytes("é");
                var whole = new byte[before.Length + nul.Length];
                before.CopyTo(whole, 0);
                nul.CopyTo(whole, before.Length);
                for (var i = 0; i < 1_000; i++)
                    whole[0] = whole[0];
                return whole;
            },
            Expected = new ExpectedBehavior
            {
                CustomValidator = (response, state) =>
                {
                    if (response is null)
                        return state is ConnectionState.TimedOut or ConnectionState.ClosedByServer ? TestVerdict.Warn : TestVerdict.Error;
                    return response.StatusCode is >= 200 and < 300 or 400 && response.StatusCode is not (201 or 202)
                        ? TestVerdict.Pass : TestVerdict.Fail;
                }
            }
        };
    }
    public static IEnumerable<SequenceTestCase> GetSequenceTestCases()
    {
        yield return new SequenceTestCase
        {
            Id = "OUR-3",
            Steps =
            [
                new SequenceStep { Label = "one", PayloadFactory = ctx => Bytes("GET /tag HTTP/1.1\r\nHost: x\r\n\r\n") },
                new SequenceStep
                {
                    Label = "two",
                    DynamicPayloadFactory = (ctx, before) => Bytes($"GET /{before[0].Response?.Headers.ContainsKey("etag")} HTTP/1.1\r\n\r\n")
                }
            ],
            Expected = new ExpectedBehavior(),
            Validator = steps => steps[0].Response?.StatusCode == 200 && steps[1].Executed ? TestVerdict.Pass : TestVerdict.Fail
        };
    }
}
'''.replace("new ExpectedBehavior()", "new ExpectedBehavior { }")
count, failures = 0, 0


def check(name, good, seen=""):
    global count, failures
    count += 1
    failures += not good
    print(f"{'ok' if good else 'not ok'} {count} - {name}" + ("" if good else f"\n# {seen!r}"))


def load(source):
    return csharp.load(source, "sample.cs", http11probe.TYPES, http11probe.MODEL)


def answer(status, fields=()):
    table = csharp.Table(fields)
    table.folds = True
    return csharp.Record("HttpResponse", {"StatusCode": status, "Headers": table}, {})


def test_language():
    sample = load(SOURCE)
    check("constants, escapes", sample["Word"] == "w\u00f6rd", sample["Word"])
    check("a slice and a condition", sample["Cut"]("abcdef") == "abcd..." and sample["Cut"]("abcd") == "abcd")
    check("loops, continue, break, params", sample["Look"]("a,,skip,b,stop,c", "x") == (True, "x"), sample["Look"]("a,,skip,b,stop,c", "x"))
    check("a tuple with null", sample["Look"]("a") == (False, None), sample["Look"]("a"))
    gathered = sample["Gather"]("a=1;b=2;a=3;")
    check("dictionaries, out, assignment to elements, braces", gathered == {"a": ["one", "{3}"], "b": ["{2}"]}, gathered)
    one, two = sample["GetTestCases"]()
    check("records and their defaults", (one.get("Id"), one.get("Scored"), two.get("Scored"), two.get("RfcLevel")) ==
          ("OUR-1", True, False, "Should"))
    check("bytes", two.get("PayloadFactory")(None) == [63, 0, 65], two.get("PayloadFactory")(None))
    validator = two.get("Expected").get("CustomValidator")
    seen = [validator(answer(status), "Open") for status in (200, 299, 201, 300, 400)]
    check("patterns", seen == ["Pass", "Pass", "Fail", "Fail", "Pass"], seen)
    check("patterns of enumerations", [validator(None, state) for state in ("TimedOut", "Open")] == ["Warn", "Error"])
    numbers = Random(42)
    check("the generator's numbers for 42", [numbers.next(), numbers.next()] == [1434747710, 302596119])


def refused(source):
    """The line and the reason of the refusal, else what came of it."""
    try:
        return load(source)
    except csharp.NotUnderstood as error:
        return str(error)


def test_refusals():
    for name, body, want in (("a statement", "int X()\n{ switch (1) { } }", "sample.cs:2: "), ("a raw string", 'string X = """a""";', ":1: "),
                             ("an unknown type", "object X = new Thing { A = 1 };", "new Thing"),
                             ("a member that the model lacks", "object X = new TestCase { Colour = 1 };", "Colour"),
                             ("a text without an end", 'string X = "a', ":1: "), ("no end of a block", "int X() { return 1;", "the end")):
        seen = refused("class C { " + body + " }" if "end" not in name else "class C { " + body)
        check(f"{name} is refused with its place", isinstance(seen, str) and want in seen, seen)
    sample = load("class C { static string X(string s) => s.Reverse(); }")
    try:
        seen = sample["X"]("a")
    except csharp.NotUnderstood as error:
        seen = str(error)
    check("an unknown member is refused by name", "Reverse" in seen, seen)


def serve(listener, answers):
    """Answers each request with the next of these, None: the end."""
    while True:
        sock, _ = listener.accept()
        with sock:
            for octets in answers:
                if not sock.recv(65536) or octets is None:
                    break
                sock.sendall(octets)
            else:
                sock.recv(1)


def verdicts(*answers):
    """What the sample's cases say of a server that answers so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener, answers), daemon=True).start()
        sample = load(SOURCE)
        return [http11probe.ask(listener.getsockname()[1], case)[0] for case in sample["GetTestCases"]() + sample["GetSequenceTestCases"]()]


def test_judge():
    good, bad = b"HTTP/1.1 200 OK\r\nETag: a\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    check("a good server passes", verdicts(good, good) == ["pass", "pass", "pass"], verdicts(good, good))
    check("a bad one fails", verdicts(bad, bad) == ["fail", "fail", "fail"], verdicts(bad, bad))
    check("an end without an answer", verdicts(None) == ["fail", "warn", "fail"], verdicts(None))
    check("a second step needs the connection", verdicts(good + b"x", None)[2] == "pass" and verdicts(None, good)[2] == "fail")
    parsed = http11probe.response(b"HTTP/1.1 204 \r\nA: 1\r\na:2\r\n: 3\r\n\r\n\xc3body")
    check("an answer is read", (parsed.get("StatusCode"), dict(parsed.get("Headers")), parsed.get("Body")) == (204, {"A": "1, 2"}, "?body"),
          vars(parsed))
    check("what is no answer is none", [http11probe.response(text) for text in (b"", b"HTTP/1.1 200 OK", b"x\r\n", b"HTTP/1.1 abc\r\n")] == [None] * 4)
    check("the table has every verdict once", set(http11probe.expectations().values()) == {"pass", "warn", "fail"})


# -- rules of http-conformance -------------------------------------------------------------------------------------------
RULES = {
    "helpers/__init__.py": "",
    "helpers/db_util.py": '''
from no_such_package import StrEnum, Model
class Violation(StrEnum):
    VALID = "v"
    INVALID = "i"
    INAPPLICABLE = "n"
    UNCLEAR = "u"
    FAILED = "f"
class Activity(StrEnum):
    PROXY = "p"
    DIRECT = "d"
    DIRECT_BASE = "b"
class ProbeTest(Model):
    pass
''',
    "helpers/util.py": '''
import no_such_package
probes = no_such_package.all()
probe_methods = {1: "GET", 2: "HEAD"}
probe_headers = {1: {"user-agent": user_agent}, 2: {"X-Mark": "1"}}
''',
    "testcases.py": '''
import dpkt
from mitmproxy import http, net
from helpers.db_util import Violation, Activity, ProbeTest, DirectTest
class has_date:
    title, activity = "", Activity.PROXY
    def test(self, flow):
        return ProbeTest.create(violation=Violation.VALID if "date" in flow.response.headers else Violation.INVALID, extra="no date")
class marked:
    title, activity = "", Activity.PROXY
    def test(self, flow):
        return ProbeTest.create(violation=Violation.VALID if "x-mark" in flow.request.headers else Violation.INAPPLICABLE)
class knows_the_port:
    title, activity = "", Activity.DIRECT
    def test(self, url):
        return DirectTest.create(violation=Violation.VALID if f":{url.port}/" in url.full_url else Violation.INVALID)
class fails:
    title, activity = "", Activity.PROXY
    def test(self, flow):
        raise ValueError(flow.request.method)
''',
}


def answers(listener, date):
    """A server that says the date to GET, and to HEAD when told so."""
    while True:
        sock, _ = listener.accept()
        with sock:
            method = sock.recv(65536).split(b" ")[0]
            line = b"Date: x\r\n" if method == b"GET" or date else b""
            sock.sendall(b"HTTP/1.1 200 OK\r\n" + line + b"Content-Length: 2\r\n\r\n" + (b"OK" if method == b"GET" else b""))


def test_conformance():
    with tempfile.TemporaryDirectory() as directory:
        for name, text in RULES.items():
            os.makedirs(os.path.dirname(os.path.join(directory, name)), exist_ok=True)
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(text)
        suite = conformance.load(directory)
    check("the rules of a checkout", sorted(suite[0]) == ["fails", "has_date", "knows_the_port", "marked"], sorted(suite[0]))
    for date, want in ((True, ["broken", "followed", "followed", "followed", "followed"]),
                       (False, ["broken", "broken", "broken", "followed", "followed"])):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=answers, args=(listener, date), daemon=True).start()
            seen = conformance.Trial(suite, listener.getsockname()[1], ("/",)).verdicts()
        check(f"verdicts, {'with' if date else 'without'} a date of HEAD",
              [verdict for _, (verdict, _) in sorted(seen.items())] == want, seen)


test_language()
test_refusals()
test_conformance()
test_judge()
print(f"1..{count}")
sys.stdout.flush()
os._exit(1 if failures else 0)                      # not for the server's thread
