# shellcheck shell=bash
# examples: a home in which everything that the manual shows as an example can be typed, and how what
# the manual shows is found. Load it after lib.
#
#   examples_home         fills $HOME: hosts, jobs, files, runs 1 to 22 in the queue, and goes there
#   examples_history      lets these runs happen, then queues two more
#   lines_of FILE         what a manual page, or README.md, shows to be typed, as the reader sees it
#   examples_of FILE      the examples of a manual page, or of README.md: one command each, NUL after it
#   blocks_of FILE [KIND] the blocks of a page, or those of README.md marked as KIND, NUL after each

# What is named in examples and is no part of rota.
examples_files()
{
    mkdir -p bin jobs prom board backup
    printf '#!/bin/sh\nexec cat "%s/crontab"\n' "$HOME" >bin/crontab
    printf '#!/bin/sh\ncat >>"%s/told"\n' "$HOME" >bin/tell
    chmod +x bin/*
    printf '%s\n' '# m h dom mon dow command' '30 2 * * * /usr/local/bin/backup --all' \
        '*/15 * * * * check-disks >/dev/null' >./crontab
    printf 'all:\n\t@echo made\n' >Makefile
    printf 'echo one\necho two\n' >commands
    printf '%s\n' "$HOME/a.log" "$HOME/b.log" >names
    printf 'text\n' | tee a.log b.log >c.log
    printf '%s\n' '{"host": "web1", "cmd": "uptime"}' '{"host": "db2", "cmd": "uptime"}' >plan.json
    printf '%s\n' '#!/bin/bash' '#SBATCH --time=1:00:00' 'hostname' >job.sh
    chmod +x job.sh
}

examples_jobs()
{
    cat >nightly.yaml <<'END'
name: nightly-backup
schedule: {cron: "30 2 * * *", deadline: 1s}
shell: "true"
END
    cat >on-each.yaml <<'END'
name: on-each
where: {each: true}
shell: uptime
END
    cp nightly.yaml jobs/
    cat >jobs/report.yaml <<'END'
name: nightly-report
schedule: {cron: "0 4 * * *"}
parameters: {day: today}
shell: echo "$ROTA_PARAM_day"
END
    cat >jobs/render.yaml <<'END'
name: render
parameters: {scene: , quality: high}
array: 1-4
shell: test "$ROTA_INDEX" -ne 3
END
    cp jobs/render.yaml render.yml
}

# Runs 1 to 22; 17 to 20 are an array of which two elements fail.
examples_runs()
{
    cat <<'END'
{name: extract, shell: 'echo rows=17 >>"$ROTA_OUTPUT"'}
---
{name: load, shell: "true", after: [extract]}
---
{name: report, shell: "exit 3", after: [load]}
---
{name: apologise, shell: "true", after: [{job: report, is: failed}]}
---
{name: flaky, shell: 'echo "error: no paper" >&2; exit 1', retry: {attempts: 2, delay: 0s}}
---
{name: long, shell: "kill -KILL $$", where: {hosts: db2}}
---
{name: warm, shell: "echo $ROTA_INDEX", array: 1-10}
---
{name: sweep, shell: "exit $((ROTA_INDEX % 2))", array: 0-3}
---
{name: nightly-check, shell: "true", where: {hosts: web1}}
---
{name: dump, shell: "true", where: {hosts: db2}, pools: [licence]}
END
}

examples_home()
{
    cd "$HOME" || return
    export PATH=$HOME/bin:$PATH
    config <<END
[worker web[1-2]]
transport = local
tags = web, eu
slots = 4
[worker db[1-4]]
transport = local
tags = db
[worker build1]
transport = local
[pool licence]
limit = 2
[alert ops]
on = failed, recovered
command = $HOME/bin/tell
END
    examples_files
    examples_jobs
    rota schedule add -q jobs >/dev/null
    examples_runs | rota submit -q -o id - >/dev/null
    [ "$(rota status --array 17 -o id | tr '\n' ' ')" = '17 18 19 20 ' ]
}

examples_history()
{
    local yesterday
    rota dispatch -q
    # a schedule that was due while nobody looked
    # in 30 hours there is a 2:30, whatever the time is now, and it is over its deadline
    yesterday=$((($(date +%s) - 30 * 3600) * 1000))
    sqlite3 -cmd '.timeout 60000' "$ROTA_CATALOGUE" \
        "UPDATE job SET next_at = $yesterday WHERE name = 'nightly-backup'"
    rota schedule tick -q >/dev/null
    rota submit -q --hold --host db2 --name dump -- true >/dev/null
    rota submit -q --in 1h --name nightly-index -- true >/dev/null
}

# ---- what the manual shows ----

# Complete commands, NUL after each, of lines: those that a shell would wait to see the end of belong
# together; a comment belongs to none.
commands_of_lines()
{
    local line text=
    while IFS= read -r line; do
        if [ -z "$text" ] && [[ $line =~ ^(#.*|[[:space:]]*)$ ]]; then
            continue
        fi
        text+=${text:+$'\n'}$line
        if is_crontab_line "$text" || bash -n -c "$text" 2>/dev/null; then
            printf '%s\0' "$text"
            text=
        fi
    done
    if [ -n "$text" ]; then
        printf '%s\0' "$text"
    fi
}

# Of a page: each .Dl, and each literal block, as the reader sees it.
lines_of_page()
{
    awk '
    # what the page writes so that it is shown as it is
    function shown(s) {
        gsub(/\\\(dq/, "\"", s); gsub(/\\&/, "", s); gsub(/\\e/, "\\", s); gsub(/ ,/, ",", s)
        return s
    }
    /^\.Bd -literal/ { block = 1; next }
    /^\.Ed/ { block = 0; next }
    block { print shown($0) }
    /^\.Dl / { print shown(substr($0, 5)) }' "$1"
}

# Of README: the lines after "$ " where a block has such, else all of it.
lines_of_readme()
{
    awk '
    function flush() { if (text) printf "%s", prompts ? prompts : text; text = prompts = "" }
    /^```/ { fence = !fence; next }
    !fence && /^    / {
        line = substr($0, 5)
        text = text line "\n"
        if (sub(/^\$ /, "", line)) prompts = prompts line "\n"
        next
    }
    /^$/ && text { text = text "\n"; next }
    { flush() }
    END { flush() }' "$1"
}

lines_of()
{
    case $1 in
    *.md) lines_of_readme "$1" ;;
    *) lines_of_page "$1" ;;
    esac
}

examples_of()
{
    lines_of "$1" | commands_of_lines
}

# Of README the blocks that are marked with the word, of a page all literal blocks.
blocks_of()
{
    awk -v kind="$2" '
    $0 == "```" kind || /^\.Bd -literal/ { inside = 1; next }
    (/^```/ || /^\.Ed/) && inside { inside = 0; printf "%c", 0 }
    inside' "$1"
}

is_crontab_line()
{
    [[ $1 =~ ^([-0-9*/,]+\ ){5}[a-z] ]]
}
