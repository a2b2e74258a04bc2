# Two commands are enough: `make run` serves everything embedded, `make test` runs every test.

CARGO ?= cargo
CONF  ?=
SEEDS ?= 10000
SIMULATOR = $(CARGO) test -q --profile sim --features sim --test sim --

.PHONY: run build check test test-api-hostile test-calendar test-memory test-registry test-upgrade chaos sim sim-bugs servers bench clean help

help:    ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 15

run:     ## build, and serve everything embedded; data goes to ./data
	$(CARGO) build --release
	ESCHEDULER_DATA_BASEDIR_PATH="$${ESCHEDULER_DATA_BASEDIR_PATH:-$(CURDIR)/data}" exec target/release/escheduler run $(if $(CONF),--conf $(CONF))

build:   ## the release binary: target/release/escheduler
	$(CARGO) build --release

check:   ## formatting and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features sim -- -D warnings

test: servers    ## every test, those included that need the servers
	$(CARGO) run -q -p servers -- forget
	$(CARGO) test --workspace; status=$$?; $(CARGO) run -q -p servers -- skipped && exit $$status
	$(SIMULATOR) --seeds 1000
	$(SIMULATOR) --twice 20
	$(SIMULATOR) --bugs --seeds 1000 --quick

test-registry: servers ## both ZooKeeper clients under 60 lost connections in 30 s, RUNS times (15), with figures
	ESCHEDULER_REGISTRY_RUNS=$(or $(RUNS),15) $(CARGO) test --lib -- --nocapture --test-threads 1 zookeeper::tests::flaps zookeeper::tests::figures

test-api-hostile: servers ## hostile requests drawn from the document of the API: CASES=10000 SEED=… DB=mariadb|postgres, or CASE=7 alone
	ESCHEDULER_HOSTILE_CASES=$(or $(CASES),10000) ESCHEDULER_HOSTILE_SEED=$(SEED) ESCHEDULER_HOSTILE_CASE=$(CASE) $(CARGO) test --test it -- --nocapture api$(if $(DB),_on_$(DB))::hostile::hostile_requests

test-upgrade: servers    ## four old databases of 100,000 rows each, upgraded through a kill at every statement; ten minutes
	$(CARGO) test -p migrations --test upgrade -- --ignored --nocapture

test-memory: ## what the program takes while 1 GiB goes up and comes down, and that it stays flat
	$(CARGO) test --test it -- --ignored --nocapture one_gib_goes_up

test-calendar: ## fire times around every change of every zone's clock, in 200 shapes, with counts
	$(CARGO) test --profile sim --features sim --test calendar -- --ignored --nocapture

chaos: servers    ## faults upon a whole cluster: SEED=… MINUTES=… DB=mariadb|postgres QUEUE=direct|zookeeper LONG=1
	$(CARGO) test --test cluster -- chaos SEED=$(SEED) MINUTES=$(MINUTES) DB=$(DB) QUEUE=$(QUEUE) RATE=$(RATE) LONG=$(LONG)

servers: ## install MariaDB, PostgreSQL and ZooKeeper for the tests, where they are missing; as root
	@CARGO='$(CARGO)' tests/servers/install.sh

sim:     ## masters and workers over simulated machines: SEEDS=10000, or SEED=7 for one of them with a trace
	$(SIMULATOR) $(if $(SEED),--seed $(SEED) --trace,--seeds $(SEEDS)) $(if $(FROM),--from $(FROM)) $(if $(BUG),--bug $(BUG))

sim-bugs: ## each known mistake switched on until the simulator finds it
	$(SIMULATOR) --bugs

bench:   ## speed, each row as a ratio to the floor measured in the same run
	# A folder of its own: ext4 makes files slowly for minutes where others were deleted lately.
	mkdir -p target/bench
	TMPDIR=$(CURDIR)/target/bench $(CARGO) bench --bench speed

clean:
	$(CARGO) clean
