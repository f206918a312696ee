//! What is random is checked by its properties, what is not by known values.

use super::*;

#[test]
fn known_values() {
    assert_eq!(sha1(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    assert_eq!(
        derive_password(1, "long", b"password", b"user", b"example.com"),
        "ZedaFaxcZaso9*"
    );
    assert_eq!(
        derive_password(1, "x", b"", b"", b""),
        "cannot find password template x"
    );
}

#[test]
fn encrypted_text_comes_back() {
    for text in [
        b"a".as_slice(),
        b"exactly sixteen!",
        b"longer than one block of it",
    ] {
        let sealed = encrypt_aes(b"secretkey", text);
        assert_eq!(decrypt_aes(b"secretkey", sealed.as_bytes()).unwrap(), text);
    }
    assert!(decrypt_aes(b"k", b"!").is_err());
}

#[test]
fn hashes_verify() {
    let hash = bcrypt_hash(b"secret");
    assert!(hash.starts_with("$2a$10$"));
    assert!(bcrypt::verify(b"secret", &hash).unwrap());
    assert!(bcrypt_hash(&[b'a'; 73]).contains("exceeds 72 bytes"));
    assert_eq!(uuid_v4().len(), 36);
    assert_eq!(random_text(Alphabet::Numeric, 9).len(), 9);
}

#[test]
fn keys_read_back() {
    for algorithm in [Algorithm::Rsa(2048), Algorithm::Ecdsa, Algorithm::Ed25519] {
        let key = PrivateKey::generate(algorithm).unwrap();
        let again = PrivateKey::from_pem(key.to_pem()).unwrap();
        assert_eq!(key.to_pem(), again.to_pem());
    }
}
