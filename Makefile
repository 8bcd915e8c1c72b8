.DEFAULT_GOAL := help
GO ?= go
FUZZTIME ?= 30s
LAWTIME ?= 1s
# The laws of every strategy on every store, and how they went.
MATRIX := $(CURDIR)/bin/matrix.txt
TESTENV := $(GO) run ./internal/tools/testenv

# The rooms where goroutines meet. The race detector makes SQLite about ten times
# slower, so it runs here and not everywhere.
RACE_ROOMS := atomic ledger feed bursartest internal/clock internal/sqlstore internal/httpapi
RACE ?= $(patsubst %,./%/...,$(wildcard $(RACE_ROOMS)))

# Modules of their own, so that what they need is no dependency of the library.
MODULES := $(sort $(patsubst ./%/go.mod,%,$(shell find . -mindepth 2 -name go.mod -not -path '*/testdata/*')))

# On a build machine a missing program is a failure, not a skipped test.
ifeq ($(CI),true)
export BURSAR_REQUIRE ?= hledger,sqlite3,curl,postgres,mariadb,postgres18,mariadb11.8,mysql9,pgbouncer
endif

# What a part of make engines requires besides, where anything is required at all.
requiring = BURSAR_REQUIRE=$${BURSAR_REQUIRE:+$$BURSAR_REQUIRE,$(1)}

# The engines beside those of this machine: for make test the newest of each kind, for make engines all.
NEWEST := postgres18 mariadb11.8 mysql9 pgbouncer
ENGINES := postgres15 postgres18 mariadb10.11 mariadb11.8 mysql9
comma := ,
# The rooms whose tests show whether an engine does what a ledger needs: database transactions and the store.
ON_POSTGRES := ./atomic/postgres ./atomic/pgxatomic ./store/postgres
ON_MYSQL := ./atomic/mysql ./store/mysql
# What make test leaves to make engines: the laws over another driver and through a pooler, and all that is tried with a
# pooler before the newest PostgreSQL.
OTHER_WAYS := ^(postgres-sql|pgbouncer)$$
POOLED := PgBouncer|Pooler|TestStatementMode

.PHONY: help run build check test newest mysql engines race fuzz torture bench cover clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## serve a ledger on this machine
	$(GO) run ./cmd/bursar serve

build: ## build bin/bursar, without cgo
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/bursar ./cmd/bursar

check: ## format, vet, the rules of the house, lint
	@bad=$$(gofmt -l .) && if [ -n "$$bad" ]; then echo "not formatted, run gofmt -w:" $$bad; exit 1; fi
	$(GO) vet ./...
	@for m in $(MODULES); do echo "$(GO) vet ./... # in $$m"; (cd $$m && $(GO) vet ./...) || exit 1; done
	$(GO) test ./internal/tidy
	@if command -v golangci-lint >/dev/null; then golangci-lint run; \
	else echo "golangci-lint is not installed: its linters did not run"; fi

test: ## set up, check, run every test, then the race detector; print which law holds where
	$(TESTENV) setup $(NEWEST)
	$(MAKE) --no-print-directory check
	@mkdir -p bin && rm -f $(MATRIX) $(MATRIX:.txt=-mysql9.txt)
	BURSAR_MATRIX=$(MATRIX) BURSAR_LAW=$(LAWTIME) $(TESTENV) run -vet=off -timeout 15m \
		-skip '^TestLaws$$/$(OTHER_WAYS)' ./...
	$(MAKE) --no-print-directory -j2 $(if $(filter output-sync,$(.FEATURES)),-Otarget) newest mysql
	$(MAKE) --no-print-directory race
	@cat $(MATRIX)
	@if [ -f $(MATRIX:.txt=-mysql9.txt) ]; then cat $(MATRIX:.txt=-mysql9.txt); fi

# Both wait for their disks most of the time, so they run at once.
newest:
	BURSAR_ENGINES=postgres18,mariadb11.8 $(TESTENV) run -vet=off -parallel 4 -timeout 15m \
		-skip '$(POOLED)' $(ON_POSTGRES) $(ON_MYSQL)

mysql:
	BURSAR_ENGINES=mysql9 BURSAR_MATRIX=$(MATRIX:.txt=-mysql9.txt) $(TESTENV) run -vet=off -p 3 -timeout 15m \
		-skip '^TestOrders$$|^TestSlowWriters$$' $(ON_MYSQL) ./ledger/lawtest

engines: ## run what engines decide on every engine that can be had
	$(call requiring,$(subst $(eval ) ,$(comma),$(ENGINES))) $(TESTENV) setup $(ENGINES) pgbouncer
	@failed=; for e in $(ENGINES); do echo "== $$e"; \
		case $$e in postgres*) rooms="$(ON_POSTGRES)";; *) rooms="$(ON_MYSQL)";; esac; \
		$(call requiring,$$e) BURSAR_ENGINES=$$e BURSAR_LAW=$(LAWTIME) $(TESTENV) run -vet=off -timeout 30m \
			$$rooms ./ledger/lawtest ./cmd/bursar || failed="$$failed $$e"; \
	done; \
	echo "== other ways"; BURSAR_LAW=$(LAWTIME) $(TESTENV) run -vet=off -timeout 30m \
		-run '^TestLaws$$/$(OTHER_WAYS)' ./ledger/lawtest || failed="$$failed other-ways"; \
	echo "== galera"; $(call requiring,galera) BURSAR_TEST_GALERA=1 BURSAR_LAW=$(LAWTIME) $(TESTENV) run -vet=off \
		-timeout 60m -run 'Galera|Node|TestLaws/galera|TestFleet/galera|TestMissetServers' \
		$(ON_MYSQL) ./ledger/lawtest ./internal/sqltest ./cmd/bursar || failed="$$failed galera"; \
	if [ -n "$$failed" ]; then echo "failed on:$$failed"; exit 1; fi

race: ## run the tests of the concurrent rooms under the race detector
	$(TESTENV) run -race -vet=off -timeout 10m -skip '^TestLaws$$/$(OTHER_WAYS)' $(RACE)

fuzz: ## run each fuzz target for FUZZTIME (30s)
	$(TESTENV) fuzz $(FUZZTIME) ./...

torture: ## run the long tests, for hours if need be
	BURSAR_TORTURE=1 $(TESTENV) run -vet=off -timeout 4h -run 'Torture|Contention|LeaseOfTwo|Laws' ./...

bench: ## run the Go benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

cover: ## measure how much of the code the tests reach
	@mkdir -p bin
	$(GO) test -coverpkg=./... -coverprofile=bin/cover.out ./...
	$(GO) tool cover -func=bin/cover.out | tail -n 1

clean: ## remove what was built
	rm -rf bin
