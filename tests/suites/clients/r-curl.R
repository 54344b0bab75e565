# tests/suites/clients/r-curl.R - the curl package of R, one handle.
# SPDX-License-Identifier: Apache-2.0
library(curl)

base <- commandArgs(trailingOnly = TRUE)[1]
handle <- new_handle()

ask <- function(method, path, headers = list(), body = NULL, chunked = FALSE) {
    handle_reset(handle)
    handle_setopt(handle, customrequest = method, nobody = method == "HEAD", followlocation = FALSE, proxy = "",
                  path_as_is = TRUE, accept_encoding = NULL)
    if (!is.null(body) && chunked) {
        at <- 0
        handle_setopt(handle, upload = TRUE, readfunction = function(n, ...) {
            from <- at
            at <<- min(length(body), at + n)
            if (at > from) body[(from + 1):at] else raw(0)
        })
        headers <- c(headers, list("Transfer-Encoding" = "chunked"))
    } else if (!is.null(body)) {
        handle_setopt(handle, post = TRUE, customrequest = method, postfieldsize = length(body), postfields = body)
    }
    if (!is.null(body) && is.null(headers$Expect))
        headers <- c(headers, list(Expect = ""))
    handle_setheaders(handle, .list = headers)
    curl_fetch_memory(paste0(base, path), handle)
}

fields <- function(got, name) {
    lines <- parse_headers(got$headers)
    lines <- lines[startsWith(tolower(lines), paste0(tolower(name), ":"))]
    trimws(sub("^[^:]*:", "", lines))
}
field <- function(name) function(got) fields(got, name)[1]
text <- function(got) rawToChar(got$content)
events <- function(got) {
    lines <- strsplit(text(got), "\n")[[1]]
    paste(substring(lines[startsWith(lines, "data: ")], 7), collapse = ",")
}

step <- function(name, extra, ...) {
    tryCatch({
        got <- ask(...)
        cat(name, got$status_code, length(got$content), if (is.null(extra)) "" else extra(got), "\n")
        invisible(got$content)
    }, error = function(e) {
        cat(name, "error", gsub("\n", " ", conditionMessage(e)), "\n")
        invisible(raw(0))
    })
}

step("get-small", NULL, "GET", "/o/bytes/5")
step("get-10k", NULL, "GET", "/o/bytes/10000")
kept <- step("get-1m", NULL, "GET", "/o/chunked/1000000")
small <- head(kept, 10000)
step("head", field("Content-Length"), "HEAD", "/o/bytes/10000")
step("post", text, "POST", "/o/same/10000", body = small)
step("post-chunked", text, "POST", "/o/framing/10000", body = small, chunked = TRUE)
step("put-1m", text, "PUT", "/o/same/1000000", body = kept)
step("delete", NULL, "DELETE", "/o/thing")
step("options", field("Allow"), "OPTIONS", "/o/thing")
step("not-modified", field("ETag"), "GET", "/o/etag", list("If-None-Match" = '"v1"'))
step("redirect", field("Location"), "GET", "/o/redirect")
step("gzip", NULL, "GET", "/o/gzip", list("Accept-Encoding" = "gzip"))
step("cookies", function(got) paste(fields(got, "Set-Cookie"), collapse = "|"), "GET", "/o/cookies")
step("unicode", text, "GET", "/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F")
step("large-request-header", text, "GET", "/o/header", list("X-Large" = strrep("y", 6000)))
step("large-answer-header", function(got) nchar(fields(got, "X-Large")), "GET", "/o/header/answer")
step("slow", NULL, "GET", "/o/slow")
step("events", events, "GET", "/o/events")
step("expect", text, "POST", "/o/same/10000", list(Expect = "100-continue"), small)
cat("trailers skip the package gives no access to them\n")
step("problem", function(got) sub('.*"code":"([^"]*)".*', "\\1", text(got)), "GET", "/nowhere")
step("hold", field("Connection"), "GET", "/o/hold")
