<?php
// tests/suites/clients/steps.php - the steps of README.md for clients in PHP: a client is one function.
// SPDX-License-Identifier: Apache-2.0

class Got {
    public function __construct(public int $status, public string $body, public array $fields) {}

    public function all(string $name): array {
        $values = [];
        foreach ($this->fields as [$key, $value])
            if (strcasecmp($key, $name) === 0)
                $values[] = $value;
        return $values;
    }

    public function header(string $name): string {
        return $this->all($name)[0] ?? 'none';
    }
}

function fields(array $lines): array {
    $fields = [];
    foreach ($lines as $line)
        if (str_contains($line, ':'))
            $fields[] = array_map('trim', explode(':', $line, 2));
    return $fields;
}

function events(Got $got): string {
    preg_match_all('/^data: (.*)$/m', $got->body, $found);
    return implode(',', $found[1]);
}

function plan(string $kept): array {
    $small = substr($kept, 0, 10000);
    $text = fn($g) => $g->body;
    return [
        'get-small' => ['GET', '/o/bytes/5', [], null, false, null],
        'get-10k' => ['GET', '/o/bytes/10000', [], null, false, null],
        'get-1m' => ['GET', '/o/chunked/1000000', [], null, false, null],
        'head' => ['HEAD', '/o/bytes/10000', [], null, false, fn($g) => $g->header('Content-Length')],
        'post' => ['POST', '/o/same/10000', [], $small, false, $text],
        'post-chunked' => ['POST', '/o/framing/10000', [], $small, true, $text],
        'put-1m' => ['PUT', '/o/same/1000000', [], $kept, false, $text],
        'delete' => ['DELETE', '/o/thing', [], null, false, null],
        'options' => ['OPTIONS', '/o/thing', [], null, false, fn($g) => $g->header('Allow')],
        'not-modified' => ['GET', '/o/etag', ['If-None-Match: "v1"'], null, false, fn($g) => $g->header('ETag')],
        'redirect' => ['GET', '/o/redirect', [], null, false, fn($g) => $g->header('Location')],
        'gzip' => ['GET', '/o/gzip', ['Accept-Encoding: gzip'], null, false, null],
        'cookies' => ['GET', '/o/cookies', [], null, false, fn($g) => implode('|', $g->all('Set-Cookie'))],
        'unicode' => ['GET', '/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F', [], null, false, $text],
        'large-request-header' => ['GET', '/o/header', ['X-Large: ' . str_repeat('y', 6000)], null, false, $text],
        'large-answer-header' => ['GET', '/o/header/answer', [], null, false, fn($g) => strlen($g->header('X-Large'))],
        'slow' => ['GET', '/o/slow', [], null, false, null],
        'events' => ['GET', '/o/events', [], null, false, 'events'],
        'expect' => ['POST', '/o/same/10000', ['Expect: 100-continue'], $small, false, $text],
        'trailers' => ['GET', '/o/trailers', [], null, false, fn($g) => $g->header('X-Sum')],
        'problem' => ['GET', '/nowhere', [], null, false, fn($g) => json_decode($g->body)->code],
        'hold' => ['GET', '/o/hold', [], null, false, fn($g) => $g->header('Connection')],
    ];
}

function run(callable $ask, array $skipped): void {
    $kept = '';
    foreach (array_keys(plan('')) as $name) {
        if (isset($skipped[$name])) {
            echo "$name skip {$skipped[$name]}\n";
            continue;
        }
        [$method, $path, $headers, $body, $chunked, $extra] = plan($kept)[$name];
        try {
            $got = $ask($method, $path, $headers, $body, $chunked);
            echo "$name {$got->status} ", strlen($got->body), ' ', $extra ? $extra($got) : '', "\n";
            if ($name === 'get-1m')
                $kept = $got->body;
        } catch (Throwable $error) {
            echo "$name error ", strtr($error->getMessage(), "\n", ' '), "\n";
        }
    }
}
