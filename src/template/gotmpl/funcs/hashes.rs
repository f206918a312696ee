//! Digests, encodings, passwords, ciphers and what is random.

use super::args::Args;
use super::{Answer, FuncError};
use crate::template::funcs::{crypto, encode};
use crate::template::gotmpl::func::{Func, Ty};
use crate::template::gotmpl::value::{Str, Val};

const ONE: &[Ty] = &[Ty::Str];
const TWO: &[Ty] = &[Ty::Str, Ty::Str];

pub(super) static FUNCTIONS: &[Func] = &[
    Func::new("sha1sum", ONE, |_, args| {
        Ok(crypto::sha1(Args(args).bytes(0)).into())
    }),
    Func::new("sha256sum", ONE, |_, args| {
        Ok(crypto::sha256(Args(args).bytes(0)).into())
    }),
    Func::new("sha512sum", ONE, |_, args| {
        Ok(crypto::sha512(Args(args).bytes(0)).into())
    }),
    Func::new("adler32sum", ONE, |_, args| {
        Ok(crypto::adler32(Args(args).bytes(0)).to_string().into())
    }),
    Func::new("b64enc", ONE, |_, args| {
        Ok(encode::base64(Args(args).bytes(0)).into())
    }),
    Func::new("b64dec", ONE, |_, args| {
        decoded(encode::decode_base64(Args(args).bytes(0)))
    }),
    Func::new("b32enc", ONE, |_, args| {
        Ok(encode::base32(Args(args).bytes(0)).into())
    }),
    Func::new("b32dec", ONE, |_, args| {
        decoded(encode::decode_base32(Args(args).bytes(0)))
    }),
    Func::new("bcrypt", ONE, |_, args| {
        Ok(crypto::bcrypt_hash(Args(args).bytes(0)).into())
    }),
    Func::new("htpasswd", TWO, |_, args| {
        Ok(crypto::htpasswd(&Args(args).text(0), Args(args).bytes(1)).into())
    }),
    Func::new(
        "derivePassword",
        &[Ty::Uint32, Ty::Str, Ty::Str, Ty::Str, Ty::Str],
        |_, args| {
            let counter = match Args(args).any(0) {
                Val::Uint64(counter) => *counter as u32,
                _ => 0,
            };
            let args = Args(args);
            let (kind, master) = (args.text(1), args.bytes(2));
            Ok(
                crypto::derive_password(counter, &kind, master, args.bytes(3), args.bytes(4))
                    .into(),
            )
        },
    ),
    Func::new("encryptAES", TWO, |_, args| {
        Ok(crypto::encrypt_aes(Args(args).bytes(0), Args(args).bytes(1)).into())
    }),
    Func::new("decryptAES", TWO, |_, args| {
        let plain = crypto::decrypt_aes(Args(args).bytes(0), Args(args).bytes(1));
        let plain = plain.map_err(|err| FuncError::from(err.to_string()))?;
        Ok(Val::Str(Str::from_bytes(plain)))
    }),
    Func::new("randBytes", &[Ty::Int], |ctx, args| {
        let count = usize::try_from(Args(args).int(0))
            .map_err(|_| "runtime error: makeslice: len out of range")?;
        ctx.charge(count.saturating_mul(2))?;
        Ok(encode::base64(&crypto::random_bytes(count)).into())
    }),
    Func::new("uuidv4", &[], |_, _| Ok(crypto::uuid_v4().into())),
];

/// sprig gives the text of the error for what can't be decoded.
fn decoded(result: Result<Vec<u8>, encode::Error>) -> Answer {
    Ok(match result {
        Ok(bytes) => Val::Str(Str::from_bytes(bytes)),
        Err(err) => err.to_string().into(),
    })
}
