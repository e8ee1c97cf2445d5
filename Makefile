# make demo: see it work, without a camera. make test: all tests. make soak: everything goes wrong at random, for as long
# as DURATION says; as root, for some of it needs a disk that breaks. Each first installs what it needs and is not there.

.PHONY: demo test soak

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
