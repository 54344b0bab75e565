/* tests/suites/clients/cxx-beast.cpp - Boost.Beast, one stream.
 * SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>
#include <memory>
#include <string>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include "steps.h"

namespace beast = boost::beast;
namespace http = beast::http;
using tcp = boost::asio::ip::tcp;

static boost::asio::io_context context;
static std::unique_ptr<tcp::socket> stream;
static beast::flat_buffer buffer;
static std::string host, port;

static tcp::socket &connected()
{
    if (!stream) {
        stream = std::make_unique<tcp::socket>(context);
        boost::asio::connect(*stream, tcp::resolver(context).resolve(host, port));
        buffer.clear();
    }
    return *stream;
}

static http::request<http::string_body> made(const ask &a)
{
    http::request<http::string_body> request;
    request.version(11);
    request.method_string(a.method);
    request.target(a.path);
    request.set(http::field::host, host + ":" + port);
    if (a.header != nullptr)
        request.set(a.header, a.value);
    if (a.body != nullptr)
        request.body() = std::string(a.body, a.length);
    if (a.chunked)
        request.chunked(true);
    else if (a.body != nullptr)
        request.content_length(a.length);
    return request;
}

static void sent(const ask &a, http::request<http::string_body> &request)
{
    http::request_serializer<http::string_body> serializer(request);
    if (a.expect) {
        http::response<http::empty_body> interim;
        http::write_header(connected(), serializer);
        http::read(*stream, buffer, interim);
        if (interim.result() != http::status::continue_)
            throw std::runtime_error("no 100");
    }
    http::write(connected(), serializer);
}

static void asked(const ask &a, got &g)
{
    http::request<http::string_body> request = made(a);
    http::response_parser<http::string_body> parser;
    parser.body_limit(16 << 20);
    parser.skip(std::string(a.method) == "HEAD");
    sent(a, request);
    http::read(*stream, buffer, parser);
    g.status = static_cast<int>(parser.get().result_int());
    if (!parser.get().body().empty())
        got_add(&g, parser.get().body().data(), parser.get().body().size());
    for (const auto &field : parser.get())
        got_field(&g, std::string(field.name_string()).c_str(), std::string(field.value()).c_str());
    if (!parser.get().keep_alive())
        stream.reset();
}

static bool request(const ask *a, got *g)
{
    try {
        asked(*a, *g);
        return true;
    } catch (const std::exception &error) {
        snprintf(g->fields, sizeof g->fields, "%s", error.what());
        stream.reset();
        return false;
    }
}

int main(int argc, char **argv)
{
    static const char *const skipped[] = { "trailers", "Beast mixes them with the fields", nullptr };
    if (argc != 2)
        return 64;
    std::string address(argv[1] + strlen("http://"));
    host = address.substr(0, address.find(':'));
    port = address.substr(address.find(':') + 1);
    steps_run(request, skipped);
    return 0;
}
