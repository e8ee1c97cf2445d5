# make demo: see it work, without a camera. make test: all tests. make soak: everything goes wrong at random, for as long
# as DURATION says; as root, for some of it needs a disk that breaks. make bench: what it costs, and how fast it is. Each
# first installs what it needs and is not there.

.PHONY: demo test soak bench

demo:
	@.ci/setup demo
	cargo run --release --locked -- demo $(ARGS)

# Most of what the tests with real FFmpegs do is wait: more of them than there are processors may do so at a time.
test: export RUST_TEST_THREADS ?= 6
test:
	@.ci/setup test
	cargo test --locked $(ARGS)

# SEED: the same faults again. FAULTS: only those with one of these words in their names, such as FAULTS=archive,FFmpeg.
soak: export DURATION ?= 1h
soak: export SEED ?=
soak: export FAULTS ?=
soak:
	@.ci/setup test
	cargo test --release --locked --test faults everything_at_random -- --ignored --nocapture

# Writes docs/benchmarks.md, in a quarter of an hour at most. PARTS: print only some of core, cameras, archive, mail and
# monitor, such as PARTS=monitor. CAMERAS: other numbers of them, such as CAMERAS="1 8".
bench: export CAMERAS ?=
bench: TARGET = $(or $(CARGO_TARGET_DIR),target)
bench: export NVR_PROGRAM = $(abspath $(TARGET)/tmp/nvr)
bench:
	@.ci/setup bench
	$(if $(filter core,$(or $(PARTS),core)),cargo bench --locked --bench core)
	cargo build --locked --release
	install -D $(TARGET)/release/nvr $(TARGET)/tmp/nvr
	cargo bench --locked --bench whole -- $(PARTS)
