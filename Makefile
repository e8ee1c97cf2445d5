# make demo: see it work, without a camera. make test: all tests. Each first installs what it needs and is not there.

.PHONY: demo test

demo:
	@.ci/setup demo
	cargo run --release --locked -- demo $(ARGS)

# Most of what the tests with real FFmpegs do is wait: more of them than there are processors may do so at a time.
test: export RUST_TEST_THREADS ?= 6
test:
	@.ci/setup test
	cargo test --locked $(ARGS)
