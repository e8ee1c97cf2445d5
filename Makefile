# make demo: see it work, without a camera. make test: all tests. Each first installs what it needs and is not there.

.PHONY: demo test

demo:
	@.ci/setup demo
	cargo run --release --locked -- demo $(ARGS)

test:
	@.ci/setup test
	cargo test --locked $(ARGS)
