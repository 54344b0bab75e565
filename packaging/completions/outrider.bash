# packaging/completions/outrider.bash - completion for bash; the keys of the configuration come from the program.
# SPDX-License-Identifier: Apache-2.0
_outrider()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W 'run check schema help version --help --version' -- "$word")
        return
    fi
    case $before in
    -c|--config)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    esac
    case $command in
    run|check)
        mapfile -t COMPREPLY < <(compgen -W '-c --config --help' -- "$word")
        ;;
    help)
        mapfile -t COMPREPLY < <(compgen -W "run check schema help version --keys --markdown --man --help
            $("${COMP_WORDS[0]}" help --keys 2>/dev/null)" -- "$word")
        ;;
    schema|version)
        mapfile -t COMPREPLY < <(compgen -W '--help' -- "$word")
        ;;
    esac
}
complete -o filenames -F _outrider outrider
