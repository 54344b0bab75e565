# tests/suites/clients/ruby-faraday.rb - Faraday, with the adapter it takes by itself.
# SPDX-License-Identifier: Apache-2.0
require 'faraday'
require_relative 'steps'

connection = Faraday.new(ARGV[0])

run('post-chunked' => 'Faraday counts', 'expect' => 'Faraday sends the body at once', 'trailers' => 'Faraday drops them',
    'cookies' => 'Faraday joins the lines', 'unicode' => 'Faraday writes queries anew') do |ask|
  answer = connection.run_request(ask.method.downcase.to_sym, ask.path, ask.body,
                                  { 'Content-Type' => 'application/octet-stream' }.merge(ask.headers))
  Got.new(answer.status, answer.body, ->(name) { answer.headers[name] })
end
