# `make run` and `make test` work from a bare checkout with Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Servers and test processes start faster from bytecode.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test pytest screenshots bench faults lint format bench-attack bench-heard bench-early lock audit pin-images

run: $(VENV)/.run
	$(BIN)/python -m voicebot.env_file
	exec $(BIN)/python manage.py serve --setup

# Lint and types are checked while the tests run.
test: $(VENV)/.dev
	-@.ci/programs
	@$(MAKE) --no-print-directory -j2 lint pytest

# Temporary files of the tests are in memory, if 2 GB of it are free: on a disk, the
# thousands of small files of their databases take longer than many tests.
MEMORY := $(shell grep -qs ' /dev/shm .*noexec' /proc/mounts || \
	df -k /dev/shm 2>/dev/null | awk '$$4 + 0 > 2000000 { print $$6 }')

# True if the tests are compiled. Otherwise each process that runs some would do it.
COMPILED := ls tests/__pycache__/conftest.*-pytest-*.pyc > /dev/null 2>&1

# Test files side by side; for one file: .venv/bin/python -m pytest tests/x.py
pytest: export TMPDIR := $(or $(MEMORY),$(TMPDIR),/tmp)
pytest: $(VENV)/.dev
	@$(COMPILED) || $(BIN)/python -m pytest -q --collect-only > /dev/null || true
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

# Takes the pictures of the README and the docs, of made-up calls.
screenshots: $(VENV)/.dev
	$(BIN)/python -m tests.screenshots

# make bench ARGS="--calls 50 --seconds 20"; --json, --quick, --help
bench: $(VENV)/.dev
	@$(BIN)/python -m tests.bench.load $(ARGS)

# Breaks Redis, the database and more during calls.
# make faults ARGS="--calls 20 --soak 2h"; --help
faults: $(VENV)/.dev
	@$(BIN)/python -m tests.bench.faults $(ARGS)

# Measures the lag of calls while a viewer does the worst they can. ARGS="--help"
bench-attack: $(VENV)/.dev
	@$(BIN)/python -m tests.bench.attack $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Looks for known vulnerabilities of the locked dependencies.
audit: $(VENV)/.dev
	$(BIN)/python -m tests.audit

# Measures how exactly the heard part of an interrupted sentence is known.
bench-heard: $(VENV)/.run
	$(BIN)/python -m tests.bench.heard --clips 3000

# Counts sentences that are let go before their last word, and measures the wait of others.
bench-early: $(VENV)/.run
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m tests.bench.early

# After a change of dependencies. Needs uv (https://docs.astral.sh/uv/).
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links -c requirements.txt --group dev -o tests/requirements.txt

# Pins the images of Docker to their digests. Needs Docker and the registry.
pin-images:
	@.ci/pin-images

$(VENV)/.run: requirements.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("voicebot needs Python 3.11 or newer; name one with: make PYTHON=python3.12 run")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

$(VENV)/.dev: $(VENV)/.run tests/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
	touch $@
