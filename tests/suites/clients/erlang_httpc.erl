%% tests/suites/clients/erlang_httpc.erl - httpc of Erlang/OTP, with its own sessions.
%% SPDX-License-Identifier: Apache-2.0
-module(erlang_httpc).
-export([main/0]).

main() ->
    {ok, _} = application:ensure_all_started(inets),
    [Base] = init:get_plain_arguments(),
    ok = httpc:set_options([{max_sessions, 1}]),
    put(base, Base),
    step("get-small", none, get, "/o/bytes/5"),
    step("get-10k", none, get, "/o/bytes/10000"),
    Kept = step("get-1m", none, get, "/o/chunked/1000000"),
    <<Small:10000/binary, _/binary>> = Kept,
    step("head", field("content-length"), head, "/o/bytes/10000"),
    step("post", fun text/2, post, "/o/same/10000", [], Small),
    step("post-chunked", fun text/2, post, "/o/framing/10000", [], {chunkify, fun pieces/1, Small}),
    step("put-1m", fun text/2, put, "/o/same/1000000", [], Kept),
    step("delete", none, delete, "/o/thing"),
    step("options", field("allow"), options, "/o/thing"),
    step("not-modified", field("etag"), get, "/o/etag", [{"if-none-match", "\"v1\""}]),
    step("redirect", field("location"), get, "/o/redirect"),
    step("gzip", none, get, "/o/gzip", [{"accept-encoding", "gzip"}]),
    step("cookies", fun cookies/2, get, "/o/cookies"),
    step("unicode", fun text/2, get, "/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F"),
    step("large-request-header", fun text/2, get, "/o/header", [{"x-large", lists:duplicate(6000, $y)}]),
    step("large-answer-header", fun(F, _) -> integer_to_list(length(proplists:get_value("x-large", F))) end, get, "/o/header/answer"),
    step("slow", none, get, "/o/slow"),
    step("events", fun events/2, get, "/o/events"),
    step("expect", fun text/2, post, "/o/same/10000", [{"expect", "100-continue"}], Small),
    io:format("trailers skip httpc drops them~n"),
    step("problem", fun code/2, get, "/nowhere"),
    step("hold", field("connection"), get, "/o/hold"),
    halt(0).

pieces(<<>>) -> eof;
pieces(<<Piece:2500/binary, Rest/binary>>) -> {ok, binary_to_list(Piece), Rest};
pieces(Rest) -> {ok, binary_to_list(Rest), <<>>}.

field(Name) -> fun(Fields, _) -> proplists:get_value(Name, Fields, "none") end.
text(_, Body) -> Body.
cookies(Fields, _) -> lists:join("|", [V || {"set-cookie", V} <- Fields]).
events(_, Body) ->
    {match, Found} = re:run(Body, "data: (.*)", [global, {capture, all_but_first, list}]),
    lists:join(",", lists:append(Found)).
code(_, Body) ->
    {match, [Code]} = re:run(Body, "\"code\":\"([^\"]*)\"", [{capture, all_but_first, list}]),
    Code.

step(Name, Extra, Method, Path) -> step(Name, Extra, Method, Path, []).
step(Name, Extra, Method, Path, Headers) -> told(Name, Extra, Method, {get(base) ++ Path, Headers}).
step(Name, Extra, Method, Path, Headers, Body) ->
    told(Name, Extra, Method, {get(base) ++ Path, Headers, "application/octet-stream", Body}).

told(Name, Extra, Method, Request) ->
    case httpc:request(Method, Request, [{autoredirect, false}, {timeout, 30000}], [{body_format, binary}]) of
        {ok, {{_, Status, _}, Fields, Body}} ->
            More = case Extra of none -> ""; _ -> Extra(Fields, Body) end,
            io:format("~s ~b ~b ~s~n", [Name, Status, byte_size(Body), More]),
            Body;
        {error, Why} ->
            io:format("~s error ~0p~n", [Name, Why]),
            <<>>
    end.
