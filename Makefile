# Two commands do everything: `make nightly` runs the job, `make test` checks it. Both install
# libtorch into .libtorch/ on first use and build with the one profile of Cargo.toml.

CARGO ?= cargo
FQM = target/debug/fqm-pipe
# cargo-nextest is used where it is installed; plain cargo runs the same tests.
NEXTEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo yes)
ifeq ($(NEXTEST),yes)
RUN_TESTS = $(CARGO) nextest run --no-fail-fast
LONG_TESTS = $(CARGO) nextest run --no-fail-fast --run-ignored all
else
RUN_TESTS = $(CARGO) test
LONG_TESTS = $(CARGO) test -- --include-ignored
endif

.PHONY: nightly test test-long build lint docs bench clean help

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

nightly: build ## Run the nights of the workspace that this repository ships
	@$(FQM) backfill nightly

build: libtorch ## Build fqm-pipe and fqm-torch
	@[ -x $(FQM) ] || echo "building 590 crates: 10 to 25 minutes the first time, on two cores"
	@$(CARGO) build --bins

test: libtorch peers lint build ## Everything that CI runs
	$(RUN_TESTS)

test-long: libtorch peers build ## The crash tests at every boundary and a month of nights too: about an hour
	$(LONG_TESTS)

lint: libtorch ## Formatting and clippy, warnings are errors; what lies in deploy/
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --all-targets -- -D warnings
	@scripts/deploy-check.sh

docs: libtorch ## The reference of the library, in target/doc
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps

bench: build ## The benchmarks, beside their peers
	benches/run.sh

clean: ## Remove what the nights wrote, not what was built
	rm -rf .fqm reports

.PHONY: libtorch peers
libtorch:
	@scripts/libtorch.sh
peers:
	@scripts/peers.sh
