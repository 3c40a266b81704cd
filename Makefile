# The two commands: `make run` starts the app, `make test` tests it. Both
# install what is missing first (Debian and Ubuntu; elsewhere they name it).

GO      ?= go
OUT     := out
TOOLS   := packaging/tools/go.mod
tool     = $(GO) tool -modfile=$(TOOLS)
# Packages without a display or a C compiler, as they ship.
LEAN    := CGO_ENABLED=0 $(GO) build -tags lean -trimpath -ldflags='-s -w'
UNIT    := ./app/... ./auth/... ./assets/... .
# Headless Fyne for unit tests: no OpenGL, no display.
CI_TAGS := ci

.PHONY: run build lean packages test test-unit test-e2e test-windows test-short check lint vet secrets secrets-history vuln fmt bench fuzz pictures clean deps-build deps-test deps-windows windows help

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: build ## start the app; without a display, show it in a virtual desktop
	@packaging/run.sh $(OUT)

build: deps-build ## build out/stagedoor with everything
	$(GO) build -o $(OUT)/stagedoor .

lean: ## build out/lean/stagedoor: static, without windows
	$(LEAN) -o $(OUT)/lean/stagedoor .

# With TRIMPATH= the windows are linked from what `make build` compiled, with the names of
# this machine's folders: for tests, which would compile for five minutes otherwise.
TRIMPATH ?= -trimpath
packages: deps-build lean ## build the packages for Linux into out/packages
	$(GO) build $(TRIMPATH) -ldflags='-s -w' -o $(OUT)/full/stagedoor .
	cd packaging/packages && $(GO) build -o ../../$(OUT)/packager .
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} $(OUT)/packager --version "$$(packaging/version.sh)" --arch "$$($(GO) env GOARCH)"

windows: deps-windows ## build the programs and the installer for Windows into out/windows
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} packaging/packages/windows/build.sh "$$(packaging/version.sh)"

test: deps-test test-unit test-e2e ## run all tests, end to end ones included

# Not a part of `make test` before it has passed twenty times in a row: Wine's panel icon of
# the tray that was closed has been in its way.
test-windows: deps-test windows ## install, use and remove the Windows build under Wine
	cd packaging/packages && $(GO) test -tags e2e,wine -run '^TestWindows' -count 1 -timeout 20m .

test-unit: deps-build ## unit and command tests, with the race detector
	$(GO) test -race -tags $(CI_TAGS) -timeout 20m $(UNIT)

test-e2e: TRIMPATH =
test-e2e: deps-test build packages ## end-to-end tests in the virtual desktop
	$(GO) test -tags e2e -count 1 -p 1 -timeout 30m ./packaging/...
	cd packaging/collectors && $(GO) test -tags e2e -count 1 ./...
	cd packaging/packages && $(GO) test -tags e2e -count 1 -timeout 20m ./...

test-short: ## quick tests for daily work
	$(GO) test -short -tags $(CI_TAGS) $(UNIT)

check: deps-build version fmt-check vet lint secrets vuln ## format, vet, lint, secrets, known vulnerabilities

fmt: ## format the code
	$(tool) gofumpt -w main.go app auth assets packaging

.PHONY: version
version:
	@packaging/version.sh >/dev/null

.PHONY: fmt-check
fmt-check:
	@unformatted=$$($(tool) gofumpt -l main.go app auth assets packaging); \
	if [ -n "$$unformatted" ]; then echo "make fmt would change:"; echo "$$unformatted"; exit 1; fi

vet: deps-build ## go vet for every platform
	$(GO) vet ./...
	$(GO) vet -tags e2e ./packaging/...
	cd packaging/collectors && $(GO) vet -tags e2e ./...
	cd packaging/packages && $(GO) vet -tags e2e,wine ./...
	CGO_ENABLED=0 $(GO) vet -tags lean $(UNIT)
	CGO_ENABLED=0 GOOS=windows $(GO) vet -tags lean $(UNIT)
	CGO_ENABLED=0 GOOS=darwin $(GO) vet -tags lean $(UNIT)

lint: deps-build ## golangci-lint, layer rules included
	$(tool) golangci-lint run
	$(tool) golangci-lint run --build-tags e2e ./packaging/...

secrets: ## look for credentials in the files as they are
	$(tool) gitleaks dir . --no-banner --redact --verbose

secrets-history: ## look for credentials in every commit
	$(tool) gitleaks git . --no-banner --redact --verbose

vuln: ## known vulnerabilities; says so where the database cannot be reached
	@packaging/vuln.sh '$(tool) govulncheck'

bench: build lean ## print the benchmarks' ratios
	@packaging/bench.sh $(OUT)

FUZZTIME ?= 30s
fuzz: ## run every fuzz target for FUZZTIME
	@packaging/fuzz.sh $(FUZZTIME)

deps-build:
	@packaging/deps.sh build

deps-test:
	@packaging/deps.sh test

deps-windows:
	@packaging/deps.sh windows

pictures: build deps-test ## take the README's pictures anew
	go run ./packaging/tour --app $(OUT)/stagedoor --out $(OUT)
	@packaging/pictures.sh $(OUT)

clean: ## remove what was built
	rm -rf $(OUT)
