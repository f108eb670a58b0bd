# kith. `make help` lists the targets.

ifeq ($(origin CC),default)
CC        := gcc
endif
BUILD     ?= build
PREFIX    ?= /usr
DESTDIR   ?=
LIBDIR    := $(DESTDIR)$(PREFIX)/lib
MANDIR    := $(DESTDIR)$(PREFIX)/share/man
FUZZ_SECONDS ?= 60
MAKEFLAGS += --no-print-directory
ifeq ($(MAKELEVEL)$(findstring -j,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

PACKAGES := libcrypto libsodium libzmq lmdb msgpack jansson inih libutf8proc libpcre2-8 zlib libsystemd odbc
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Werror
FORTIFY  ?= -D_FORTIFY_SOURCE=2
CFLAGS   ?= -O2 -g
cppflags := -D_GNU_SOURCE $(FORTIFY) -I. $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null) $(CPPFLAGS)
cflags   := -std=gnu17 $(WARNINGS) -fstack-protector-strong -fPIE -pthread $(CFLAGS)
ldflags  := -pie -Wl,--as-needed,-z,relro,-z,now -pthread $(LDFLAGS)
ldlibs   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lm

# ---- what is built from what: a folder may include only those to its left
# base <- crypto <- proto <- { daemon, matcher } <- cli <- tests
src       = $(sort $(wildcard $(addsuffix /*.c,$(1))))
CORE     := $(call src,proto crypto base)
ENCODE   := $(call src,crypto/encode)
DAEMON   := $(call src,daemon/pipeline daemon/service)
# Drivers of others run in it: it has nothing that knows of rounds or keys.
ODBC     := $(call src,daemon/odbc)
ODBC_SHARED := $(addprefix daemon/pipeline/,rowpipe.c dsn.c) crypto/secret.c \
  $(addprefix base/,buf.c err.c failpoint.c file.c mem.c process.c text.c)
MATCHER  := $(call src,matcher/engine matcher/linkage matcher/service)
# A folder for each noun that has many files.
CLI      := $(filter-out cli/kith.c,$(call src,cli $(patsubst %/,%,$(wildcard cli/*/))))
LIBRARY  := $(CLI) $(DAEMON) $(MATCHER) $(ENCODE) $(CORE)
MAINS    := cli/kith.c daemon/kithd.c daemon/kith-odbc.c matcher/kith-matcher.c
FUZZERS  := $(filter tests/fuzz/fuzz_%,$(call src,tests/fuzz))

PROGRAMS := $(addprefix $(BUILD)/,kith kithd kith-odbc kith-matcher)
TEST_PROGRAMS := $(addprefix $(BUILD)/test/,kith kithd kith-odbc kith-matcher)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/test/unit/%,$(call src,tests/unit))
REPLAYS  := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/test/fuzz/%,$(FUZZERS))
LIBFUZZERS := $(if $(FUZZ),$(addprefix $(BUILD)/fuzz/,$(FUZZ)),$(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/fuzz/%,$(FUZZERS)))

obj       = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
testobj   = $(patsubst %.c,$(BUILD)/test/obj/%.o,$(1))
say       = @$(if $(V),,printf '%-5s %s\n' $(1) $@;)
link      = $(call say,link) $(CC) $(cflags) $(ldflags) -o $@ $(filter %.o %.a,$^) $(ldlibs)

.PHONY: all help deps deps-dev check built unit units objects lint asan tsan fuzz fuzz-run bench cov \
  install demo chapter clean
.SECONDARY:
all: $(PROGRAMS) ## the programs, in build/

help: ## this list
	@awk -F '## ' '/^[a-z-]+:.*## /{split($$1, t, ":"); printf "%-10s %s\n", t[1], $$2}' Makefile

# Of an archive, the linker takes what is used: the program that people start waits for no library of
# the daemons (systemd's alone brings six others). Commands are found without a name: all are linked.
$(BUILD)/kith: $(call obj,cli/kith.c $(CLI)) $(BUILD)/libkith.a
$(BUILD)/kithd: $(call obj,daemon/kithd.c $(DAEMON) $(ENCODE) $(CORE))
$(BUILD)/kith-odbc: $(call obj,daemon/kith-odbc.c $(ODBC) $(ODBC_SHARED))
$(BUILD)/kith-matcher: $(call obj,matcher/kith-matcher.c $(MATCHER) $(CORE))
$(BUILD)/test/kith: $(call testobj,cli/kith.c $(CLI)) $(BUILD)/test/libkith.a
$(BUILD)/test/kithd: $(call testobj,daemon/kithd.c $(DAEMON) $(ENCODE) $(CORE))
$(BUILD)/test/kith-odbc: $(call testobj,daemon/kith-odbc.c $(ODBC) $(ODBC_SHARED))
$(BUILD)/test/kith-matcher: $(call testobj,matcher/kith-matcher.c $(MATCHER) $(CORE))
$(PROGRAMS) $(TEST_PROGRAMS):
	$(link)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc) $(CC) $(cppflags) $(cflags) -MMD -MP -c -o $@ $<
$(BUILD)/test/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc) $(CC) $(cppflags) -DKITH_TESTING $(cflags) -MMD -MP -c -o $@ $<

$(BUILD)/libkith.a: $(call obj,$(LIBRARY))
$(BUILD)/test/libkith.a: $(call testobj,$(LIBRARY) $(ODBC))
$(BUILD)/libkith.a $(BUILD)/test/libkith.a:
	$(call say,ar) rm -f $@ && ar rcs $@ $^
$(BUILD)/test/unit/%: $(BUILD)/test/obj/tests/unit/%.o $(BUILD)/test/libkith.a
	@mkdir -p $(@D)
	$(link) -lcmocka -lcsv
$(BUILD)/test/fuzz/%: $(BUILD)/test/obj/tests/fuzz/fuzz_%.o $(BUILD)/test/obj/tests/fuzz/replay.o $(BUILD)/test/libkith.a
	@mkdir -p $(@D)
	$(link)
$(BUILD)/test/opens: $(BUILD)/test/obj/tests/system/opens.o $(BUILD)/test/libkith.a
	$(link)
$(BUILD)/fuzz/%: $(BUILD)/test/obj/tests/fuzz/fuzz_%.o $(BUILD)/test/libkith.a
	@mkdir -p $(@D)
	$(link) -fsanitize=fuzzer

# ---- a second make, because pkg-config is asked when make starts
deps: ## install what building and running need (Debian)
	@scripts/deps build
deps-dev: deps ## install what tests, lint and documents need too
	@scripts/deps test dev
check: ## build everything, run every test; the last line counts them
	@scripts/deps build test
	@$(MAKE) built
	@tests/run $(BUILD)
built: $(PROGRAMS) $(TEST_PROGRAMS) $(BUILD)/test/opens $(UNIT_TESTS) $(REPLAYS)
unit: units ## unit tests and fuzz corpora only
	@tests/run --unit $(BUILD)
units: $(UNIT_TESTS) $(REPLAYS)
objects: $(call obj,$(MAINS) $(LIBRARY) $(ODBC)) $(call testobj,$(call src,tests/unit tests/system) $(FUZZERS))

lint: ## include rule, lengths, format, clang's warnings, clang-tidy, cppcheck
	+@tests/lint/run $(BUILD)
asan: ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) BUILD=$(BUILD)/asan FORTIFY= CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all" unit
tsan: ## unit tests under ThreadSanitizer
	@TSAN_OPTIONS=suppressions=$(CURDIR)/tests/tsan.supp setarch -R $(MAKE) BUILD=$(BUILD)/tsan FORTIFY= CFLAGS="-O1 -g -fsanitize=thread" unit
fuzz: ## each fuzz target (FUZZ="csv date": these) for FUZZ_SECONDS, or FUZZ_RUNS executions, from its corpus
	@$(MAKE) BUILD=$(BUILD)/libfuzzer CC=clang FORTIFY= CFLAGS="-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all" fuzz-run
fuzz-run: $(LIBFUZZERS)
	@for f in $^; do n=$${f##*/}; echo "== $$n"; mkdir -p $(BUILD)/found/$$n; \
	  $$f $(if $(FUZZ_RUNS),-runs=$(FUZZ_RUNS),-max_total_time=$(FUZZ_SECONDS)) -print_final_stats=1 -verbosity=0 -artifact_prefix=$(BUILD)/crash-$$n- \
	    $(BUILD)/found/$$n tests/fuzz/corpus/$$n || exit 1; done
bench: all ## speed of the similarity engine on this machine
	$(BUILD)/kith bench engine
cov: ## line coverage of every test, in build/cov/html
	@$(MAKE) BUILD=$(BUILD)/cov FORTIFY= CFLAGS="-O0 -g --coverage" check
	@lcov -q --capture --directory $(BUILD)/cov/test/obj --output-file $(BUILD)/cov/all.info
	@lcov -q --extract $(BUILD)/cov/all.info '$(CURDIR)/*' --output-file $(BUILD)/cov/own.info
	@lcov -q --remove $(BUILD)/cov/own.info '$(CURDIR)/tests/*' --output-file $(BUILD)/cov/kith.info
	@genhtml -q -o $(BUILD)/cov/html $(BUILD)/cov/kith.info && lcov --summary $(BUILD)/cov/kith.info
demo: ## six agencies, a matcher and a recipient on this machine, one round
	@scripts/deps build
	@$(MAKE) all
	@tests/demo/run $(BUILD)

chapter: built ## docs/a-round.md anew: a whole round, as each person types it
	@tests/demo/chapter $(BUILD)

install: all ## under DESTDIR and PREFIX
	install -D -t $(DESTDIR)$(PREFIX)/bin $(PROGRAMS) scripts/slurm/kith-slurm-match
	install -D -m 644 -t $(LIBDIR)/systemd/system systemd/*.service
	install -D -m 644 systemd/kith.sysusers $(LIBDIR)/sysusers.d/kith.conf
	install -D -m 644 systemd/kith.tmpfiles $(LIBDIR)/tmpfiles.d/kith.conf
	for page in $(wildcard docs/man/*.[1-8]); do \
	  install -D -m 644 -t $(MANDIR)/man$${page##*.} $$page || exit 1; done
clean: ## remove what was built
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj $(BUILD)/test/obj -name '*.d' 2>/dev/null)
