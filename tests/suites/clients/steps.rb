# tests/suites/clients/steps.rb - the steps of README.md for clients in Ruby: a client is one block.
# SPDX-License-Identifier: Apache-2.0
require 'json'

Got = Struct.new(:status, :body, :header, :cookies)
Ask = Struct.new(:method, :path, :headers, :body, :chunked)

def text(got) = got.body
def events(got) = got.body.lines.grep(/\Adata: /).map { |l| l[6..].chomp }.join(',')

def plan(kept)
  small = kept[0, 10_000]
  get = ->(path, headers = {}, &extra) { [Ask.new('GET', path, headers), extra] }
  {
    'get-small' => get.call('/o/bytes/5'),
    'get-10k' => get.call('/o/bytes/10000'),
    'get-1m' => get.call('/o/chunked/1000000'),
    'head' => [Ask.new('HEAD', '/o/bytes/10000', {}), ->(g) { g.header.call('Content-Length') }],
    'post' => [Ask.new('POST', '/o/same/10000', {}, small), method(:text)],
    'post-chunked' => [Ask.new('POST', '/o/framing/10000', {}, small, true), method(:text)],
    'put-1m' => [Ask.new('PUT', '/o/same/1000000', {}, kept), method(:text)],
    'delete' => [Ask.new('DELETE', '/o/thing', {}), nil],
    'options' => [Ask.new('OPTIONS', '/o/thing', {}), ->(g) { g.header.call('Allow') }],
    'not-modified' => get.call('/o/etag', { 'If-None-Match' => '"v1"' }) { |g| g.header.call('ETag') },
    'redirect' => get.call('/o/redirect') { |g| g.header.call('Location') },
    'gzip' => get.call('/o/gzip', { 'Accept-Encoding' => 'gzip' }),
    'cookies' => get.call('/o/cookies') { |g| g.cookies.join('|') },
    'unicode' => get.call('/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F') { |g| g.body },
    'large-request-header' => get.call('/o/header', { 'X-Large' => 'y' * 6000 }) { |g| g.body },
    'large-answer-header' => get.call('/o/header/answer') { |g| g.header.call('X-Large').length },
    'slow' => get.call('/o/slow'),
    'events' => get.call('/o/events') { |g| events(g) },
    'expect' => [Ask.new('POST', '/o/same/10000', { 'Expect' => '100-continue' }, small), method(:text)],
    'trailers' => get.call('/o/trailers'),
    'problem' => get.call('/nowhere') { |g| JSON.parse(g.body)['code'] },
    'hold' => get.call('/o/hold') { |g| g.header.call('Connection') }
  }
end

def run(skipped)
  $stdout.sync = true
  kept = String.new
  plan(kept).each_key do |name|
    next puts("#{name} skip #{skipped[name]}") if skipped[name]

    ask, extra = plan(kept)[name]
    begin
      got = yield ask
      got.body ||= ''
      puts "#{name} #{got.status} #{got.body.bytesize} #{extra&.call(got)}"
      kept = got.body if name == 'get-1m'
    rescue StandardError => e
      puts "#{name} error #{e.class}: #{e.message}".tr("\n", ' ')
    end
  end
end
