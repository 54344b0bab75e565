# packaging/completions/outrider.fish - completion for fish; commands, keys and services come from the program.
# SPDX-License-Identifier: Apache-2.0
function __outrider_commands
    outrider --help 2>/dev/null | string replace -rf '^  (\S+) +(\S.*)$' '$1\t$2'
end
function __outrider_services
    outrider services 2>/dev/null | string replace -rf '^(\S+).*' '$1' | tail -n +2
end
function __outrider_registrations
    outrider registrations 2>/dev/null | string replace -rf '^(\S+).*' '$1' | tail -n +2
end
set -l asking status health targets services routes explain registrations discovery metrics top drain reload

complete -c outrider -f
complete -c outrider -n __fish_use_subcommand -a '(__outrider_commands)'
complete -c outrider -n __fish_use_subcommand -l version -s V -d 'versions of the program and its libraries'
complete -c outrider -l help -s h -d 'what a command does and takes'
complete -c outrider -n '__fish_seen_subcommand_from run check explain' -l config -s c -r -F -d 'the configuration'
complete -c outrider -n "__fish_seen_subcommand_from $asking" -l admin -r -F -d 'the sidecar to ask: unix:/path or HOST:PORT'
complete -c outrider -n "__fish_seen_subcommand_from $asking" -l token-file -r -F -d 'a file with a token of admin.tokens'
complete -c outrider -n "__fish_seen_subcommand_from $asking" -l output -s o -x -a 'table json' -d 'as what'
complete -c outrider -n '__fish_seen_subcommand_from health targets services discovery' -a '(__outrider_services)'
complete -c outrider -n '__fish_seen_subcommand_from registrations' -a 'pass warn fail maintain return'
complete -c outrider -n '__fish_seen_subcommand_from registrations' -a '(__outrider_registrations)'
complete -c outrider -n '__fish_seen_subcommand_from discovery' -a 'freeze fail pin thaw history'
complete -c outrider -n '__fish_seen_subcommand_from discovery' -l ttl -x -d 'how long'
complete -c outrider -n '__fish_seen_subcommand_from explain' -a 'GET POST PUT DELETE'
complete -c outrider -n '__fish_seen_subcommand_from explain' -l header -s H -x -d 'a field of the request'
complete -c outrider -n '__fish_seen_subcommand_from explain' -l listener -s l -x -d 'where it comes in'
complete -c outrider -n '__fish_seen_subcommand_from top' -l delay -s d -x -d 'seconds between two looks'
complete -c outrider -n '__fish_seen_subcommand_from top' -l count -s n -x -d 'how often'
complete -c outrider -n '__fish_seen_subcommand_from help' -a '(__outrider_commands) (outrider help --keys 2>/dev/null)'
complete -c outrider -n '__fish_seen_subcommand_from help' -l keys -l markdown -l metrics -l man -l pages
