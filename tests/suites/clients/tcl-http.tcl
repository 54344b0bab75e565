# tests/suites/clients/tcl-http.tcl - the http package of Tcl, with connections that stay.
# SPDX-License-Identifier: Apache-2.0
package require http

set base [lindex $argv 0]
http::config -accept */*
fconfigure stdout -buffering line

# ask METHOD PATH HEADERS BODY: a dictionary. A request with a body takes a connection of its own, as the package likes it.
proc ask {method path {headers {}} {body {}}} {
    global base
    set options [list -method $method -headers $headers -binary 1 -timeout 30000 -keepalive [expr {$body eq ""}]]
    if {$body ne ""} {
        lappend options -query $body -type application/octet-stream
    }
    if {$method eq "HEAD"} {
        lappend options -validate 1
    }
    set token [http::geturl $base$path {*}$options]
    if {[http::status $token] ne "ok"} {
        error "[http::status $token] [http::error $token]"
    }
    set got [dict create status [http::ncode $token] body [http::data $token] fields [http::meta $token]]
    http::cleanup $token
    return $got
}
proc all {got name} {
    set values {}
    foreach {key value} [dict get $got fields] {
        if {[string equal -nocase $key $name]} { lappend values $value }
    }
    return $values
}
proc text {got} { dict get $got body }
proc field {name got} { lindex [all $got $name] 0 }
proc cookies {got} { join [all $got Set-Cookie] | }
proc large {got} { string length [field X-Large $got] }
proc events {got} { join [regexp -all -inline {\d+} [text $got]] , }
proc code {got} { lindex [regexp -inline {"code":"([^"]*)"} [text $got]] 1 }

proc step {name extra args} {
    if {[catch {ask {*}$args} got]} {
        puts "$name error [string map {\n { }} $got]"
        return ""
    }
    puts "$name [dict get $got status] [string length [dict get $got body]] [expr {$extra eq "" ? "" : [{*}$extra $got]}]"
    return [dict get $got body]
}

step get-small "" GET /o/bytes/5
step get-10k "" GET /o/bytes/10000
set kept [step get-1m "" GET /o/chunked/1000000]
set small [string range $kept 0 9999]
step head {field Content-Length} HEAD /o/bytes/10000
step post text POST /o/same/10000 {} $small
puts "post-chunked skip Tcl counts"
step put-1m text PUT /o/same/1000000 {} $kept
step delete "" DELETE /o/thing
step options {field Allow} OPTIONS /o/thing
step not-modified {field ETag} GET /o/etag {If-None-Match {"v1"}}
step redirect {field Location} GET /o/redirect
step gzip "" GET /o/gzip {Accept-Encoding gzip}
step cookies cookies GET /o/cookies
step unicode text GET /o/echo/%C3%A4%20%2B\;x=1?q=%E2%82%AC&r=a+b&r=%2F
step large-request-header text GET /o/header [list X-Large [string repeat y 6000]]
step large-answer-header large GET /o/header/answer
step slow "" GET /o/slow
step events events GET /o/events
puts "expect skip Tcl sends the body at once"
puts "trailers skip Tcl drops them"
step problem code GET /nowhere
step hold {field Connection} GET /o/hold
