//! Hashed and derived passwords.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// bcrypt's cost, Go's default.
const COST: u32 = 10;
/// The most that Go's bcrypt takes.
const MAX_PASSWORD: usize = 72;
const SEED: &[u8] = b"com.lyndir.masterpassword";

/// A bcrypt hash of version 2a with a random salt; a password that is too long yields sprig's text
/// about it.
pub fn bcrypt_hash(password: &[u8]) -> String {
    if password.len() > MAX_PASSWORD {
        return "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes"
            .to_owned();
    }
    match bcrypt::hash_with_result(password, COST) {
        Ok(parts) => parts.format_for_version(bcrypt::Version::TwoA),
        Err(err) => format!("failed to encrypt string with bcrypt: {err}"),
    }
}

/// A line of an htpasswd file.
pub fn htpasswd(user: &str, password: &[u8]) -> String {
    if user.contains(':') {
        return format!("invalid username: {user}");
    }
    format!("{user}:{}", bcrypt_hash(password))
}

/// The shapes of passwords of a kind; each letter names a class of characters.
fn shapes(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => return None,
    })
}

fn class(letter: u8) -> &'static [u8] {
    match letter {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The password of a site by the Master Password algorithm (version 3, as sprig has it): the same
/// for the same arguments. An unknown kind yields sprig's text about it.
pub fn derive_password(
    counter: u32,
    kind: &str,
    master: &[u8],
    user: &[u8],
    site: &[u8],
) -> String {
    let Some(shapes) = shapes(kind) else {
        return format!("cannot find password template {kind}");
    };
    let length = |text: &[u8]| (text.len() as u32).to_be_bytes();
    let salt = [SEED, &length(user), user].concat();
    let mut key = [0u8; 64];
    let derived = scrypt::Params::new(15, 8, 2)
        .map_err(|err| err.to_string())
        .and_then(|params| {
            scrypt::scrypt(master, &salt, &params, &mut key).map_err(|err| err.to_string())
        });
    if let Err(err) = derived {
        return format!("failed to derive password: {err}");
    }
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
        return String::new();
    };
    for part in [SEED, &length(site), site, &counter.to_be_bytes()] {
        mac.update(part);
    }
    let seed = mac.finalize().into_bytes();
    let (first, rest) = seed.split_first().unwrap_or((&0, &[]));
    let shape = shapes
        .get(usize::from(*first) % shapes.len())
        .copied()
        .unwrap_or_default();
    let pick = |(letter, byte): (u8, &u8)| {
        let class = class(letter);
        class
            .get(usize::from(*byte) % class.len())
            .map(|b| char::from(*b))
    };
    shape.bytes().zip(rest).filter_map(pick).collect()
}
