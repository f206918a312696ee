//! sprig's AES: 256 bits in CBC mode, the key being the password itself.

use aes::Aes256;
use aes::cipher::{Block, BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};

use super::Error;
use crate::template::funcs::encode;

const BLOCK: usize = 16;

/// The password, cut or filled with zeros to the length of a key.
fn key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    for (slot, byte) in key.iter_mut().zip(password) {
        *slot = *byte;
    }
    key
}

/// Encrypts a text; the result is base64 of a random first block and the ciphertext. An empty text
/// stays empty.
pub fn encrypt_aes(password: &[u8], text: &[u8]) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut first = [0; BLOCK];
    for (slot, byte) in first.iter_mut().zip(super::random_bytes(BLOCK)) {
        *slot = byte;
    }
    let mut cipher = cbc::Encryptor::<Aes256>::new(&key(password).into(), &first.into());
    let padding = BLOCK - text.len() % BLOCK;
    let padded = [text, &vec![padding as u8; padding]].concat();
    let mut out = first.to_vec();
    for chunk in padded.chunks_exact(BLOCK) {
        let mut block = Block::<Aes256>::default();
        block.copy_from_slice(chunk);
        cipher.encrypt_block(&mut block);
        out.extend_from_slice(&block);
    }
    encode::base64(&out)
}

/// Decrypts what [`encrypt_aes`] made. As in sprig nothing tells a wrong password, except when the
/// padding that it yields is longer than the text.
///
/// # Errors
/// When the text is not base64 or not made of blocks; in Go's words.
pub fn decrypt_aes(password: &[u8], text: &[u8]) -> Result<Vec<u8>, Error> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let crypt = encode::decode_base64(text).map_err(|err| Error(err.to_string()))?;
    let Some((first, body)) = crypt.split_at_checked(BLOCK) else {
        let message = "runtime error: slice bounds out of range [:16] with capacity ";
        // Go's decoder allots three bytes for four
        return Err(Error(format!("{message}{}", text.len() / 4 * 3)));
    };
    if body.len() % BLOCK != 0 {
        return Err(Error("crypto/cipher: input not full blocks".to_owned()));
    }
    let Ok(first) = <[u8; BLOCK]>::try_from(first) else {
        return Ok(Vec::new());
    };
    let mut cipher = cbc::Decryptor::<Aes256>::new(&key(password).into(), &first.into());
    let mut plain = Vec::with_capacity(body.len());
    for chunk in body.chunks_exact(BLOCK) {
        let mut block = Block::<Aes256>::default();
        block.copy_from_slice(chunk);
        cipher.decrypt_block(&mut block);
        plain.extend_from_slice(&block);
    }
    let Some(padding) = plain.last().copied().map(usize::from) else {
        return Err(Error("runtime error: index out of range [-1]".to_owned()));
    };
    match plain.len().checked_sub(padding) {
        Some(length) => {
            plain.truncate(length);
            Ok(plain)
        }
        None => {
            let length = plain.len() as i64 - padding as i64;
            Err(Error(format!(
                "runtime error: slice bounds out of range [:{length}]"
            )))
        }
    }
}
