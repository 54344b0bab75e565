<?php
// tests/suites/clients/php-stream.php - the http streams of PHP: a connection for each request.
// SPDX-License-Identifier: Apache-2.0
require __DIR__ . '/steps.php';

run(function ($method, $path, $headers, $body) use ($argv) {
    $options = ['method' => $method, 'header' => array_merge($headers, ['Connection: close']), 'follow_location' => 0,
                'ignore_errors' => true, 'protocol_version' => 1.1, 'timeout' => 30];
    if ($body !== null) {
        $options['content'] = $body;
        $options['header'][] = 'Content-Type: application/octet-stream';
    }
    $body = file_get_contents($argv[1] . $path, false, stream_context_create(['http' => $options]));
    if ($body === false)
        throw new Exception(error_get_last()['message']);
    return new Got((int)explode(' ', $http_response_header[0])[1], $body, fields($http_response_header));
}, ['post-chunked' => 'streams of PHP count', 'expect' => 'streams of PHP send the body at once',
    'trailers' => 'streams of PHP drop them']);
