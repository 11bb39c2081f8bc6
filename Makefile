# The commands of this repository. They need Go, and gcc for the race detector;
# what else they use they build themselves, once.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

# How long each fuzz target runs: so many inputs, which take a few seconds. Given
# as a time (make fuzz FUZZTIME=10m), go test now and then ends a target that found nothing
# with "context deadline exceeded".
FUZZTIME ?= 10000x

# golangci-lint brings staticcheck and gofumpt with it. It is built from source
# into the user's cache, where the next clone finds it.
LINT_VERSION := v2.15.0
LINT_DIR     := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tollgate/golangci-lint-$(LINT_VERSION)
LINT         := $(LINT_DIR)/golangci-lint

# The race detector watches everything but SQLite's own C code, as it was translated
# into Go: that is one package without goroutines, whose locks are in modernc.org/libc,
# and watching it takes half of the time of all tests. What else is translated so is
# watched, but its pointers, which are not Go's, are not looked at.
WITH_RACE := -race -gcflags='modernc.org/sqlite/lib=-race=false -d=checkptr=0' \
	$(foreach p,modernc.org/sqlite modernc.org/libc modernc.org/memory,-gcflags='$(p)=-d=checkptr=0')

# Collecting garbage is a third of the time of tests under the race detector: they
# may have some more memory instead.
TEST := GOGC=400 $(GO) test

# The race detector needs a C compiler. Without one the tests still run, and say
# that they ran without; in CI that is a failure.
CC_FOUND := $(shell command -v "$$($(GO) env CC)" 2>/dev/null)
ifneq ($(CC_FOUND),)
RACE := $(WITH_RACE)
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## the static binary, bin/tollgate
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.release=$(VERSION)' -o bin/tollgate ./cmd/tollgate

.PHONY: test
test: fuzz ## every test, with the race detector, and each fuzz target for a few seconds
ifeq ($(RACE),)
	@echo '*** No C compiler (gcc): the tests run WITHOUT the race detector. ***' >&2
	@[ "$(CI)" != true ] || { echo '*** In CI that is a failure. ***' >&2; exit 1; }
endif
	$(TEST) $(RACE) -shuffle=on -timeout 15m ./...

.PHONY: race
race: ## the tests of PKG (./...) with the race detector, nothing cached
	$(TEST) $(WITH_RACE) -shuffle=on -count=1 -timeout 15m $(or $(PKG),./...)

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (10000x)
	@set -e; grep -r --include='*_test.go' --exclude-dir=node_modules -o '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file target; do \
		target=$${target#func }; echo "fuzz $$target in $${file%/*}"; \
		$(GO) test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=100x "$${file%/*}" </dev/null || exit 1; \
	done

.PHONY: sdk
sdk: ## the providers' official SDKs against a running server: Go, and Node where npm is there
	@if [ -f test/sdk/go.mod ]; then cd test/sdk && $(GO) test ./...; else echo 'no test/sdk'; fi
	@if [ ! -f test/sdk-node/package.json ]; then echo 'no test/sdk-node'; \
	elif command -v npm >/dev/null; then cd test/sdk-node && npm ci --no-audit --no-fund && npm test; \
	else echo '*** No npm: the tests of the Node SDK did NOT run. ***' >&2; fi

.PHONY: compatibility
compatibility: ## run the official SDKs' matrix and write docs/compatibility.md: needs npm
	cd test/sdk && $(GO) test -count=1 -run '^TestMatrix$$' . -update
	cd test/sdk-node && npm ci --no-audit --no-fund && npm run pretest && UPDATE=1 node --test matrix.test.js

.PHONY: browser
browser: ## Tollgate's own pages in a real browser: needs npm and chromium
	@if ! command -v npm >/dev/null; then echo '*** No npm: the tests in a browser did NOT run. ***' >&2; [ "$(CI)" != true ]; \
	else cd test/browser && npm ci --no-audit --no-fund && npm test; fi

.PHONY: bench
bench: ## CPU, latency and memory of a request, beside a bare reverse proxy
	$(GO) run ./test/bench $(ARGS)

.PHONY: scale
scale: ## lists of 10,000 keys and how fast they are made, over the real API; decisions and memory by the number of keys
	$(GO) test ./test/scale -run '^$$' -bench '$(or $(BENCH),.)' -benchtime $(or $(BENCHTIME),500x) $(ARGS)

.PHONY: lint
lint: openapi ## gofumpt, go vet, staticcheck and more, .golangci.yml says why each; and the OpenAPI document
	$(GO) vet ./...
	@$(MAKE) --no-print-directory $(LINT) || echo '*** golangci-lint cannot be built (no network?): gofmt alone is asked. ***' >&2
	@if [ -x $(LINT) ]; then $(LINT) run; else unformatted=$$(gofmt -l .); echo "$$unformatted"; [ -z "$$unformatted" ]; fi

# The linter is an npm package; test/browser/redocly.yaml says what it asks.
.PHONY: openapi
openapi: ## lint the OpenAPI document: needs npm
	@if ! command -v npm >/dev/null; then echo '*** No npm: the OpenAPI document was NOT linted. ***' >&2; [ "$(CI)" != true ]; \
	else cd test/browser && { [ -d node_modules/@redocly/cli ] || npm ci --no-audit --no-fund; } && node lint.js; fi

$(LINT):
	@echo 'building golangci-lint $(LINT_VERSION), once: it takes some minutes'
	GOBIN='$(LINT_DIR)' GOFLAGS= $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

.PHONY: fmt
fmt: $(LINT) ## format the sources
	$(LINT) fmt

.PHONY: generate
generate: ## write the generated references anew
	$(GO) generate ./...

.PHONY: generated
generated: ## tell whether go.mod and the generated references are up to date
	$(GO) mod verify
	@diff=$$($(GO) mod tidy -diff) || [ -n "$$diff" ] || echo '*** go mod tidy could not look (no network?) ***' >&2; \
	[ -z "$$diff" ] || { echo "$$diff"; echo 'go.mod and go.sum are not tidy: run go mod tidy' >&2; exit 1; }
	$(GO) test -run 'Reference|Links|Architecture|Readme|Pinned' . ./internal/config ./cmd/tollgate

.PHONY: check
check: lint generated test ## all that a change must pass
