# make demo: see it work, without a camera. make test: all tests. make soak: everything goes wrong at random, for as long
# as DURATION says; as root, for some of it needs a disk that breaks. make bench: what it costs, and how fast it is. make
# fuzz: anything at all to the mail port. Each first installs what it needs and is not there.

.PHONY: demo test soak bench fuzz

demo:
	@.ci/setup demo
	cargo run --release --locked -- demo $(ARGS)

# Most of what the tests with real FFmpegs do is wait: more of them than there are processors may do so at a time.
test: export RUST_TEST_THREADS ?= 8
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

# RUNS: of each of the three. What is found to be new stays in target/fuzz/corpus, and what fails in tests/fuzz/artifacts.
# Code without unsafe needs no sanitizer.
fuzz: export RUSTC_BOOTSTRAP = 1
fuzz: export RUNS ?= 1000000
fuzz:
	@.ci/setup fuzz
	@set -e; for target in lines session mail; do \
	    mkdir -p target/fuzz/corpus/$$target; \
	    cargo fuzz run --fuzz-dir tests/fuzz --target-dir target/fuzz -s none $$target \
	        target/fuzz/corpus/$$target tests/fuzz/corpus/$$target -- -runs=$$RUNS -max_len=4096 $(ARGS); \
	done
