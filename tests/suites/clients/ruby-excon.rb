# tests/suites/clients/ruby-excon.rb - Excon, with a connection that stays.
# SPDX-License-Identifier: Apache-2.0
require 'excon'
require_relative 'steps'

connection = Excon.new(ARGV[0], persistent: true, proxy: nil)

run('expect' => 'Excon sends the body at once', 'trailers' => 'Excon drops them') do |ask|
  path, query = ask.path.split('?')
  options = { method: ask.method, path: path, query: query, headers: ask.headers }
  if ask.chunked
    pieces = ask.body.scan(/.{1,3000}/m)
    options[:request_block] = -> { pieces.shift || '' }
  elsif ask.body
    options[:body] = ask.body
  end
  answer = connection.request(options)
  Got.new(answer.status, answer.body, ->(name) { answer.headers[name] }, answer.data[:cookies])
end
