# packaging/completions/outrider.bash - completion for bash; the keys of the configuration come from the program.
# SPDX-License-Identifier: Apache-2.0
_outrider()
{
    local asking='status health targets services routes explain registrations discovery metrics top drain reload'
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "run check $asking schema help version --help --version" -- "$word")
        return
    fi
    case $before in
    -c|--config)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --admin|--token-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    -o|--output)
        mapfile -t COMPREPLY < <(compgen -W 'table json' -- "$word")
        return
        ;;
    esac
    case $command in
    status|routes|drain|reload)
        mapfile -t COMPREPLY < <(compgen -W '--admin --token-file -o --output --help' -- "$word")
        ;;
    health|targets|services)
        # compgen would expand what stands in names of services.
        mapfile -t COMPREPLY < <(compgen -W '--admin --token-file -o --output --help' -- "$word"
            "${COMP_WORDS[0]}" services 2>/dev/null | awk -v word="$word" 'NR > 1 && index($1, word) == 1 { print $1 }')
        ;;
    explain)
        mapfile -t COMPREPLY < <(compgen -W '-c --config -H --header -l --listener -o --output --help
            GET POST PUT DELETE' -- "$word")
        ;;
    registrations)
        if [ "$COMP_CWORD" -eq 2 ]; then
            mapfile -t COMPREPLY < <(compgen -W 'pass warn fail maintain return -o --output --help' -- "$word")
        fi
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <("${COMP_WORDS[0]}" registrations 2>/dev/null |
            awk -v word="$word" 'NR > 1 && index($1, word) == 1 { print $1 }')
        ;;
    discovery)
        if [ "$COMP_CWORD" -eq 2 ]; then
            mapfile -t COMPREPLY < <(compgen -W 'freeze fail pin thaw history --help' -- "$word")
        elif [ "$COMP_CWORD" -eq 3 ]; then
            mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" services 2>/dev/null |
                awk -v word="$word" 'NR > 1 && index($1, word) == 1 { print $1 }')
        else
            mapfile -t COMPREPLY < <(compgen -W '--ttl --admin --token-file -o --output --help' -- "$word")
        fi
        ;;
    metrics)
        mapfile -t COMPREPLY < <(compgen -W '--admin --token-file --help' -- "$word")
        ;;
    top)
        mapfile -t COMPREPLY < <(compgen -W '--admin --token-file -d --delay -n --count --help' -- "$word")
        ;;
    run|check)
        mapfile -t COMPREPLY < <(compgen -W '-c --config --help' -- "$word")
        ;;
    help)
        mapfile -t COMPREPLY < <(compgen -W "run check $asking schema help version --keys --markdown --metrics --pages --man --help
            $("${COMP_WORDS[0]}" help --keys 2>/dev/null)" -- "$word")
        ;;
    schema|version)
        mapfile -t COMPREPLY < <(compgen -W '--help' -- "$word")
        ;;
    esac
}
complete -o filenames -F _outrider outrider
