# The words that people and continuous integration type. `make` alone lists them.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help env screen test demo check docs bench screenshots coverage clean

BIN := .venv/bin
DEMO_ARGS ?= --time-budget 25s
PYTEST_ARGS ?=
BENCHMARKS ?= throughput

# Two workers, each with one thread for arithmetic: two workers of two threads fight for two cores, and one worker
# leaves a core idle. A crash of Qt then costs one test and not the run. A file stays in one worker, so that what
# its tests share is made once; files keep their order, so that windows come last (see tests/conftest.py).
WORKERS ?= 2
XVFB := xvfb-run -a -s "-screen 0 1280x1024x24"
PYTEST := OMP_NUM_THREADS=1 $(XVFB) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

help: ## list these words
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r word text; do \
		printf '%-20s%s\n' "$$word" "$$text"; done

env: ## make .venv with everything that users get and the tools of development
	@sh scripts/environment.sh

screen:
	@sh scripts/screen.sh

test: env screen ## run the test suite on a virtual screen (PYTEST_ARGS='-k tile')
	@$(PYTEST) $(PYTEST_ARGS) </dev/null

coverage: env screen ## run the test suite and list the lines that no test reaches
	@$(PYTEST) --cov --cov-report=term $(PYTEST_ARGS) </dev/null

demo: env ## run the whole loop on generated images and write demo-report/report.html (DEMO_ARGS='--tiles 2')
	@$(BIN)/napari-graft demo --out demo-report $(DEMO_ARGS)

check: env ## look for faults of style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: env ## build the documentation into site/
	$(BIN)/mkdocs build --strict --quiet

# In one process, with all the threads it likes: these measure.
bench: env screen ## run the long tests and the benchmarks behind docs/benchmarks.md
	$(XVFB) $(BIN)/python -m pytest -m "slow or bench or timed" --judge-time $(PYTEST_ARGS) </dev/null || [ $$? -eq 5 ]
	for name in $(BENCHMARKS); do $(BIN)/napari-graft benchmark "$$name" --out benchmark-results || exit; done

screenshots: env screen ## take the pictures of docs/images from a real napari that goes through the whole loop
	xvfb-run -a -s "-screen 0 1920x1080x24" $(BIN)/python scripts/gallery.py docs/images </dev/null

clean: ## remove what these words made, but for .venv
	rm -rf dist site demo-report benchmark-results .mypy_cache .ruff_cache .pytest_cache .import_linter_cache \
		.hypothesis .coverage .coverage.*
