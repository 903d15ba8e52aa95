"""`completion`: scripts for shells, made from the tables of commands and options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kapture_tui.cli.commands import COMMANDS, CONSOLE, NAMESPACES, CommandLine
from kapture_tui.cli.options import Option, path
from kapture_tui.cli.settings import Completion
from kapture_tui.stack.catalogue import CATALOGUE


def run(command: Completion) -> int:
    """Print the script."""
    if command.shell == NAMESPACES:
        from kapture_tui.targets.local import namespaces

        print("\n".join(namespaces()))
        return 0
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[command.shell]())
    return 0


def _options(line: CommandLine) -> list[Option]:
    return [option for group in line.groups for option in group.options if option.help]


def _flags(options: Iterable[Option]) -> str:
    return " ".join(flag for option in options for flag in option.flags)


def _valued() -> dict[str, Option]:
    """Every option that takes a value, by flag. A flag means the same in all commands."""
    lines = (CONSOLE, *COMMANDS)
    return {
        flag: option for line in lines for option in _options(line) if option.metavar for flag in option.flags
    }


def _components() -> str:
    return " ".join(f"{component.value}=" for component, entry in CATALOGUE.items() if entry.scalable)


_RUNNING = f'$("${{COMP_WORDS[0]}}" completion {NAMESPACES} 2>/dev/null)'


def _bash() -> str:
    valued = _valued()
    files = "|".join(flag for flag, option in valued.items() if option.parse is path)
    chosen = [(flag, option) for flag, option in valued.items() if option.choices]
    others = "|".join(
        flag for flag, option in valued.items() if option.parse is not path and not option.choices
    )
    cases = "\n".join(
        f'        {flag}) COMPREPLY=($(compgen -W "{" ".join(option.choices)}" -- "$cur")); return ;;'
        for flag, option in chosen
    )
    flags = "\n".join(f'        {line.name}) flags="{_flags(_options(line))}" ;;' for line in COMMANDS)
    words = "\n".join(_bash_words(line) for line in COMMANDS if line.words)
    return f"""\
# bash completion of kapture-tui:  source <(kapture-tui completion bash)
_kapture_tui() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} name= at flags words= place=0
    if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${{COMP_WORDS[COMP_CWORD-2]}}; fi
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${{COMP_WORDS[at]}} in
        {"|".join(valued)}) ((at++)) ;;
        -*) ;;
        *) if [[ -z $name ]]; then name=${{COMP_WORDS[at]}}; else ((place++)); fi ;;
        esac
    done
    case $prev in
        {files}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
{cases}
        {others}) return ;;
    esac
    case $name in
{flags}
        *) flags="{_flags(_options(CONSOLE))}" ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$flags" -- "$cur"))
        return
    fi
    case $name:$place in
        :*) words="{" ".join(line.name for line in COMMANDS)} {_RUNNING}" ;;
{words}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    if [[ ${{COMPREPLY[0]}} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}}
complete -F _kapture_tui kapture-tui kapture.sh ./kapture.sh"""


def _bash_words(line: CommandLine) -> str:
    if line.choices:
        return f'        {line.name}:0) words="{" ".join(line.choices)}" ;;'
    first = f'        {line.name}:0) words="{_RUNNING}" ;;'
    return first if line.name != "scale" else f'{first}\n        {line.name}:*) words="{_components()}" ;;'


def _zsh() -> str:
    names = "\n".join(f"        {_quoted(f'{line.name}:{line.summary}')}" for line in COMMANDS)
    cases = "\n".join(f"        {line.name}) _arguments -s {_zsh_arguments(line)} ;;" for line in COMMANDS)
    return f"""\
#compdef kapture-tui kapture.sh
# zsh completion of kapture-tui:  kapture-tui completion zsh > ~/.zfunc/_kapture-tui
_kapture_tui_namespaces() {{
    local -a names
    names=(${{(f)"$(kapture-tui completion {NAMESPACES} 2>/dev/null)"}})
    compadd -a names
}}
_kapture_tui_components() {{
    compadd -S '' -- {_components()}
}}
_kapture_tui_first() {{
    local -a commands
    commands=(
{names}
    )
    _describe command commands
    _kapture_tui_namespaces
}}
_kapture_tui() {{
    local name=${{words[2]}}
    if (( CURRENT == 2 )) && [[ $name != -* ]]; then
        _kapture_tui_first
        return
    fi
    case $name in
        {"|".join(line.name for line in COMMANDS)}) shift words; (( CURRENT-- )) ;;
    esac
    case $name in
{cases}
        *) _arguments -s {_zsh_options(CONSOLE)} '1:namespace:_kapture_tui_first' '2:scale:' ;;
    esac
}}
if [[ ${{funcstack[1]}} == _kapture-tui ]]; then
    _kapture_tui "$@"
else
    compdef _kapture_tui kapture-tui kapture.sh
fi"""


def _zsh_arguments(line: CommandLine) -> str:
    return " ".join((_zsh_options(line), *_zsh_words(line)))


def _zsh_words(line: CommandLine) -> Iterator[str]:
    for place, word in enumerate(line.words, 1):
        if line.choices and place == 1:
            yield f"'{place}:{word.lower()}:({' '.join(line.choices)})'"
        elif word == "NAMESPACE":
            yield f"'{place}:namespace:_kapture_tui_namespaces'"
        elif word.startswith("COMPONENT"):
            yield "'*:component:_kapture_tui_components'"
        elif word.startswith("["):
            yield f"'*:{word.strip('[…]').lower()}:_files'"
        else:
            yield f"'{place}:{word.lower()}:'"


def _zsh_options(line: CommandLine) -> str:
    return " ".join(_quoted(text) for option in _options(line) for text in _zsh_option(option))


def _zsh_option(option: Option) -> Iterator[str]:
    help_text = option.help.replace("[", "(").replace("]", ")").replace(":", "\\:")
    value = ""
    if option.metavar:
        how = "_files" if option.parse is path else f"({' '.join(option.choices)})" if option.choices else " "
        value = f":{option.metavar.lower().replace(':', ' ')}:{how}"
    for flag in option.flags:
        yield f"{flag}[{help_text}]{value}"


def _fish() -> str:
    names = " ".join(line.name for line in COMMANDS)
    head = [
        "# fish completion of kapture-tui:",
        "#   kapture-tui completion fish > ~/.config/fish/completions/kapture-tui.fish",
        "complete -c kapture-tui -f",
        f"set -l commands {names}",
    ]
    none = "not __fish_seen_subcommand_from $commands"
    namespaces = f"'(kapture-tui completion {NAMESPACES} 2>/dev/null)'"
    for line in COMMANDS:
        head.append(f'complete -c kapture-tui -n "{none}" -a {line.name} -d {_quoted(line.summary)}')
    head.append(f'complete -c kapture-tui -n "{none}" -a {namespaces}')
    head += [_fish_option(option, none) for option in _options(CONSOLE)]
    for line in COMMANDS:
        when = f"__fish_seen_subcommand_from {line.name}"
        if line.choices:
            head.append(f"complete -c kapture-tui -n \"{when}\" -a '{' '.join(line.choices)}'")
        elif "NAMESPACE" in line.words:
            head.append(f'complete -c kapture-tui -n "{when}" -a {namespaces}')
        if line.name == "scale":
            head.append(f"complete -c kapture-tui -n \"{when}\" -a '{_components()}'")
        head += [_fish_option(option, when) for option in _options(line)]
    return "\n".join(head)


def _fish_option(option: Option, when: str) -> str:
    flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
    value = ""
    if option.metavar:
        value = (
            " -rF"
            if option.parse is path
            else f" -xa '{' '.join(option.choices)}'"
            if option.choices
            else " -x"
        )
    return f'complete -c kapture-tui -n "{when}" {flags}{value} -d {_quoted(option.help)}'


def _quoted(text: str) -> str:
    """In single quotes, for all three shells."""
    return "'" + text.replace("'", "'\\''") + "'"
