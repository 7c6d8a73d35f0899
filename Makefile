# What people type.  `make` alone lists it.  Needs Python 3.11 or newer, make, and a package index; nothing else.

VENV ?= .venv
PYTHON ?=
JOBS ?= 2
SCHEDULES ?= 1000000
SEEDS ?= 1000
CAMPUS ?=
DATE ?=

STAMP := $(VENV)/.installed
RUN := $(VENV)/bin/python
BURSAR := $(VENV)/bin/bursar
CODE := pipeline tests bench
PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
GOOD_PYTHON := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

.PHONY: help setup demo demo-clean test check bench model soak night charges payments report layouts golden lock
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z -]+:.*## / {n = split($$1, names, " "); \
	    for (i = 1; i <= n; i++) printf "  make %-11s %s\n", names[i], $$2}' Makefile

setup: $(STAMP)  ## make .venv with everything in it; does nothing when nothing has changed

# The stamp is written last, so a setup that was cut short is done again.  The lock is installed by hash, so what
# runs here is, byte for byte, what ran where the lock was made.
$(STAMP): requirements.lock pyproject.toml
	@if "$(RUN)" -c '$(GOOD_PYTHON)' >/dev/null 2>&1; then exit 0; fi; \
	for python in $(PYTHON) $(PYTHONS); do \
	    if "$$python" -c '$(GOOD_PYTHON)' >/dev/null 2>&1; then \
	        echo "setup: making $(VENV) with $$("$$python" -V)"; exec "$$python" -m venv --clear "$(VENV)"; \
	    fi; \
	done; \
	echo "setup: found no Python 3.11 or newer that can make a virtual environment; install one" \
	    "(Debian, Ubuntu: apt-get install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3" >&2; \
	exit 1
	@echo "setup: installing requirements.lock into $(VENV) (about a minute the first time)"
	@"$(RUN)" -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@"$(RUN)" -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@wrong=$$("$(RUN)" -m pip check) || { echo "$$wrong" >&2; \
	    echo "setup: requirements.lock does not fit pyproject.toml: run 'make lock' (or, if $(VENV) is old," \
	    "remove it), then 'make setup'" >&2; exit 1; }
	@"$(RUN)" -m compileall -qq pipeline
	@touch "$(STAMP)"

demo: setup  ## nights of a made-up campus on this machine; run it again for the next night
	@"$(BURSAR)" demo --folder demo

demo-clean:  ## forget the demo's nights
	rm -rf demo

test: setup  ## every test
	"$(RUN)" -m pytest -n $(JOBS) --dist worksteal tests

check: setup  ## format, lint, types, layers, drift
	"$(RUN)" -m ruff format --check .
	"$(RUN)" -m ruff check .
	"$(RUN)" -m mypy $(CODE)
	"$(RUN)" -m pytest -q tests/drift

bench: setup  ## time and memory on 100,000 made-up fees, beside two yardsticks
	@"$(RUN)" -m bench
	@"$(RUN)" -m bench.changes
	@"$(RUN)" -m bench.payments

model: setup  ## the poster's model over SCHEDULES=1000000 ways to fail, and a night that dies at every call
	@"$(RUN)" -m tests.model.run --schedules $(SCHEDULES)
	@BURSAR_POINTS=1000 "$(RUN)" -m pytest -q -n $(JOBS) tests/faults/test_night_crashes.py
	@BURSAR_MONTHS=40 BURSAR_DAYS=31 BURSAR_DEPTH=40 "$(RUN)" -m pytest -q -n $(JOBS) --dist worksteal \
	    tests/properties/test_months.py tests/properties/test_compare_books.py

soak: setup  ## nights with everything wrong at once: SEEDS=1000 of them, each played again by its number
	@"$(RUN)" -m tests.soak.run --seeds $(SEEDS)

# make itself knows only success and 2, so bursar's codes are told in words.
night charges payments: setup need-campus  ## one run: CAMPUS=path/to/campus.toml [DATE=YYYY-MM-DD]
	@code=0; "$(BURSAR)" $@ --campus "$(CAMPUS)" $(if $(DATE),--date "$(DATE)") || code=$$?; \
	case $$code in \
	    0) echo "$@: exit code 0, nothing new for anyone" ;; \
	    1) echo "$@: exit code 1, something new for the library or the bursar: see the report" ;; \
	    2) echo "$@: exit code 2, the operator must act: see above" >&2; exit 2 ;; \
	    75) echo "$@: exit code 75, another run holds the lock, nothing was touched" >&2; exit 2 ;; \
	    *) echo "$@: exit code $$code, which bursar never gives: it was killed, or it is a bug" >&2; exit 2 ;; \
	esac

report: setup need-campus  ## where the newest report lies: CAMPUS=path/to/campus.toml
	@"$(BURSAR)" report --campus "$(CAMPUS)"

layouts: setup  ## check every layout
	@"$(BURSAR)" layouts

golden: setup  ## rewrite the golden nights; read the difference before you commit it
	"$(RUN)" -m tests.golden.rewrite

# Does not ask for setup, which fails while the lock does not fit.  A pin is kept while it fits; UPGRADE=1 takes the
# newest of everything.  No index address is written.
lock:  ## make requirements.lock anew after pyproject.toml changed; UPGRADE=1 for the newest of everything
	@if [ ! -x "$(VENV)/bin/uv" ]; then echo "lock: say 'make setup' first: uv comes with it" >&2; exit 2; fi
	"$(VENV)/bin/uv" pip compile --no-config --universal --python-version 3.11 --extra dev --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --fork-strategy fewest --custom-compile-command "make lock" --quiet \
	    $(if $(UPGRADE),--upgrade) --output-file requirements.lock pyproject.toml

.PHONY: need-campus
need-campus:
	@if [ -z "$(CAMPUS)" ]; then echo "make: say which campus: CAMPUS=path/to/campus.toml" >&2; exit 2; fi
