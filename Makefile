# make run   - a page that shows the demonstration cohort
# make test  - everything but the long suites; the same as .ci/run

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/pytest

.PHONY: run test setup test-setup lint unit test-oracles test-faults scan test-security vulnerabilities outdated bench coverage mutation wheels lock sbom clean

run: setup
	@deploy/run-demo

setup: .venv/ready

.venv/ready: requirements/run.txt requirements/demo.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Nadir needs Python 3.11 or newer; found " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.11")'
	@deploy/make-venv $(PYTHON)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt -r requirements/demo.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

test-setup: .venv/ready-to-test
	@deploy/need-chromium
	@deploy/need-pango

.venv/ready-to-test: .venv/ready requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

test: test-setup lint unit

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What looks at the clock has the machine to itself; the rest shares its processors.
unit:
	$(PYTEST) -m "not faults and not security and not alone" -n 2 --dist loadfile
	$(PYTEST) -m "not faults and not security and alone"

test-oracles: test-setup
	ORACLES=required $(PYTEST) -m oracles

test-faults: test-setup
	$(PYTEST) -m faults

# njsscan brings semgrep and its rules for JavaScript; it pins a semgrep of its own, so it has an environment of its own.
scan: test-setup build/scan/ready
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive clinical data dashboard jobs commands nadir.py
	PATH="build/scan/bin:$$PATH" njsscan --exit-warning dashboard/assets

build/scan/ready: requirements/scan.txt
	$(PYTHON) -m venv build/scan
	build/scan/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/scan.txt
	@touch $@

# One after the other, each with its counts and in a process of its own; `make test-security PARTS=tests/security/test_matrix.py` runs one.
PARTS := $(wildcard tests/security/test_*.py) tests/faults/test_at_once.py
test-security: test-setup scan
	@failed=; for part in $(PARTS); do echo "== $$part"; $(PYTEST) --capture=no $$part || failed="$$failed $$part"; done; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }
	$(PYTEST) tests/dashboard $(addprefix tests/data/test_,$(addsuffix .py,people sessions second_factor emergency audit))

# Asks the advisories of the package index about every locked version, so it needs a way to it.
vulnerabilities: test-setup
	for name in run demo dev; do $(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements/$$name.txt || exit 1; done

# A fix of a library is a newer version of it: what is not outdated lacks none. It asks the package index too.
outdated: setup
	$(BIN)/python deploy/behind requirements/run.txt requirements/demo.txt

bench: test-setup
	$(BIN)/python -m bench

coverage: test-setup
	$(PYTEST) tests/clinical --cov=clinical --cov-branch --cov-report=term:skip-covered --cov-fail-under=95

mutation: test-setup
	$(BIN)/python -m bench.mutation

wheels: setup
	$(BIN)/pip wheel --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt -r requirements/demo.txt --wheel-dir wheels
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir wheels .

# The extras of a requirement stay in dev.txt and scan.txt: without them pip takes the newest `coverage[toml]`, which no hash pins.
COMPILE := $(BIN)/pip-compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --allow-unsafe
lock: test-setup
	for name in run demo cluster; do $(COMPILE) --strip-extras --output-file requirements/$$name.txt requirements/$$name.in; done
	for name in dev scan; do $(COMPILE) --no-strip-extras --output-file requirements/$$name.txt requirements/$$name.in; done
	$(COMPILE) --strip-extras --output-file requirements/sbom.txt requirements/sbom.in

# What Nadir is made of, as CycloneDX from the lock file; the tool has an environment of its own.
sbom: dist/nadir.cdx.json

dist/nadir.cdx.json: requirements/run.txt requirements/sbom.txt
	@mkdir -p dist
	$(PYTHON) -m venv build/sbom
	build/sbom/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/sbom.txt
	build/sbom/bin/cyclonedx-py requirements requirements/run.txt --pyproject pyproject.toml --mc-type application --output-reproducible --of JSON -o $@

clean:
	rm -rf .venv
