# Every command that CI runs. Without just, type what stands behind the names: plain cargo does it all.

# What CI runs, in its order.
ci: format lint docs book test deny clients browser

# Rust's own formatting.
format:
    cargo fmt --all --check

# clippy, with warnings denied.
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# The docs of all items, private ones included: a broken link is an error.
docs:
    RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --workspace --no-deps --document-private-items --locked

# The pages of docs/ as a book, in target/book: a warning is an error. `cargo test -p stories` checks their links.
book:
    .ci/book

# Rewrites the tables of docs/configuration.md and docs/metrics.md from the settings and the metrics; their prose stays.
reference:
    REWRITE_REFERENCE=1 cargo test --locked -p stillroom --lib the_reference_is_what
    REWRITE_REFERENCE=1 cargo test --locked -p gateway --lib the_reference_is_what

# Unit tests, properties, scenarios in virtual time, wire tests.
test:
    cargo test --workspace --locked

# Licences, sources and the crate graph; advisories where their database can be fetched.
deny:
    cargo deny --locked check licenses bans sources

# Known vulnerabilities: needs the network.
advisories:
    cargo deny --locked check advisories

# The official SDKs and, where they install, Claude Code, Codex and OpenCode through the gateway.
clients:
    cargo build --locked -p stillroom -p simulator
    tests/clients/run

# Whether Mermaid's own parser takes the sequence diagram of a running gateway. Needs Node and the network.
diagrams:
    cargo build --locked -p stillroom
    tests/diagrams/run

# The dashboard in a real headless Chromium; pictures of all pages lie in target/screenshots afterwards.
browser:
    cargo build --locked -p stillroom -p simulator
    tests/browser/run

# How fast the credential machine is, and asking it through its mailbox: docs/machines/credential.md has the figures.
bench-machine:
    cargo bench --locked -p machines --bench credential
    cargo bench --locked -p simulator --bench asking

# The program as it is released, in target/guided/release: built twice, the second time guided by what the first took under load.
release:
    .ci/release

# What the relay of a release costs beside nginx's proxy_pass, against the same mock provider: docs/speed.md has the figures. On Debian
# it installs nginx. `--quick` is rough, `--against PATH` takes another build along, `--only TEXT` picks cases.
bench-relay *arguments:
    tests/nginx
    .ci/release
    target/guided/release/relay_bench {{arguments}}

# So many minutes at half load: nothing may grow, and nothing be lost.
soak minutes="30":
    cargo build --release --locked -p stillroom -p simulator --bin stillroom --bin relay_bench
    target/release/relay_bench --soak {{minutes}}

# How much of the evidence recall finds for questions about long dialogues, in LoCoMo's JSON: docs/recall.md has the figures.
# `--embeddings FOLDER` also measures what a model adds.
recall-bench file *arguments:
    cargo run --release --locked -p simulator --bin recall_bench -- {{file}} {{arguments}}

# Data sets for it of texts that are no chat, made of Debian's perl-doc, python3-doc and manual pages (under ROOT, or `/`) and of
# this project's history.
recall-texts folder *root:
    python3 crates/simulator/src/bin/recall_bench/texts.py {{folder}} {{root}}

# Recording and recall with a million messages in one database, or `--messages 10000000`: docs/store.md has the figures.
scale-bench *arguments:
    cargo run --release --locked -p simulator --bin scale_bench -- {{arguments}}

# The whole story in under a minute.
demo:
    cargo run --release --locked -- demo

# A day of nineteen users under four policies: the README's table.
day *arguments:
    cargo run --release --locked -p simulator --bin day -- {{arguments}}

# What cache warming would have earned in recorded sessions (docs/backtest.md).
backtest *arguments:
    cargo run --release --locked -- backtest {{arguments}}

# Every fuzz target for so many seconds; once before it: cargo install cargo-fuzz --locked. docs/testing.md has more.
fuzz seconds="60":
    for target in events usage splicing session settings; do \
        mkdir -p fuzz/corpus/$target; \
        cargo fuzz run --sanitizer none $target fuzz/corpus/$target fuzz/seeds/$target -- -max_total_time={{seconds}} -timeout=10 || exit 1; \
    done

# More cases of every property test and two million requests in the mix of tenants (22 minutes of one core), a GiB each way; then
# every fuzz target for a minute, and the soak.
nightly: && fuzz soak
    PROPTEST_CASES=10000 STILLROOM_TENANT_REQUESTS=2000000 STILLROOM_MODEL=large cargo test --workspace --release --locked -- --include-ignored
