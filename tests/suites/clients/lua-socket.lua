-- tests/suites/clients/lua-socket.lua - the http of LuaSocket: a connection for each request.
-- SPDX-License-Identifier: Apache-2.0
local http = require("socket.http")
local ltn12 = require("ltn12")

local base = arg[1]
http.TIMEOUT = 30

local function ask(method, path, headers, body, chunked)
    local sink, fields = {}, {}
    for key, value in pairs(headers or {}) do fields[key] = value end
    if chunked then
        fields["transfer-encoding"] = "chunked"
    elseif body then
        fields["content-length"] = #body
    end
    local done, status, answer = http.request {
        url = base .. path, method = method, headers = fields, redirect = false, sink = ltn12.sink.table(sink),
        source = body and ltn12.source.string(body) or nil }
    if not done then error(status) end
    return { status = status, body = table.concat(sink), header = answer }
end

local function text(got) return got.body end
local function field(name) return function(got) return got.header[name] end end
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
step("not-modified", field("etag"), "GET", "/o/etag", { ["If-None-Match"] = '"v1"' })
step("redirect", field("location"), "GET", "/o/redirect")
step("gzip", nil, "GET", "/o/gzip", { ["Accept-Encoding"] = "gzip" })
print("cookies skip LuaSocket joins the lines")
step("unicode", text, "GET", "/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F")
step("large-request-header", text, "GET", "/o/header", { ["X-Large"] = ("y"):rep(6000) })
step("large-answer-header", function(got) return #got.header["x-large"] end, "GET", "/o/header/answer")
step("slow", nil, "GET", "/o/slow")
step("events", events, "GET", "/o/events")
print("expect skip LuaSocket sends the body at once")
print("trailers skip LuaSocket mixes them with the fields")
step("problem", function(got) return got.body:match('"code":"([^"]*)"') end, "GET", "/nowhere")
step("hold", field("connection"), "GET", "/o/hold")
