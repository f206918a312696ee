//! PEM as Go's `encoding/pem` reads and writes it.

use crate::template::funcs::encode;

/// A block with 64 characters a line.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    let body = encode::base64(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out + "-----END " + label + "-----\n"
}

/// The first block of a text: its label and its content.
pub(super) fn decode(text: &str) -> Option<(String, Vec<u8>)> {
    let (_, after) = text.split_once("-----BEGIN ")?;
    let (label, after) = after.split_once("-----")?;
    let (body, _) = after.split_once(&format!("-----END {label}-----"))?;
    // headers (RFC 1421) stand before an empty line
    let body = match body.split_once("\n\n") {
        Some((headers, body)) if headers.contains(':') => body,
        _ => body,
    };
    let body: Vec<u8> = body.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    Some((label.to_owned(), encode::decode_base64(&body).ok()?))
}
