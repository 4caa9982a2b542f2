# rota: a cron for a cluster. `make demo` shows it, `make test` proves it; make Q= shows the commands.
VERSION     = 0.1.0
PREFIX     ?= /usr/local
BINDIR      = $(PREFIX)/bin
LIBEXECDIR  = $(PREFIX)/libexec/rota
DATADIR     = $(PREFIX)/share/rota
B          ?= build
MINUTES    ?= 10
Q          ?= @
CC         ?= cc
OPT        ?= -O2 -g
SANITIZE   ?=
STATIC     ?= -static -Wl,--gc-sections
WARN        = -Wall -Wextra -Wshadow -Wvla -Werror
CPPFLAGS   += -D_GNU_SOURCE -Ilib -I$B -DROTA_VERSION='"$(VERSION)"' -DROTA_LIBEXECDIR='"$(LIBEXECDIR)"'
CFLAGS     += -std=gnu11 $(OPT) -ffunction-sections $(WARN) $(SANITIZE)
PKGS        = libssh2 sqlite3 yaml-0.1 inih
# Debian packages: to build, to test, to lint, to make one, to measure, to fuzz.
DEPS_BUILD  = gcc libc6-dev pkg-config libssh2-1-dev libsqlite3-dev libyaml-dev libinih-dev
DEPS_TEST   = bats openssh-server openssh-client sqlite3 jq python3 python3-croniter strace procps util-linux \
              faketime mandoc prometheus tzdata fish zsh tcsh dropbear-bin passwd chromium chromium-driver \
              python3-selenium python3-jsonschema curl msmtp python3-aiosmtpd systemd dbus user-mode-linux \
              podman runc busybox-static slurmctld slurmd slurm-client munge $(DEPS_DEB)
DEPS_LINT   = clang clang-tidy clang-format shellcheck
DEPS_DEB    = build-essential debhelper lintian
DEPS_BENCH  = parallel pdsh clustershell task-spooler openssh-server openssh-client sqlite3 procps
DEPS_FUZZ   = clang libclang-rt-14-dev tzdata
DEPS        = $(DEPS_BUILD) $(DEPS_TEST) $(DEPS_LINT)
PLACE       = DESTDIR='$(DESTDIR)' PREFIX=$(PREFIX) BINDIR=$(BINDIR) LIBEXECDIR=$(LIBEXECDIR) DATADIR=$(DATADIR) lib/install
BUILT       = $(MAKE) --no-print-directory -j2 all

# ---- each program, and the libraries it may link; rota itself holds every command that links no SSH code.
# Of librota.a a program gets what it uses; what it must not use wants a library that it has not.
OWN                = dispatch monitor doctor init worker
PROGRAMS           = rota $(OWN:%=rota-%)
CMD_rota           = $(filter-out $(foreach p,$(OWN),$(CMD_rota-$p)),$(wildcard cmd/*.c))
$(foreach p,$(OWN),$(eval CMD_rota-$p = $(wildcard cmd/$p*.c)))
LIBS_rota          = sqlite3 inih yaml-0.1
LIBS_rota-dispatch = sqlite3 inih yaml-0.1 libssh2
LIBS_rota-monitor  = sqlite3 inih yaml-0.1
LIBS_rota-doctor   = sqlite3 inih libssh2
LIBS_rota-init     = sqlite3 inih libssh2

obj = $(patsubst %.c,$B/obj/%.o,$(1))
UNIT_TESTS = $(patsubst tests/unit/%.c,$B/unit/%,$(wildcard tests/unit/*.c))
FUZZERS    = $(patsubst tests/fuzz/fuzz_%.c,$B/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all programs deps demo check test fault soak lint asan bench fuzz deb install uninstall clean FORCE
all: programs $(UNIT_TESTS) $(FUZZERS)
programs: $(addprefix $B/,$(PROGRAMS))

# The worker's build id names the pushed file, so that a head never talks to another build by accident.
$B/build_id.h: FORCE
	@mkdir -p $B
	@id=$$(cat cmd/worker.c lib/worker/*.[ch] lib/message.[ch] Makefile | sha256sum | cut -c1-16); \
	echo "#define ROTA_BUILD \"$(VERSION)-$$id\"" >$@.new; \
	cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$B/obj/%.o: %.c | $B/build_id.h
	@mkdir -p $(@D)
	@echo CC $<
	$Q$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# They name the directory, which another PREFIX changes.
$(call obj,lib/proc.c lib/transport_local.c cmd/rota.c cmd/monitor_doctor.c): $B/libexecdir
$B/libexecdir: FORCE
	@mkdir -p $B && echo $(LIBEXECDIR) | cmp -s - $@ || echo $(LIBEXECDIR) >$@

# What the board's page is made of is read by the assembler.
$B/obj/lib/monitor/board_page.o: $(wildcard lib/monitor/board*.html lib/monitor/board*.css lib/monitor/board*.js)

define program
$B/$(1): $(call obj,$(CMD_$(1))) $B/librota.a
	@echo LINK $$@
	$$Q$$(CC) $$(CFLAGS) $$(LDFLAGS) $$(if $$(filter rota-worker,$(1)),$$(STATIC) -s) -o $$@ $$^ \
	    $$(if $(LIBS_$(1)),$$(shell pkg-config --libs $(LIBS_$(1)))) -lm
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$p)))

$B/librota.a: $(call obj,$(wildcard lib/*.c lib/*/*.c))
	@rm -f $@
	$Q$(AR) rcs $@ $^
$B/unit/%: tests/unit/%.c $B/librota.a
	@mkdir -p $(@D)
	@echo LINK $@
	$Q$(CC) $(CPPFLAGS) -Itests/unit $(CFLAGS) -MMD -MP -MF $B/unit/$*.d -o $@ $< $B/librota.a \
	    $$(pkg-config --libs $(PKGS)) -lm
# The fuzz targets: they replay inputs; in `make fuzz` libFuzzer drives them.
$B/fuzz/%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(wildcard tests/fuzz/*.h) $B/librota.a
	@mkdir -p $(@D)
	@echo LINK $@
	$Q$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< $(or $(FUZZ_MAIN),tests/fuzz/replay.c) $B/librota.a $$(pkg-config --libs $(PKGS)) -lm

deps:
	@tests/deps $(DEPS)

demo: deps
	@$(BUILT) && jobs/demo $B

# check assumes that the dependencies are there; test sees to them first.
check: all
	@tests/run $B
test: deps
	@$(BUILT) && tests/run $B

# The fault matrix: what a crash, a full disk or a bad link must not do.
fault: deps
	@$(BUILT) && tests/run $B tests/fault/

# Random jobs and random faults for MINUTES, then every invariant.
soak: deps
	@$(BUILT) && SOAK_MINUTES=$(MINUTES) tests/run $B tests/fault/soak

# The same suite with the address and undefined-behaviour sanitizers.
asan:
	@failed=; for suite in check fault; do \
	    $(MAKE) --no-print-directory -j2 B=build/asan OPT='-O1 -g' STATIC= \
	        SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' \
	        $$suite || failed=1; \
	done; test -z "$$failed"

# rota beside its rivals, and what it costs; BENCH='throughput schedule' picks some.
bench:
	@tests/deps $(DEPS_BUILD) $(DEPS_BENCH)
	@$(BUILT) && tests/bench/run $B

# Each target of tests/fuzz/ for a minute (FUZZ_SECONDS).
fuzz:
	@tests/deps $(DEPS_BUILD) $(DEPS_FUZZ)
	@$(MAKE) --no-print-directory -j2 B=build/clang CC=clang OPT='-O1 -g' FUZZ_MAIN=-fsanitize=fuzzer \
	    SANITIZE='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all' $(FUZZERS:$B/%=build/clang/%)
	@tests/fuzz/run build/clang

# The other compiler has its warnings too.
lint: deps $B/build_id.h
	@$(MAKE) --no-print-directory -j2 B=$B/by-clang CC=clang OPT=-O1 all >/dev/null
	@tests/lint $B '$(CPPFLAGS)'

deb:
	@tests/deps $(DEPS_BUILD) $(DEPS_DEB)
	@.debian/make $B

install: programs
	@$(PLACE) put $(addprefix $B/,$(PROGRAMS))
uninstall:
	@$(PLACE) take $(addprefix $B/,$(PROGRAMS))

clean: ; rm -rf build

-include $(shell find $B/obj $B/unit -name '*.d' 2>/dev/null)
