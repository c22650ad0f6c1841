# One command each. Every target sets itself up; `make` alone lists them.
#
# A failing recipe always makes `make` end with 2. Which code the command itself ended with stands in make's
# last line ("Error 1"); `python -m local demo` and the others end with it directly.

PYTHON ?= python3
BENCH ?= full
RUN := .venv/bin/python -m
QUIET := $(if $(findstring s,$(firstword -$(MAKEFLAGS))),--quiet)

.DEFAULT_GOAL := help
.PHONY: help setup demo up unit test test-long fuzz chaos check fix pins docs bench package

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

setup: ## .venv with everything pinned (Python 3.11, 3.12 or 3.13; no node needed)
	@$(PYTHON) -m local.dev.environments $(QUIET) .venv

demo: setup ## the whole thing on this machine: simulator, host, operator, timeline
	@$(RUN) local demo

up: setup ## simulator, storage emulator and host until Ctrl-C, with ready-made calls
	@$(RUN) local up

unit: setup ## the quick pure tests, between two thoughts
	@$(RUN) local.dev.suite unit

test: setup ## everything; the engine tests on Python 3.13 as well where there is one
	@$(RUN) local.dev.suite test

test-long: setup ## what takes long: every case of the closed loop, every property with more examples
	@$(RUN) local.dev.suite long

fuzz: setup ## CASES=200000 odd events, ARM bodies, messages and requests; SEED= plays some again
	@$(RUN) local.dev.fuzz $(if $(CASES),--cases $(CASES)) $(if $(SEED),--seed $(SEED))

chaos: setup ## kills, faults and outages for minutes; SEED= EVENTS= HOSTS= KILLS=; the last line is JSON
	@$(RUN) local.chaos $(if $(SEED),--seed $(SEED)) $(if $(EVENTS),--events $(EVENTS)) \
		$(if $(HOSTS),--hosts $(HOSTS)) $(if $(KILLS),--kills $(KILLS))

check: setup ## format, lint, types, import contracts, generated files; all that fails is told
	@$(RUN) local.dev.check

fix: setup ## format the code and sort its imports
	@$(RUN) local.dev.check --fix

pins: setup ## lock what the requirement files pin, with hashes (needs uv)
	@$(RUN) local.dev.pins --write

docs: setup ## write what is generated: docs/, parts of the README (runs the demo), local.settings.sample.json
	@$(RUN) local.pages.transcript
	@$(RUN) local.pages

package: setup ## the zip that is deployed, its size and start (Python 3.13; PYTHON_VERSION= for another)
	@$(RUN) local.dev.package $(if $(PYTHON_VERSION),--python $(PYTHON_VERSION))

bench: setup ## benchmarks; BENCH=quick takes under 3 minutes
	@$(RUN) local.bench $(BENCH)
	@$(RUN) local.bench.nsg $(BENCH)
