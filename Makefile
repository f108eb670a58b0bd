# kith. `make help` lists the targets.

CC       ?= gcc
BUILD    ?= build
PREFIX   ?= /usr
SYSCONFDIR ?= /etc
DESTDIR  ?=
UNITDIR  ?= $(PREFIX)/lib/systemd/system

PACKAGES := libcrypto libsodium libzmq lmdb msgpack jansson inih libutf8proc zlib libsystemd libseccomp
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Werror
CPPFLAGS += -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -I. $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
CFLAGS   ?= -O2 -g
CFLAGS   += -std=gnu17 $(WARNINGS) -fstack-protector-strong -fPIE -pthread
LDFLAGS  += -pie -Wl,-z,relro,-z,now -pthread
LDLIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lcsv -lm

# ---- what is built from what: a folder may include only those to its left
# base <- crypto <- proto <- { daemon, matcher } <- cli <- tests
src       = $(sort $(wildcard $(addsuffix /*.c,$(1))))
BASE     := $(call src,base)
CRYPTO   := $(call src,crypto)
ENCODE   := $(call src,crypto/encode)
PROTO    := $(call src,proto)
DAEMON   := $(call src,daemon/pipeline daemon/service)
MATCHER  := $(call src,matcher/engine matcher/linkage matcher/service)
CLI      := $(filter-out cli/kith.c,$(call src,cli))

KITH_SRC    := cli/kith.c $(CLI) $(DAEMON) $(MATCHER) $(PROTO) $(ENCODE) $(CRYPTO) $(BASE)
KITHD_SRC   := daemon/kithd.c $(DAEMON) $(PROTO) $(ENCODE) $(CRYPTO) $(BASE)
KITHM_SRC   := matcher/kith-matcher.c $(MATCHER) $(PROTO) $(CRYPTO) $(BASE)
LIB_SRC     := $(CLI) $(DAEMON) $(MATCHER) $(PROTO) $(ENCODE) $(CRYPTO) $(BASE)

PROGRAMS := $(addprefix $(BUILD)/,kith kithd kith-matcher)
TEST_PROGRAMS := $(addprefix $(BUILD)/test/,kith kithd kith-matcher)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/test/unit/%,$(call src,tests/unit))

obj       = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
testobj   = $(patsubst %.c,$(BUILD)/test/obj/%.o,$(1))

.PHONY: all check
all: $(PROGRAMS)

$(BUILD)/kith: $(call obj,$(KITH_SRC))
$(BUILD)/kithd: $(call obj,$(KITHD_SRC))
$(BUILD)/kith-matcher: $(call obj,$(KITHM_SRC))
$(BUILD)/test/kith: $(call testobj,$(KITH_SRC))
$(BUILD)/test/kithd: $(call testobj,$(KITHD_SRC))
$(BUILD)/test/kith-matcher: $(call testobj,$(KITHM_SRC))
$(PROGRAMS) $(TEST_PROGRAMS):
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/test/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DKITH_TESTING $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/test/libkith.a: $(call testobj,$(LIB_SRC))
	@rm -f $@
	ar rcs $@ $^
$(BUILD)/test/unit/%: $(BUILD)/test/obj/tests/unit/%.o $(BUILD)/test/libkith.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

check: all $(TEST_PROGRAMS) $(UNIT_TESTS)
	tests/run $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
