#!/usr/bin/env bats
# A host that is away and comes back: its runs go on, end once and with all of their output, and
# what happened to it is told apart.

load ../lib
load link

unreachable='running away unreachable since 20??-??-?? ??:??:??:'

@test "a link that is cut for a moment: the run and its output go on" {
    away_config
    away_run blink
    link cut
    ticks_on tick 10
    link heal
    touch go
    dispatcher_ends
    once "$id"
}

@test "a link that is cut long: unreachable since, and all is well when it is back" {
    away_config
    away_run gone
    link cut
    eventually is_so "$id" "$unreachable nothing was heard for *"
    away_says 'down nothing was heard for *'
    ticks_on tick 3
    link heal
    eventually is_so "$id" 'running '
    is_connected
    touch go
    dispatcher_ends
    once "$id"
}

@test "a run that ended while the link was cut is recorded when it is back" {
    away_config
    away_run gone
    link cut
    eventually is_so "$id" "$unreachable *"
    touch go
    eventually witnessed_at_least end 1
    is_so "$id" "$unreachable *"
    link heal
    dispatcher_ends
    once "$id"
}

@test "sshd dies with all its sessions, and is started again" {
    away_sshd
    away_config
    away_run sshd
    away_sshd_dies
    eventually is_so "$id" "$unreachable *"
    ticks_on tick 3
    four_launch "$AWAY_SSHD"
    eventually is_so "$id" 'running '
    touch go
    dispatcher_ends
    once "$id"
}

@test "kill -9 of the worker's front end: another one takes the run over" {
    away_sshd
    away_config
    away_run front
    front=$(pgrep -f 'worker-[^ ]* serve ' -P "$(four_sessions "$AWAY_SSHD" | paste -sd,)")
    kill -KILL "$front"
    eventually grep -q 'away: .*' dispatch.err
    ticks_on tick 3
    touch go
    dispatcher_ends
    [ "$(link count)" -ge 2 ]
    once "$id"
}

@test "the dispatcher dies while the link is cut, and the next one waits for the host" {
    away_config
    away_run head
    link cut
    dispatcher_dies
    dispatcher_starts
    eventually is_so "$id" "$unreachable *"
    link heal
    eventually is_so "$id" 'running '
    touch go
    dispatcher_ends
    once "$id"
}

@test "the host reboots: the run is lost, and says so" {
    away_sshd 'SetEnv ROTA_TEST_BOOT_ID=before'
    away_config
    away_run reboot
    # what a reboot ends, ends unseen
    link cut
    away_sshd_dies
    # shellcheck disable=SC2046 # a list of numbers
    kill -KILL "$(supervisor_of "$id")" $(processes_of "$id")
    sed -i 's/before$/after/' "$AWAY_SSHD/config"
    four_launch "$AWAY_SSHD"
    link heal
    dispatcher_ends
    is_so "$id" 'lost *host rebooted*'
    [ "$(witnessed start)" -eq 1 ]
}

@test "kill -9 of the supervisor of a job that called setsid: lost, once nothing of it is left" {
    away_config
    away_run shim
    cat >daemon.yaml <<YAML
name: daemon
shell: |
  setsid sh -c 'echo \$\$ >$PWD/hidden; trap "" TERM HUP; while :; do sleep 1; done' &
  echo \$\$ >$PWD/main; wait
YAML
    daemon=$(rota submit --host away daemon.yaml)
    eventually is_state "$daemon" running
    eventually test -s hidden
    eventually test -s main
    kill -KILL "$(supervisor_of "$daemon")"
    eventually is_state "$daemon" lost
    # whoever reads `lost` finds nothing of it alive
    run ! process_lives "$(cat hidden)"
    run ! process_lives "$(cat main)"
    is_so "$daemon" 'lost *supervisor is gone*'
    is_so "$id" 'running '
    touch go
    dispatcher_ends
    once "$id"
}

@test "the spool is taken away: the run is lost, and says so" {
    away_config
    away_run spool
    link drop
    eventually is_so "$id" "$unreachable *"
    rm -rf "$(worker_spool)/away"
    link heal
    dispatcher_ends
    is_so "$id" 'lost *spool gone*'
    touch go
    eventually witnessed_at_least end 1
    [ "$(witnessed start)" -eq 1 ]
}

@test "another machine answers: said so, and nothing is started there" {
    away_sshd 'SetEnv ROTA_TEST_MACHINE_ID=mine'
    away_config 1
    away_run machine
    waits=$(rota submit --host away job.yaml)
    away_sshd_dies
    sed -i 's/=mine$/=other/' "$AWAY_SSHD/config"
    four_launch "$AWAY_SSHD"
    eventually is_so "$id" "$unreachable another machine answers as away*"
    away_says 'down another machine answers as away*'
    eventually is_so "$waits" 'queued away unreachable since *another machine answers*'
    [ "$(witnessed "^$waits ")" -eq 0 ]
    away_sshd_dies
    sed -i 's/=other$/=mine/' "$AWAY_SSHD/config"
    four_launch "$AWAY_SSHD"
    eventually is_so "$id" 'running '
    touch go
    dispatcher_ends
    once "$id"
    once "$waits"
}
