// tests/suites/clients/go-http.go - net/http of Go.
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

var client = &http.Client{
	Transport:     &http.Transport{ExpectContinueTimeout: 10 * time.Second},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

type got struct {
	*http.Response
	body []byte
}

func text(g got) string { return string(g.body) }

func field(name string) func(got) string {
	return func(g got) string { return g.Header.Get(name) }
}

func events(g got) string {
	var values []string
	for _, line := range strings.Split(text(g), "\n") {
		if strings.HasPrefix(line, "data: ") {
			values = append(values, line[6:])
		}
	}
	return strings.Join(values, ",")
}

func code(g got) string {
	var problem struct{ Code string }
	if err := json.Unmarshal(g.body, &problem); err != nil {
		return err.Error()
	}
	return problem.Code
}

func closing(g got) string { // net/http takes the field away and remembers it
	if g.Close {
		return "close"
	}
	return "none"
}

func step(name, method, path string, headers map[string]string, body io.Reader, extra func(got) string) []byte {
	request, err := http.NewRequest(method, os.Args[1]+path, body)
	if err != nil {
		fmt.Println(name, "error", err)
		return nil
	}
	for key, value := range headers {
		request.Header.Set(key, value)
	}
	answer, err := client.Do(request)
	if err != nil {
		fmt.Println(name, "error", err)
		return nil
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		fmt.Println(name, "error", err)
		return nil
	}
	more := ""
	if extra != nil {
		more = extra(got{answer, data})
	}
	fmt.Println(name, answer.StatusCode, len(data), more)
	return data
}

func main() {
	none := map[string]string{}
	step("get-small", "GET", "/o/bytes/5", none, nil, nil)
	step("get-10k", "GET", "/o/bytes/10000", none, nil, nil)
	kept := step("get-1m", "GET", "/o/chunked/1000000", none, nil, nil)
	small := kept[:10000]
	step("head", "HEAD", "/o/bytes/10000", none, nil, field("Content-Length"))
	step("post", "POST", "/o/same/10000", none, bytes.NewReader(small), text)
	step("post-chunked", "POST", "/o/framing/10000", none, io.MultiReader(bytes.NewReader(small)), text)
	step("put-1m", "PUT", "/o/same/1000000", none, bytes.NewReader(kept), text)
	step("delete", "DELETE", "/o/thing", none, nil, nil)
	step("options", "OPTIONS", "/o/thing", none, nil, field("Allow"))
	step("not-modified", "GET", "/o/etag", map[string]string{"If-None-Match": `"v1"`}, nil, field("ETag"))
	step("redirect", "GET", "/o/redirect", none, nil, field("Location"))
	step("gzip", "GET", "/o/gzip", map[string]string{"Accept-Encoding": "gzip"}, nil, nil)
	step("cookies", "GET", "/o/cookies", none, nil, func(g got) string { return strings.Join(g.Header["Set-Cookie"], "|") })
	step("unicode", "GET", "/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F", none, nil, text)
	step("large-request-header", "GET", "/o/header", map[string]string{"X-Large": strings.Repeat("y", 6000)}, nil, text)
	step("large-answer-header", "GET", "/o/header/answer", none, nil,
		func(g got) string { return strconv.Itoa(len(g.Header.Get("X-Large"))) })
	step("slow", "GET", "/o/slow", none, nil, nil)
	step("events", "GET", "/o/events", none, nil, events)
	step("expect", "POST", "/o/same/10000", map[string]string{"Expect": "100-continue"}, bytes.NewReader(small), text)
	step("trailers", "GET", "/o/trailers", none, nil, func(g got) string { return g.Trailer.Get("X-Sum") })
	step("problem", "GET", "/nowhere", none, nil, code)
	step("hold", "GET", "/o/hold", none, nil, closing)
}
