# Every command that CI runs. Without just, type what stands behind the names: plain cargo does it all.

# What CI runs, in its order.
ci: format lint docs test deny clients

# Rust's own formatting.
format:
    cargo fmt --all --check

# clippy, with warnings denied.
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# The docs of all items, private ones included: a broken link is an error.
docs:
    RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --workspace --no-deps --document-private-items --locked

# Unit tests, properties, scenarios in virtual time, wire tests.
test:
    cargo test --workspace --locked

# Licences, sources and the crate graph; advisories where their database can be fetched.
deny:
    cargo deny --locked check licenses bans sources

# Known vulnerabilities: needs the network.
advisories:
    cargo deny --locked check advisories

# The official SDKs and, where it installs, Claude Code through the gateway.
clients:
    cargo build --locked -p stillroom -p simulator
    tests/clients/run

# How fast the credential machine is, and asking it through its mailbox: docs/machines/credential.md has the figures.
bench-machine:
    cargo bench --locked -p machines --bench credential
    cargo bench --locked -p simulator --bench asking

# The whole story in under a minute.
demo:
    cargo run --release --locked -- demo

# A day of nineteen users under four policies: the README's table.
day *arguments:
    cargo run --release --locked -p simulator --bin day -- {{arguments}}

# More cases of every property test, two million requests in the mix of tenants (22 minutes of one core), a GiB each way.
nightly:
    PROPTEST_CASES=10000 STILLROOM_TENANT_REQUESTS=2000000 STILLROOM_MODEL=large cargo test --workspace --release --locked -- --include-ignored
