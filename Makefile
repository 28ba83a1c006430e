# `make run` needs Python 3.11 or newer and nothing else: no database, no broker, no Node.
VENV := .venv
PYTHON := $(VENV)/bin/python

.PHONY: run demo-mail clean dev
.DEFAULT_GOAL := run

run: $(VENV)/run.stamp  ## Everything with the demo, until Ctrl-C. PORT and HITL_HOME relocate it.
	@exec $(PYTHON) -m hitl.embedded.run

demo-mail: $(VENV)/run.stamp  ## Add message-moderation to a running demo (needs npm; same PORT and HITL_HOME as `make run`).
	@$(PYTHON) -m hitl.embedded.beside load_demo_mail

dev: $(VENV)/dev.stamp  ## What tests and checks need.

clean: | $(PYTHON)  ## Delete the environment and the embedded database with all data in it.
	@if [ -e $(VENV)/run.stamp ] || [ -e $(VENV)/dev.stamp ]; then $(PYTHON) -m hitl.embedded.clean; fi
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(PYTHON):
	@for python in python3.11 python3 python3.12 python3.13; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "hitl needs Python 3.11 or newer; found $$(python3 --version 2>&1)." >&2; exit 1; fi; \
	$$found -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$$found cannot make environments; on Debian and Ubuntu install its venv package." >&2; exit 1; }

# A stamp is written only after a complete installation, so an interrupted one is repeated and a second start skips it.
$(VENV)/%.stamp: requirements/%.txt | $(PYTHON)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.PHONY: test test-data test-browser test-soak test-celery lint check bench requirements translations

WORKERS ?= 2

test: $(VENV)/dev.stamp  ## All tests that need no browser and no long run.
	$(PYTHON) -m pytest -n $(WORKERS) --dist worksteal -m "not browser and not soak"

test-data: $(VENV)/dev.stamp  ## Fetch the real data sets that some tests use; what cannot be had is said, and they skip.
	$(PYTHON) -m bench.datasets

test-soak: $(VENV)/dev.stamp  ## Long runs: make run with kills, the API against its own schema, models on real data.
	$(PYTHON) -m pytest -m soak tests/embedded tests/realdata
	$(PYTHON) -m pytest -n $(WORKERS) -m soak tests/schema

test-celery: $(VENV)/dev.stamp  ## Worker and beat as real processes on each broker: lost, killed, doubled.
	$(PYTHON) -m pytest -n $(WORKERS) --dist loadgroup -m soak tests/soak

test-browser: $(VENV)/dev.stamp browser  ## A real browser against the running pages.
	DJANGO_ALLOW_ASYNC_UNSAFE=1 $(PYTHON) -m pytest -m browser

lint: $(VENV)/dev.stamp
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports --no-cache
	HITL_SECRET_KEY=check $(PYTHON) manage.py makemigrations --check --dry-run --skip-checks

check: lint test test-data test-soak test-celery test-browser  ## What CI runs.

bench: $(VENV)/dev.stamp  ## Ratios against a bare floor on the same PostgreSQL.
	$(PYTHON) -m bench

.PHONY: browser
browser:
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || { \
		if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq chromium-headless-shell; \
		else echo "The browser tests need chromium-headless-shell: apt-get install chromium-headless-shell" >&2; exit 1; fi; }

translations: $(VENV)/dev.stamp  ## Collect the marked strings into the catalogue and compile it (needs GNU gettext).
	$(PYTHON) manage.py collect_sentences
	$(PYTHON) manage.py makemessages -l de --no-location --no-obsolete --no-wrap -i .venv -i var -i tests -i bench -i examples
	$(PYTHON) manage.py compilemessages -i .venv

requirements: $(PYTHON)  ## Recompile the hashed lock files from pyproject.toml (needs uv).
	uv pip compile -q --generate-hashes --no-header --no-annotate --python-version 3.11 pyproject.toml -o requirements/prod.txt
	uv pip compile -q --generate-hashes --no-header --no-annotate --python-version 3.11 --extra embedded --extra export pyproject.toml -c requirements/prod.txt -o requirements/run.txt
	uv pip compile -q --generate-hashes --no-header --no-annotate --python-version 3.11 --extra embedded --extra export --extra dev pyproject.toml -c requirements/run.txt -o requirements/dev.txt
