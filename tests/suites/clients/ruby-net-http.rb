# tests/suites/clients/ruby-net-http.rb - net/http of Ruby's own library.
# SPDX-License-Identifier: Apache-2.0
require 'net/http'
require 'stringio'
require_relative 'steps'

address = URI(ARGV[0])
http = Net::HTTP.new(address.host, address.port, nil)
http.continue_timeout = 10
http.start

run('trailers' => 'net/http drops them') do |ask|
  request = Net::HTTPGenericRequest.new(ask.method, !ask.body.nil?, ask.method != 'HEAD', ask.path, ask.headers)
  if ask.chunked
    request['Transfer-Encoding'] = 'chunked'
    request.body_stream = StringIO.new(ask.body)
  elsif ask.body
    request['Content-Type'] = 'application/octet-stream'
    request.body = ask.body
  end
  answer = http.request(request)
  Got.new(answer.code, answer.body, ->(name) { answer[name] }, answer.get_fields('Set-Cookie'))
end
