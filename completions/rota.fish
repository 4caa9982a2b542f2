# Completion of rota(1) for fish: `rota complete` knows what may stand there.

# The words before the cursor, and the one it is in, without quotes.
function __rota_words
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l plain (string unescape -- $current 2>/dev/null)
    or set plain (string replace --all --regex '["\'\\\\]' '' -- $current)
    printf '%s\n' $words[2..] "$plain"
end

function __rota_complete
    set -l words (__rota_words)
    set -l option (string match --regex '^--[^=]*=' -- $words[-1]; or echo)
    set -l path (string replace --regex '^--[^=]*=' '' -- $words[-1])
    for line in (command rota complete -- $words 2>/dev/null)
        set -l cut (string split --max 1 \t -- $line)
        if test -n "$cut[1]"
            printf '%s\n' $line
            continue
        end
        switch $cut[2]
            case files
                string join \n -- "$option"(__fish_complete_path $path)
            case directories
                string join \n -- "$option"(__fish_complete_directories $path)
            case 'command *'
                set -l at (math (string replace 'command ' '' -- $cut[2]) + 1)
                complete -C (string join ' ' -- (string escape -- $words[$at..-2]) "$words[-1]")
        end
    end
end

complete --command rota --no-files --keep-order --arguments '(__rota_complete)'
