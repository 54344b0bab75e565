// tests/suites/clients/JavaHttp.java - java.net.http of the JDK.
// SPDX-License-Identifier: Apache-2.0
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.io.ByteArrayInputStream;
import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Collectors;

public class JavaHttp {
    private static final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER).build();
    private static String base;

    private static HttpRequest.Builder to(String path) {
        return HttpRequest.newBuilder(URI.create(base + path));
    }

    private static byte[] step(String name, HttpRequest.Builder request, Function<HttpResponse<byte[]>, Object> extra) {
        try {
            HttpResponse<byte[]> answer = client.send(request.build(), BodyHandlers.ofByteArray());
            System.out.println(name + " " + answer.statusCode() + " " + answer.body().length
                    + (extra == null ? "" : " " + extra.apply(answer)));
            return answer.body();
        } catch (Exception error) {
            System.out.println(name + " error " + error);
            return new byte[0];
        }
    }

    private static Function<HttpResponse<byte[]>, Object> field(String name) {
        return answer -> answer.headers().firstValue(name).orElse("none");
    }

    private static String text(HttpResponse<byte[]> answer) {
        return new String(answer.body());
    }

    private static String events(HttpResponse<byte[]> answer) {
        return text(answer).lines().filter(l -> l.startsWith("data: ")).map(l -> l.substring(6)).collect(Collectors.joining(","));
    }

    private static String code(HttpResponse<byte[]> answer) {
        return text(answer).replaceAll("(?s).*\"code\":\"([^\"]*)\".*", "$1");
    }

    public static void main(String[] arguments) {
        base = arguments[0];
        step("get-small", to("/o/bytes/5"), null);
        step("get-10k", to("/o/bytes/10000"), null);
        byte[] kept = step("get-1m", to("/o/chunked/1000000"), null);
        byte[] small = Arrays.copyOf(kept, 10000);
        BodyPublisher counted = BodyPublishers.ofByteArray(small);
        step("head", to("/o/bytes/10000").method("HEAD", BodyPublishers.noBody()), field("Content-Length"));
        step("post", to("/o/same/10000").POST(counted), JavaHttp::text);
        step("post-chunked", to("/o/framing/10000").POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(small))),
                JavaHttp::text);
        step("put-1m", to("/o/same/1000000").PUT(BodyPublishers.ofByteArray(kept)), JavaHttp::text);
        step("delete", to("/o/thing").DELETE(), null);
        step("options", to("/o/thing").method("OPTIONS", BodyPublishers.noBody()), field("Allow"));
        step("not-modified", to("/o/etag").header("If-None-Match", "\"v1\""), field("ETag"));
        step("redirect", to("/o/redirect"), field("Location"));
        step("gzip", to("/o/gzip").header("Accept-Encoding", "gzip"), null);
        step("cookies", to("/o/cookies"), answer -> String.join("|", answer.headers().allValues("Set-Cookie")));
        step("unicode", to("/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F"), JavaHttp::text);
        step("large-request-header", to("/o/header").header("X-Large", "y".repeat(6000)), JavaHttp::text);
        step("large-answer-header", to("/o/header/answer"), answer -> answer.headers().firstValue("X-Large").orElse("").length());
        step("slow", to("/o/slow"), null);
        step("events", to("/o/events"), JavaHttp::events);
        step("expect", to("/o/same/10000").expectContinue(true).POST(counted), JavaHttp::text);
        System.out.println("trailers skip java.net.http drops them");
        step("problem", to("/nowhere"), JavaHttp::code);
        step("hold", to("/o/hold"), field("Connection"));
    }
}
