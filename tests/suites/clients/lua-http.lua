-- tests/suites/clients/lua-http.lua - lua-http: a connection for each request.
-- SPDX-License-Identifier: Apache-2.0
local request = require("http.request")

local base = arg[1]

local function ask(method, path, headers, body, chunked)
    local r = request.new_from_uri(base .. path)
    r.headers:upsert(":method", method)
    r.headers:upsert(":path", path)
    r.follow_redirects = false
    r.proxies = nil
    for key, value in pairs(headers or {}) do
        if key ~= "expect" then r.headers:upsert(key, value) end
    end
    if chunked then
        local sent = 0
        r.headers:delete("content-length")
        r:set_body(function()
            if sent >= #body then return nil end
            sent = sent + 3000
            return body:sub(sent - 2999, sent)
        end)
        r.headers:delete("expect")
    elseif body then
        r:set_body(body)
        -- It has put the field there by itself: more than 1024 bytes.
        r.headers:delete("expect")
        if headers and headers.expect then r.headers:append("expect", headers.expect) end
    end
    local answer, stream = assert(r:go(30))
    local got = assert(stream:get_body_as_string(30))
    local trailer = stream.get_next_chunk and stream:get_headers(0)
    stream:shutdown()
    return { status = answer:get(":status"), body = got, header = answer, trailer = trailer }
end

local function text(got) return got.body end
local function field(name) return function(got) return got.header:get(name) end end
local function events(got)
    local values = {}
    for value in got.body:gmatch("data: (%d+)") do values[#values + 1] = value end
    return table.concat(values, ",")
end

local function step(name, extra, ...)
    local good, got = pcall(ask, ...)
    if not good then
        print(name .. " error " .. tostring(got):gsub("\n", " "))
        return ""
    end
    print(name .. " " .. got.status .. " " .. #got.body .. " " .. tostring(extra and extra(got) or ""))
    return got.body
end

step("get-small", nil, "GET", "/o/bytes/5")
step("get-10k", nil, "GET", "/o/bytes/10000")
local kept = step("get-1m", nil, "GET", "/o/chunked/1000000")
local small = kept:sub(1, 10000)
step("head", field("content-length"), "HEAD", "/o/bytes/10000")
step("post", text, "POST", "/o/same/10000", {}, small)
step("post-chunked", text, "POST", "/o/framing/10000", {}, small, true)
step("put-1m", text, "PUT", "/o/same/1000000", {}, kept)
step("delete", nil, "DELETE", "/o/thing")
step("options", field("allow"), "OPTIONS", "/o/thing")
step("not-modified", field("etag"), "GET", "/o/etag", { ["if-none-match"] = '"v1"' })
step("redirect", field("location"), "GET", "/o/redirect")
step("gzip", nil, "GET", "/o/gzip", { ["accept-encoding"] = "gzip" })
step("cookies", function(got) return table.concat({ got.header:get("set-cookie") }, "|") end, "GET", "/o/cookies")
step("unicode", text, "GET", "/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F")
step("large-request-header", text, "GET", "/o/header", { ["x-large"] = ("y"):rep(6000) })
print("large-answer-header skip too long a line for lua-http")
step("slow", nil, "GET", "/o/slow")
step("events", events, "GET", "/o/events")
step("expect", text, "POST", "/o/same/10000", { expect = "100-continue" }, small)
step("trailers", function(got) return got.trailer and got.trailer:get("x-sum") end, "GET", "/o/trailers")
step("problem", function(got) return got.body:match('"code":"([^"]*)"') end, "GET", "/nowhere")
step("hold", field("connection"), "GET", "/o/hold")
