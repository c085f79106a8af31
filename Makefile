# Every command of the project. "make run" and "make test" do all the set-up themselves and may be the first thing typed.
# tools/setup.sh says what is set up; the second run finds everything done and takes seconds.

BIN := .venv/bin
# The tests to run: make test T=tests/consent
T ?= tests

# Some machines forbid compiled Python files; each of the many processes of the tests would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test test-pg check-corpus bench soak screenshots messages lint lint-style lint-types lint-floors format lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## virtual environment, packages, assets, system packages; nothing twice
	@sh tools/setup.sh

run: ## a demo clinic on this machine; prints addresses and passwords
	@sh tools/setup.sh run
	@exec $(BIN)/intake demo

# Each process takes half of the tests as they stand, so that what a folder's tests share is made in one of the two; who
# is done first takes over some of what the other has left.
test: setup lint ## every check and every test on SQLite
	$(BIN)/pytest -n 2 --dist worksteal -m "not browser" $(T) || [ $$? -eq 5 ]
	@# A browser's driver keeps an event loop in its process, in which nothing else may start one; so it has its own.
	@# A browser that hangs is ended after four minutes (-v tells in which test), and that runs once more in a process of
	@# its own. A test that fails is never tried again.
	$(BIN)/pytest -v -n 2 --dist worksteal -m browser -o faulthandler_timeout=240 --reruns 1 --only-rerun "only what hung" $(T) || [ $$? -eq 5 ]

test-pg: setup ## the same tests on a throw-away PostgreSQL cluster
	@sh tools/test-pg.sh $(T)

check-corpus: setup ## questionnaires by others: refused with reasons, or drawn, answered, exported; CORPUS=folder names others
	@$(BIN)/python -m tests.corpus.check

bench: setup ## how fast it is, in ratios that a slow machine does not change; B=questions or B=records for a part
	@$(BIN)/python -m tests.bench $(B)

soak: setup ## 200 days of one visit with kill -9, full disks and locked databases at each step; what was lost or doubled
	@$(BIN)/pytest -q -o faulthandler_timeout=0 tests/faults/soak.py

screenshots: setup ## the pictures of the README and docs, from a demo clinic
	$(BIN)/python tools/screenshots.py

messages: setup ## collect the interface's words into the catalogues of intake/translations
	@mkdir -p build
	$(BIN)/pybabel -q extract -F pyproject.toml --project=intake --msgid-bugs-address=CONTRIBUTING.md --add-location=file --sort-by-file -o build/messages.pot .
	@# A guessed translation is worse than none: new words stay in English until somebody translates them.
	$(BIN)/pybabel -q update -i build/messages.pot -d intake/translations --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	$(BIN)/pybabel -q compile -d intake/translations

lint: setup ## style, types and floors, side by side
	@$(MAKE) --no-print-directory --jobs=3 --keep-going --output-sync=target lint-style lint-types lint-floors

lint-style:
	$(BIN)/ruff check --quiet --output-format=concise .
	$(BIN)/ruff format --check --quiet .

lint-types:
	$(BIN)/mypy

lint-floors:
	$(BIN)/lint-imports --no-logo

format: setup ## put every Python file into the one agreed shape
	$(BIN)/ruff check --quiet --fix .
	$(BIN)/ruff format .

lock: setup ## work out requirements/*.txt anew from pyproject.toml
	@sh tools/lock.sh

clean: ## take away everything that the commands above made
	rm -rf .venv build demo-data intake/static/dist intake/translations/*/*/*.mo assets/node_modules assets/.build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
