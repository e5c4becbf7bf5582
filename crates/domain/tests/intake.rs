//! Which credentials are captured: every request of up to three credential headers, judged by a rule over what the table
//! says of each value. A captured one is used for background work, so one too many is worse than one too few.

#[cfg(test)]
mod tests {
    use domain::fingerprint::Fingerprinter;
    use domain::intake::{Intake, LONGEST_CREDENTIAL, Oddity, read};
    use std::sync::LazyLock;

    const BEARER: &str = "authorization";
    const KEYS: [&str; 2] = ["x-api-key", "x-goog-api-key"];

    /// What a value is, written down by hand.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Truth {
        /// It holds this token and nothing else.
        Token(&'static str),
        /// It is not clearly one token.
        Odd,
        /// It is longer than any token.
        Long,
    }
    use Truth::{Long, Odd, Token};

    static LONGEST: LazyLock<String> = LazyLock::new(|| "k".repeat(LONGEST_CREDENTIAL));
    static TOO_LONG: LazyLock<String> = LazyLock::new(|| "k".repeat(LONGEST_CREDENTIAL + 1));
    static LONGEST_BEARER: LazyLock<String> =
        LazyLock::new(|| format!("Bearer {}", &LONGEST["Bearer ".len()..]));
    static TOO_LONG_BEARER: LazyLock<String> = LazyLock::new(|| format!("Bearer {}", *LONGEST));

    /// Values of `authorization`.
    fn bearers() -> Vec<(&'static [u8], Truth)> {
        vec![
            (b"Bearer sk-a", Token("sk-a")),
            (b"bearer sk-a", Token("sk-a")),
            (b"BEARER   sk-a", Token("sk-a")),
            (b" \tBearer sk-a\t ", Token("sk-a")),
            (b"Bearer sk-b", Token("sk-b")),
            (b"Bearer sk-A", Token("sk-A")),
            (LONGEST_BEARER.as_bytes(), Token(&LONGEST["Bearer ".len()..])),
            (TOO_LONG_BEARER.as_bytes(), Long),
            (b"", Odd),
            (b"Bearer", Odd),
            (b"Bearer ", Odd),
            (b"Bearersk-a", Odd),
            (b"Bearer\tsk-a", Odd),
            (b"Bearer \tsk-a", Odd),
            (b"Bearer sk-a sk-b", Odd),
            (b"Bearer sk-a,sk-b", Odd),
            (b"Bearer sk-a, Bearer sk-b", Odd),
            (b"Bearer Bearer sk-a", Odd),
            (b"Basic sk-a", Odd),
            (b"sk-a", Odd),
            (b"Bearer sk\x01a", Odd),
            (b"Bearer sk\x7fa", Odd),
            (b"Bearer sk-\xc3\xa4", Odd),
            (b"Bearer \xff", Odd),
        ]
    }

    /// Values of a header for keys.
    fn keys() -> Vec<(&'static [u8], Truth)> {
        vec![
            (b"sk-a", Token("sk-a")),
            (b"\t sk-a ", Token("sk-a")),
            (b"sk-b", Token("sk-b")),
            (LONGEST.as_bytes(), Token(&LONGEST)),
            (TOO_LONG.as_bytes(), Long),
            (b"", Odd),
            (b" ", Odd),
            (b"Bearer sk-a", Odd),
            (b"sk-a sk-b", Odd),
            (b"sk-a,", Odd),
            (b"sk-\xc3\xa4", Odd),
            (b"\x00", Odd),
        ]
    }

    type Line = (&'static str, &'static [u8], Truth);

    /// Every line that a request may have, headers that are no credential among them.
    fn lines() -> Vec<Line> {
        let under = |name| move |(value, truth)| (name, value, truth);
        let aliases = ["x_api_key", "x-api_key", "proxy-authorization", "authorization2"];
        let others = aliases.map(|name| (name, &b"sk-a"[..], Token("nobody's")));
        let keys = KEYS.into_iter().flat_map(|name| keys().into_iter().map(under(name)));
        bearers().into_iter().map(under(BEARER)).chain(keys).chain(others).collect()
    }

    /// The rule: exactly one token, in as many headers as like, each of them once and in order. Of what is wrong, anything
    /// may be said that is.
    fn deserves(lines: &[Line]) -> Result<Option<&'static str>, Vec<Oddity>> {
        let credentials: Vec<_> =
            lines.iter().filter(|line| line.0 == BEARER || KEYS.contains(&line.0)).collect();
        let wrong = |oddity, is: bool| is.then_some(oddity);
        let any = |truth: fn(&Truth) -> bool| credentials.iter().any(|line| truth(&line.2));
        let pairs = || {
            (0..credentials.len())
                .flat_map(|at| (0..at).map(move |before| (before, at)))
                .map(|(before, at)| (credentials[before], credentials[at]))
        };
        let reasons: Vec<Oddity> = [
            wrong(Oddity::Malformed, any(|truth| *truth == Odd)),
            wrong(Oddity::TooLong, any(|truth| *truth == Long)),
            wrong(Oddity::Repeated, pairs().any(|(one, other)| one.0 == other.0)),
            wrong(Oddity::Conflicting, pairs().any(|(one, other)| one.2 != other.2)),
        ]
        .into_iter()
        .flatten()
        .collect();
        match (&reasons[..], credentials.first()) {
            ([], Some((_, _, Token(token)))) => Ok(Some(token)),
            ([], _) => Ok(None),
            _ => Err(reasons),
        }
    }

    #[test]
    fn of_all_combinations_of_credential_headers_only_one_token_alone_is_captured() {
        let (hasher, all) = (Fingerprinter::new([7; 32]), lines());
        let none = std::iter::once(Vec::new());
        let one = all.iter().map(|line| vec![*line]);
        let two = all.iter().flat_map(|line| all.iter().map(move |next| vec![*line, *next]));
        let three = all.iter().flat_map(|line| {
            all.iter().flat_map({
                let all = &all;
                move |next| all.iter().map(move |last| vec![*line, *next, *last])
            })
        });
        let (mut seen, mut wrongly_admitted, mut wrongly_left) = (0, Vec::new(), Vec::new());
        for sent in none.chain(one).chain(two).chain(three) {
            seen += 1;
            let got = read(sent.iter().map(|(name, value, _)| (*name, *value)), &hasher);
            match (got, deserves(&sent)) {
                (Intake::Nothing, Ok(None)) => {}
                (Intake::Captured(it), Ok(Some(token))) if it.value.reveal().ends_with(token) => {
                    let plain =
                        if it.header == BEARER { format!("Bearer {token}") } else { token.to_owned() };
                    assert_eq!(it.fingerprint, hasher.fingerprint(it.header, &plain));
                }
                (Intake::Left(oddity), Err(reasons)) if reasons.contains(&oddity) => {}
                (Intake::Captured(_), _) => wrongly_admitted.push(sent),
                _ => wrongly_left.push(sent),
            }
        }
        println!(
            "every credential: {seen} requests, wrongly admitted = {}, wrongly left = {}",
            wrongly_admitted.len(),
            wrongly_left.len()
        );
        wrongly_admitted.truncate(5);
        wrongly_left.truncate(5);
        assert_eq!((wrongly_admitted, wrongly_left), (Vec::new(), Vec::new()));
    }
}
