<?php
// tests/suites/clients/php-curl.php - the curl extension of PHP, one handle.
// SPDX-License-Identifier: Apache-2.0
require __DIR__ . '/steps.php';

$curl = curl_init();
run(function ($method, $path, $headers, $body, $chunked) use ($curl, $argv) {
    $lines = [];
    curl_reset($curl);
    curl_setopt_array($curl, [
        CURLOPT_URL => $argv[1] . $path, CURLOPT_CUSTOMREQUEST => $method, CURLOPT_RETURNTRANSFER => true,
        CURLOPT_NOBODY => $method === 'HEAD', CURLOPT_PROXY => '', CURLOPT_PATH_AS_IS => true,
        CURLOPT_HEADERFUNCTION => function ($_, $line) use (&$lines) {
            $lines[] = $line;
            return strlen($line);
        }]);
    if ($chunked) {
        $file = fopen('php://memory', 'r+');
        fwrite($file, $body);
        rewind($file);
        curl_setopt_array($curl, [CURLOPT_UPLOAD => true, CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_READFUNCTION => fn($_, $stream, $most) => (string)fread($file, $most)]);
        $headers[] = 'Transfer-Encoding: chunked';
    } elseif ($body !== null) {
        curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
    }
    if ($body !== null && !in_array('Expect: 100-continue', $headers))
        $headers[] = 'Expect:';
    curl_setopt($curl, CURLOPT_HTTPHEADER, $headers);
    $body = curl_exec($curl);
    if ($body === false)
        throw new Exception(curl_error($curl));
    return new Got(curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $body, fields($lines));
}, []);
