# make run      install what is missing, build, show the files being opened on this machine for ten seconds
# make test     install what is missing, then every check and test (root, or sudo, for those that load BPF)
# make bench    the figures of the README, as ratios against peers; ROWS=name,name for some
# make release  dist/ecli: one static file, with completions and man pages beside it; release-test tries it in an empty root
# make fuzz     every fuzz target for SECONDS each (nightly toolchain)

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
.PHONY: run test bench release release-test fuzz setup setup-test build check unit e2e test-setup

export CARGO_TARGET_DIR ?= $(CURDIR)/target
out := $(CARGO_TARGET_DIR)
triple := $(shell rustc -vV | sed -n 's/^host: //p')
triple_var := $(shell echo $(triple) | tr 'a-z-' 'A-Z_')

# Programs that load BPF run as root; cargo itself never does when the user is not.
sudo := $(if $(filter 0,$(shell id -u)),,sudo)
as_root := $(if $(sudo),--config "target.'cfg(all())'.runner='sudo -E'")

ROWS ?=
comma := ,
# The row `record` is read from what criterion has measured.
bench_record := $(if $(ROWS),$(filter record,$(subst $(comma), ,$(ROWS))),record)
SECONDS ?= 60
release_most_mib := 8
fuzz_targets := package_open btf_layout decode filter

setup:
	@bash scripts/setup build

setup-test:
	@bash scripts/setup test

build: setup
	cargo build --profile quick -p ecli

run: build
	$(sudo) $(out)/quick/ecli run --timeout 10s examples/opensnoop/package.json

test: setup-test
	$(MAKE) --no-print-directory check
	$(MAKE) --no-print-directory unit
	$(MAKE) --no-print-directory e2e

check:
	cargo fmt --all --check
	cargo clippy -q --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc -q --workspace --no-deps --lib

# Unit, property and integration tests of every crate, doc tests, and the fuzz corpus on stable.
unit:
	cargo test $(as_root) --workspace --exclude e2e

# The real binary on the real kernel.
e2e:
	cargo build -p ecli -p e2e --bins
	cargo test $(as_root) -p e2e

bench: setup-test
	cargo build --release -p ecli -p e2e --bins
	$(if $(bench_record),cargo bench -p record --bench render -- columns)
	$(sudo) $(out)/release/bench $(if $(ROWS),--rows $(ROWS)) --json $(out)/bench.json

# libelf and libz come from Debian's archives; what else libelf.a needs (zstd, on newer releases) pkg-config knows.
# -Bstatic: rustc leaves the linker in dynamic mode, and one shared library in reach makes weak symbols dynamic.
release: setup
	CARGO_TARGET_$(triple_var)_RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,-Bstatic $$(pkg-config --static --libs-only-l libelf | sed 's/-l/-C link-arg=-l/g')" \
		cargo build --release -p ecli --target $(triple)
	mkdir -p dist
	install -s -m 755 $(out)/$(triple)/release/ecli dist/ecli
	bash scripts/static-check dist/ecli $(release_most_mib)
	mkdir -p dist/completions dist/man
	dist/ecli completions bash >dist/completions/ecli.bash
	dist/ecli completions fish >dist/completions/ecli.fish
	dist/ecli completions zsh >dist/completions/_ecli
	dist/ecli man dist/man

# dist/ecli alone in a root folder: https by name, then events.
release-test: setup-test release
	cargo test $(as_root) -p e2e --test e2e static_binary:: -- --ignored

fuzz: setup
	command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	cd fuzz; unset CARGO_TARGET_DIR; for target in $(fuzz_targets); do \
		cargo +nightly fuzz run $$target -- -max_total_time=$(SECONDS) -max_len=65536 -timeout=10 -rss_limit_mb=1024; \
	done

# Tries scripts/setup in a Debian that has nothing.
test-setup:
	bash scripts/test-setup
