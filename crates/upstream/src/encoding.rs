//! Content encodings: a decoded copy of a body for our own reading. What is relayed stays encoded as it came.

use crate::unreadable::Unreadable;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use std::borrow::Cow;
use std::io::{self, Read};

/// The largest window a decoder must support (RFC 8878, 3.1.1.1.2): 8 MiB. More is only good for exhausting memory.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How many codings are taken off. Nobody sends more than one; each costs as much as it unpacks, and a header has room for thousands.
const MOST_CODINGS: usize = 3;

/// What brotli reads at once, in bytes.
const BROTLI_BUFFER: usize = 8 * 1024;

/// `body` with its `content_encoding` (the header's value, a list in the order of application) taken off. The plain body is
/// at most `at_most` bytes: decoding a bomb stops there.
///
/// # Errors
/// [`Unreadable::UnknownEncoding`] for anything but identity, gzip, deflate, br and zstd, and for more than three of them,
/// [`Unreadable::Undecodable`] for corrupt or cut data, [`Unreadable::TooLarge`] beyond `at_most`.
pub fn decoded<'b>(
    content_encoding: Option<&str>,
    body: &'b [u8],
    at_most: usize,
) -> Result<Cow<'b, [u8]>, Unreadable> {
    plain(content_encoding, body, Wanted { at_most, whole: true })
}

/// The same for an answer that is read as far as it goes: of one that is cut or corrupt, what was before that. It may lack no more than
/// the end of its packing, and whether it is whole shows when it is read.
///
/// # Errors
/// As [`decoded`], but for [`Unreadable::Undecodable`].
pub fn decoded_so_far<'b>(
    content_encoding: Option<&str>,
    body: &'b [u8],
    at_most: usize,
) -> Result<Cow<'b, [u8]>, Unreadable> {
    plain(content_encoding, body, Wanted { at_most, whole: false })
}

/// What is wanted of a body: no more than so many bytes, and whether only as a whole.
#[derive(Clone, Copy)]
struct Wanted {
    at_most: usize,
    whole: bool,
}

fn plain<'b>(codings: Option<&str>, body: &'b [u8], wanted: Wanted) -> Result<Cow<'b, [u8]>, Unreadable> {
    let mut plain = Cow::Borrowed(body);
    let codings = codings.unwrap_or_default();
    if codings.split(',').count() > MOST_CODINGS {
        return Err(Unreadable::UnknownEncoding);
    }
    for coding in codings.rsplit(',').map(str::trim) {
        if let Some(inner) = without(coding, &plain, wanted)? {
            plain = Cow::Owned(inner);
        }
    }
    wanted.bound(plain)
}

/// One coding taken off; none when it is no coding at all.
fn without(coding: &str, body: &[u8], wanted: Wanted) -> Result<Option<Vec<u8>>, Unreadable> {
    match coding.to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(None),
        "gzip" | "x-gzip" => bounded(MultiGzDecoder::new(body), wanted).map(Some),
        "deflate" => inflated(body, wanted).map(Some),
        "br" => bounded(brotli_decompressor::Decompressor::new(body, BROTLI_BUFFER), wanted).map(Some),
        "zstd" => bounded(zstd_reader(body).map_err(undecodable)?, wanted).map(Some),
        _ => Err(Unreadable::UnknownEncoding),
    }
}

/// The standard says zlib; some servers send the bare stream.
fn inflated(body: &[u8], wanted: Wanted) -> Result<Vec<u8>, Unreadable> {
    match bounded(ZlibDecoder::new(body), wanted) {
        Err(Unreadable::Undecodable) => bounded(DeflateDecoder::new(body), wanted),
        Ok(plain) if plain.is_empty() && !wanted.whole => bounded(DeflateDecoder::new(body), wanted),
        decided => decided,
    }
}

fn zstd_reader(body: &[u8]) -> io::Result<impl Read> {
    let mut reader = zstd::stream::read::Decoder::with_buffer(body)?;
    reader.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(reader)
}

fn bounded(reader: impl Read, wanted: Wanted) -> Result<Vec<u8>, Unreadable> {
    let mut plain = Vec::new();
    // One byte more than allowed tells "exactly full" from "too much".
    let limit = (wanted.at_most as u64).saturating_add(1);
    let read = reader.take(limit).read_to_end(&mut plain);
    if wanted.whole {
        read.map_err(undecodable)?;
    }
    wanted.bound(plain)
}

impl Wanted {
    fn bound<B: AsRef<[u8]>>(self, plain: B) -> Result<B, Unreadable> {
        let limit = self.at_most;
        if plain.as_ref().len() > limit { Err(Unreadable::TooLarge { limit }) } else { Ok(plain) }
    }
}

fn undecodable(_: io::Error) -> Unreadable {
    Unreadable::Undecodable
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn bare_deflate(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(plain: &[u8]) -> Vec<u8> {
        zstd::encode_all(plain, 3).unwrap()
    }

    #[test]
    fn a_plain_body_is_not_copied() {
        for none in [None, Some(""), Some("identity")] {
            assert!(matches!(decoded(none, b"{}", 2), Ok(Cow::Borrowed(b"{}"))));
        }
    }

    #[test]
    fn codings_come_off_in_reverse_order_and_in_any_case() {
        let twice = zstd(&gzip(b"hello"));
        assert_eq!(decoded(Some("GZip, ZSTD"), &twice, 100).unwrap().as_ref(), b"hello");
        assert_eq!(decoded(Some("zstd, gzip"), &twice, 100), Err(Unreadable::Undecodable));
    }

    #[test]
    fn brotli_is_read_and_a_cut_one_is_not() {
        // 20 times "the quick brown fox jumps over the lazy dog", by another implementation's encoder.
        let body = [
            27, 91, 3, 136, 156, 9, 54, 78, 168, 119, 55, 188, 38, 51, 99, 163, 211, 32, 103, 120, 122, 242,
            13, 45, 172, 65, 202, 230, 242, 194, 6, 28, 56, 36, 144, 183, 9, 223, 160, 211, 10, 103, 31, 30,
            39, 74, 41, 56, 194, 173, 171, 15, 82,
        ];
        assert_eq!(
            decoded(Some("br"), &body, 10_000).unwrap().as_ref(),
            b"the quick brown fox jumps over the lazy dog".repeat(20)
        );
        assert_eq!(decoded(Some("br"), &body[..body.len() - 3], 10_000), Err(Unreadable::Undecodable));
        assert_eq!(decoded(Some("br"), &body, 859), Err(Unreadable::TooLarge { limit: 859 }));
    }

    #[test]
    fn unknown_codings_are_unreadable() {
        assert_eq!(decoded(Some("rot13"), b"x", 100), Err(Unreadable::UnknownEncoding));
    }

    #[test]
    fn more_codings_than_anybody_sends_are_not_taken_off() {
        let packed = |times: usize| (0..times).fold(b"hello".to_vec(), |body, _| gzip(&body));
        let read = |times: usize| {
            decoded(Some(&vec!["gzip"; times].join(", ")), &packed(times), 1000).map(Cow::into_owned)
        };
        assert_eq!(read(3).unwrap(), b"hello");
        assert_eq!(read(4), Err(Unreadable::UnknownEncoding));
    }

    #[test]
    fn a_cut_body_is_undecodable_and_not_a_shorter_one() {
        let plain = b"the quick brown fox jumps over the lazy dog".repeat(20);
        for (coding, body) in [("gzip", gzip(&plain)), ("deflate", zlib(&plain)), ("zstd", zstd(&plain))] {
            let cut = &body[..body.len() - 5];
            assert_eq!(decoded(Some(coding), cut, 10_000), Err(Unreadable::Undecodable), "{coding}");
        }
    }

    #[test]
    fn what_came_before_a_cut_is_read_where_that_is_wanted() {
        let plain: Vec<u8> = (0..20_000_u32).map(|at| (at * at % 251) as u8).collect();
        let flushed = |finish: fn(GzEncoder<Vec<u8>>) -> Vec<u8>| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&plain).unwrap();
            encoder.flush().unwrap();
            finish(encoder)
        };
        let unfinished = flushed(|encoder| encoder.get_ref().clone());
        let without_a_trailer =
            flushed(|encoder| encoder.finish().unwrap().split_last_chunk::<8>().unwrap().0.to_vec());
        let so_far =
            |coding: &str, body: &[u8]| decoded_so_far(Some(coding), body, 20_000).unwrap().into_owned();
        assert!(so_far("gzip", &unfinished) == plain && so_far("gzip", &without_a_trailer) == plain);
        for (coding, body) in [
            ("gzip", gzip(&plain)),
            ("deflate", zlib(&plain)),
            ("deflate", bare_deflate(&plain)),
            ("zstd", zstd(&plain)),
        ] {
            assert_eq!(so_far(coding, &body), plain, "{coding}");
            for cut in [0, 1, 5, body.len() / 2, body.len() - 1] {
                assert!(plain.starts_with(&so_far(coding, &body[..cut])), "{coding} {cut}");
            }
        }
        assert_eq!(
            decoded_so_far(Some("gzip"), &unfinished, 19_999),
            Err(Unreadable::TooLarge { limit: 19_999 })
        );
    }

    #[test]
    fn a_bomb_stops_at_the_limit_in_every_coding() {
        let zeros = vec![0; 1 << 20];
        for (coding, body) in [("gzip", gzip(&zeros)), ("deflate", zlib(&zeros)), ("zstd", zstd(&zeros))] {
            let limit = zeros.len() - 1;
            assert_eq!(decoded(Some(coding), &body, limit), Err(Unreadable::TooLarge { limit }), "{coding}");
            assert_eq!(decoded(Some(coding), &body, zeros.len()).unwrap().len(), zeros.len(), "{coding}");
        }
    }

    #[test]
    fn what_lies_beyond_the_limit_is_not_even_decoded() {
        let mut endless = io::repeat(0).take(1 << 30);
        assert_eq!(
            bounded(&mut endless, Wanted { at_most: 1000, whole: true }),
            Err(Unreadable::TooLarge { limit: 1000 })
        );
        assert_eq!(endless.limit(), (1 << 30) - 1001);
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(plain in prop::collection::vec(any::<u8>(), 0..2000)) {
            let bodies = [
                ("gzip", gzip(&plain)), ("deflate", zlib(&plain)), ("deflate", bare_deflate(&plain)), ("zstd", zstd(&plain)),
            ];
            for (coding, body) in bodies {
                let back = decoded(Some(coding), &body, 2000).unwrap();
                prop_assert_eq!(back.as_ref(), plain.as_slice());
            }
        }

        #[test]
        fn garbage_neither_panics_nor_passes_the_limit(body in prop::collection::vec(any::<u8>(), 0..300)) {
            for coding in ["gzip", "deflate", "zstd"] {
                let length = decoded(Some(coding), &body, 1000).map_or(0, |plain| plain.len());
                prop_assert!(length <= 1000, "{coding}");
            }
        }
    }
}
