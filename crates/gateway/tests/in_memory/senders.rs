//! Who may send a request, and what is true of each: written down by hand, never computed from what is written.

/// One way to say something in a request, and whether it may be said. Several lines are one header, repeated.
pub(crate) struct Said {
    pub(crate) lines: &'static [&'static str],
    pub(crate) good: bool,
}

const fn good(lines: &'static [&'static str]) -> Said {
    Said { lines, good: true }
}

const fn bad(lines: &'static [&'static str]) -> Said {
    Said { lines, good: false }
}

/// Where a request comes from, and whether that is this machine.
pub(crate) type Peer = (Option<&'static str>, bool);
pub(crate) const NEAR: Peer = (Some("127.0.0.1:5000"), true);
pub(crate) const FAR: Peer = (Some("10.0.0.9:5000"), false);
pub(crate) const PEERS: [Peer; 7] = [
    NEAR,
    (Some("127.8.0.1:5000"), true),
    (Some("[::1]:5000"), true),
    (Some("[::ffff:127.0.0.1]:5000"), true),
    FAR,
    (Some("[2001:db8::9]:5000"), false),
    (None, false),
];

/// `Host`, and whether it can only ever mean this machine.
pub(crate) const HOSTS: &[Said] = &[
    good(&["127.0.0.1"]),
    good(&["127.0.0.1:4141"]),
    good(&["127.255.0.9:80"]),
    good(&["localhost"]),
    good(&["localhost:4141"]),
    good(&["LocalHost:1"]),
    good(&["[::1]"]),
    good(&["[::1]:4141"]),
    good(&["[0:0:0:0:0:0:0:1]:4141"]),
    good(&["[::ffff:127.0.0.1]:4141"]),
    good(&["[::FFFF:7F00:1]"]),
    // None, two, several in one.
    bad(&[]),
    bad(&[""]),
    bad(&["127.0.0.1", "127.0.0.1"]),
    bad(&["127.0.0.1", "evil.example"]),
    bad(&["evil.example", "127.0.0.1"]),
    bad(&["127.0.0.1, 127.0.0.1"]),
    bad(&["127.0.0.1,evil.example"]),
    bad(&["127.0.0.1 evil.example"]),
    // Names.
    bad(&["evil.example"]),
    bad(&["evil.example:4141"]),
    bad(&["127.0.0.1.evil.example"]),
    bad(&["localhost.evil.example:4141"]),
    bad(&["localhost.localdomain"]),
    bad(&["ip6-localhost"]),
    bad(&["localhost."]),
    bad(&["localhost.:4141"]),
    bad(&["notlocalhost"]),
    bad(&["localhosts"]),
    bad(&["l\u{43e}calhost"]),
    bad(&["\u{24db}ocalhost"]),
    bad(&["*"]),
    bad(&["null"]),
    // Addresses in a spelling that some programs take for this machine's.
    bad(&["127.0.0.1."]),
    bad(&["127.0.0.1.:4141"]),
    bad(&["127.1"]),
    bad(&["127.0.1:4141"]),
    bad(&["127.0.0.01"]),
    bad(&["127.000.000.001"]),
    bad(&["0177.0.0.1"]),
    bad(&["0x7f.0.0.1"]),
    bad(&["0X7F000001"]),
    bad(&["017700000001"]),
    bad(&["2130706433"]),
    bad(&["127.0.0.1%00"]),
    bad(&["%31%32%37.0.0.1"]),
    bad(&["127\u{3002}0\u{3002}0\u{3002}1"]),
    bad(&["[::127.0.0.1]"]),
    bad(&["[::1%25lo]"]),
    bad(&["[::1%lo]:4141"]),
    bad(&["::1"]),
    bad(&["::1:4141"]),
    bad(&["[127.0.0.1]"]),
    bad(&["[localhost]"]),
    // Addresses that are nobody's or somebody else's.
    bad(&["0"]),
    bad(&["0.0.0.0"]),
    bad(&["0.0.0.0:4141"]),
    bad(&["[::]:4141"]),
    bad(&["10.0.0.9:4141"]),
    bad(&["128.0.0.1"]),
    bad(&["169.254.169.254"]),
    bad(&["[::ffff:10.0.0.9]"]),
    bad(&["[fe80::1]"]),
    bad(&["[::2]"]),
    // More than a host and a port.
    bad(&["user@127.0.0.1"]),
    bad(&["user:word@localhost:4141"]),
    bad(&["127.0.0.1@evil.example"]),
    bad(&["evil.example@127.0.0.1:4141"]),
    bad(&["http://127.0.0.1"]),
    bad(&["127.0.0.1/"]),
    bad(&["127.0.0.1?"]),
    bad(&["127.0.0.1#"]),
    bad(&["evil.example\\127.0.0.1"]),
    // Ports that are none.
    bad(&["127.0.0.1:"]),
    bad(&["127.0.0.1:port"]),
    bad(&["127.0.0.1:65536"]),
    bad(&["127.0.0.1:-1"]),
    bad(&["127.0.0.1:+80"]),
    bad(&["127.0.0.1:80:80"]),
    bad(&["localhost:80x"]),
    bad(&["[::1"]),
    bad(&["[::1]4141"]),
    bad(&["[::1]:"]),
    bad(&["[::1].evil.example"]),
];

/// `Origin`, in which `{}` stands for the request's first `Host`. The good ones are so with a good `Host` only.
pub(crate) const ORIGINS: &[Said] = &[
    good(&[]),
    good(&["http://{}"]),
    good(&["https://{}"]),
    good(&["http://{}", "http://{}"]),
    bad(&["null"]),
    bad(&[""]),
    bad(&["https://evil.example"]),
    bad(&["http://evil.example:4141"]),
    bad(&["http://localhost.evil.example"]),
    bad(&["http://{}.evil.example"]),
    bad(&["http://{}@evil.example"]),
    // Another program of this machine, which is as much a stranger.
    bad(&["http://127.0.0.1:9"]),
    bad(&["http://localhost:3000"]),
    bad(&["https://[::1]:8443"]),
    bad(&["http://{}/"]),
    bad(&["http://{}, https://evil.example"]),
    bad(&["http://user@{}"]),
    bad(&["{}"]),
    bad(&["//{}"]),
    bad(&["ws://{}"]),
    bad(&["file://"]),
    bad(&["chrome-extension://{}"]),
    bad(&["http://{}", "https://evil.example"]),
    bad(&["https://evil.example", "http://{}"]),
];

/// `Sec-Fetch-Site`, by which browsers say how far a page is from what it asks for.
pub(crate) const SITES: &[Said] = &[
    good(&[]),
    good(&["same-origin"]),
    good(&["none"]),
    bad(&["same-site"]),
    bad(&["cross-site"]),
    bad(&["Cross-Site"]),
    bad(&["same-origin, cross-site"]),
    bad(&["same-origin", "cross-site"]),
    bad(&["cross-site", "none"]),
    bad(&["a word of tomorrow"]),
    bad(&[""]),
];

/// The access token of a gateway that is open to others.
pub(crate) const TOKEN: &str = "the-token";
/// `x-stillroom-access`.
pub(crate) const TOKENS: &[Said] = &[
    good(&[TOKEN]),
    bad(&[]),
    bad(&[""]),
    bad(&["the-toke"]),
    bad(&["the-token2"]),
    bad(&["The-Token"]),
    bad(&["the-token, the-token"]),
    bad(&["Bearer the-token"]),
    bad(&[TOKEN, TOKEN]),
    bad(&["wrong", TOKEN]),
];

/// What proxies add. Behind one, everybody seems to be near.
pub(crate) const TRACES_OF_PROXIES: [&str; 9] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
];
