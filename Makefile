# make demo   plan a night of the bundled sample district; results in demo/
# make test   run every check and test
# Both make .venv first; nothing outside this folder is touched. More: make help
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python

.PHONY: demo test docs picture docs-events lock clean help

# A stamp is written last and taken away first: an environment left half made is made anew.
define install
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "patrolmap needs Python 3.11 or newer; '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)."; \
	echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; } >&2
@if [ -e $(VENV)/demo ]; then rm -f $(VENV)/demo $(VENV)/test; else \
	$(PYTHON) -m venv --clear $(VENV); fi
@echo "Installing into $(VENV): about a gigabyte and some minutes the first time ..."
@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e "$(1)"
endef

$(VENV)/demo: pyproject.toml constraints.txt
	$(call install,.)
	@touch $@

$(VENV)/test: pyproject.toml constraints.txt
	$(call install,.[dev])
	@touch $(VENV)/demo $@

demo: $(VENV)/demo
	@$(VENV)/bin/patrolmap demo --out demo

test: $(VENV)/test
	@$(PY) tools/check.py

docs: $(VENV)/demo  ## write docs/tables.md from the column contracts
	@$(PY) tools/make_docs.py

picture: $(VENV)/test  ## draw the picture in the README
	@$(PY) tools/make_picture.py

docs-events: $(VENV)/demo  ## write docs/real_events.md from the files in ../shared
	@$(PY) tools/make_events_table.py

lock:  ## renew constraints.txt: the newest versions that install together
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/python -m pip install --quiet ".[dev]"
	{ sed '/^[^#]/,$$d' constraints.txt; .venv-lock/bin/python -m pip freeze --exclude patrolmap; } > constraints.new
	mv constraints.new constraints.txt
	rm -rf .venv-lock

clean:  ## remove the environment and what was made
	rm -rf $(VENV) .venv-lock .venv-ci demo build dist

help:
	@sed -n 's/^# \(make .*\)/\1/p; s/^\([a-z-]*\):.*## /make \1   /p' Makefile
