//! Private keys: making, reading, writing, signing.

use ring::rand::SystemRandom;
use ring::signature::{self, KeyPair as _};
use rsa::pkcs1::EncodeRsaPrivateKey as _;

use super::{Error, der, pem};

/// rsaEncryption.
const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// id-ecPublicKey.
const OID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const OID_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
/// id-Ed25519.
const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];

/// What kind of key to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA of so many bits.
    Rsa(usize),
    /// DSA of 2048 and 256 bits.
    Dsa,
    /// ECDSA on P-256.
    Ecdsa,
    /// Ed25519.
    Ed25519,
}

/// A private key.
pub struct PrivateKey {
    kind: Kind,
    /// Its PEM as Go writes it.
    pem: String,
}

enum Kind {
    Rsa(Box<signature::RsaKeyPair>),
    Ec {
        pair: Box<signature::EcdsaKeyPair>,
        p384: bool,
    },
    Ed25519(Box<signature::Ed25519KeyPair>),
    /// Signs nothing: Go's x509 has no use for it.
    Dsa,
}

fn unusable<E: std::fmt::Display>(err: E) -> Error {
    Error(err.to_string())
}

impl PrivateKey {
    /// Makes a key.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate(algorithm: Algorithm) -> Result<PrivateKey, Error> {
        let random = SystemRandom::new();
        match algorithm {
            Algorithm::Rsa(bits) => {
                let key = rsa::PrivateKey::new(&mut rand::rng(), bits).map_err(unusable)?;
                PrivateKey::rsa(key.to_pkcs1_der().map_err(unusable)?.as_bytes())
            }
            Algorithm::Dsa => Ok(dsa_key()),
            Algorithm::Ecdsa => {
                let algorithm = &signature::ECDSA_P256_SHA256_ASN1_SIGNING;
                let pkcs8 = signature::EcdsaKeyPair::generate_pkcs8(algorithm, &random);
                PrivateKey::pkcs8(pkcs8.map_err(unusable)?.as_ref())
            }
            Algorithm::Ed25519 => {
                let pkcs8 = signature::Ed25519KeyPair::generate_pkcs8(&random);
                PrivateKey::pkcs8(pkcs8.map_err(unusable)?.as_ref())
            }
        }
    }

    /// Reads a key from PEM: `PRIVATE KEY`, `RSA PRIVATE KEY`, `EC PRIVATE KEY` (P-256 and P-384)
    /// or `DSA PRIVATE KEY`.
    ///
    /// # Errors
    /// In sprig's words.
    pub fn from_pem(text: &str) -> Result<PrivateKey, Error> {
        let (label, der) =
            pem::decode(text).ok_or_else(|| Error("no PEM data in input".to_owned()))?;
        let wrap = |what: &'static str| move |err: Error| Error(format!("{what}: {err}"));
        match label.as_str() {
            "PRIVATE KEY" => PrivateKey::pkcs8(&der).map_err(wrap("decoding PEM as PKCS#8")),
            "RSA PRIVATE KEY" => {
                PrivateKey::rsa(&der).map_err(wrap("parsing RSA private key from PEM"))
            }
            "EC PRIVATE KEY" => {
                PrivateKey::sec1(&der, None).map_err(wrap("parsing EC private key from PEM"))
            }
            "DSA PRIVATE KEY" => Ok(PrivateKey {
                kind: Kind::Dsa,
                pem: pem::encode("DSA PRIVATE KEY", &der),
            }),
            label => Err(Error(match label.strip_suffix(" PRIVATE KEY") {
                Some(kind) => format!("invalid private key type {kind}"),
                None => format!("no private key data in PEM block of type {label}"),
            })),
        }
    }

    /// From the content of an `RSAPrivateKey` (PKCS#1).
    fn rsa(der: &[u8]) -> Result<PrivateKey, Error> {
        let pair = signature::RsaKeyPair::from_der(der).map_err(unusable)?;
        let pem = pem::encode("RSA PRIVATE KEY", der);
        Ok(PrivateKey {
            kind: Kind::Rsa(Box::new(pair)),
            pem,
        })
    }

    /// From the content of an `ECPrivateKey` (SEC 1); in PKCS#8 the curve stands outside of it.
    fn sec1(der: &[u8], curve: Option<&[u8]>) -> Result<PrivateKey, Error> {
        let malformed = || Error("asn1: structure error: malformed EC private key".to_owned());
        let mut fields = der::Reader(
            der::Reader(der)
                .expect(der::SEQUENCE)
                .ok_or_else(malformed)?,
        );
        fields.expect(der::INTEGER).ok_or_else(malformed)?;
        let secret = fields.expect(der::OCTET_STRING).ok_or_else(malformed)?;
        let (mut curve, mut public) = (curve, None);
        while let Some((tag, content, _)) = fields.next() {
            match tag {
                0xa0 => curve = der::Reader(content).expect(der::OID),
                0xa1 => public = der::Reader(content).expect(der::BIT_STRING),
                _ => {}
            }
        }
        let curve = curve.ok_or_else(malformed)?;
        let (algorithm, p384) = match curve {
            OID_P256 => (&signature::ECDSA_P256_SHA256_ASN1_SIGNING, false),
            OID_P384 => (&signature::ECDSA_P384_SHA384_ASN1_SIGNING, true),
            _ => return Err(Error("unsupported elliptic curve".to_owned())),
        };
        let public = public
            .and_then(|bits| bits.get(1..))
            .ok_or_else(malformed)?;
        let random = SystemRandom::new();
        let pair = signature::EcdsaKeyPair::from_private_key_and_public_key(
            algorithm, secret, public, &random,
        );
        let pair = Box::new(pair.map_err(unusable)?);
        let sec1 = der::sequence(&[
            &der::integer(&[1]),
            &der::tlv(der::OCTET_STRING, secret),
            &der::tlv(0xa0, &der::tlv(der::OID, curve)),
            &der::tlv(0xa1, &der::bits(public)),
        ]);
        Ok(PrivateKey {
            kind: Kind::Ec { pair, p384 },
            pem: pem::encode("EC PRIVATE KEY", &sec1),
        })
    }

    /// From the content of a `PrivateKeyInfo` (PKCS#8).
    fn pkcs8(der: &[u8]) -> Result<PrivateKey, Error> {
        let malformed = || Error("asn1: structure error: malformed PKCS#8".to_owned());
        let mut fields = der::Reader(
            der::Reader(der)
                .expect(der::SEQUENCE)
                .ok_or_else(malformed)?,
        );
        fields.expect(der::INTEGER).ok_or_else(malformed)?;
        let mut algorithm = der::Reader(fields.expect(der::SEQUENCE).ok_or_else(malformed)?);
        let inner = fields.expect(der::OCTET_STRING).ok_or_else(malformed)?;
        match algorithm.expect(der::OID).ok_or_else(malformed)? {
            OID_RSA => PrivateKey::rsa(inner),
            OID_EC => PrivateKey::sec1(inner, algorithm.expect(der::OID)),
            OID_ED25519 => {
                let seed = der::Reader(inner)
                    .expect(der::OCTET_STRING)
                    .ok_or_else(malformed)?;
                let pair = signature::Ed25519KeyPair::from_seed_unchecked(seed);
                let pair = Box::new(pair.map_err(unusable)?);
                let info = der::sequence(&[
                    &der::integer(&[0]),
                    &der::sequence(&[&der::tlv(der::OID, OID_ED25519)]),
                    &der::tlv(der::OCTET_STRING, inner),
                ]);
                Ok(PrivateKey {
                    kind: Kind::Ed25519(pair),
                    pem: pem::encode("PRIVATE KEY", &info),
                })
            }
            _ => Err(Error(
                "x509: PKCS#8 wrapping contained private key with unknown algorithm".to_owned(),
            )),
        }
    }

    /// The key in PEM, in the form that Go chooses for its kind.
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// The `SubjectPublicKeyInfo`, and the bits of the key itself.
    pub(super) fn public(&self) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let oid = |oid| der::tlv(der::OID, oid);
        let (algorithm, key) = match &self.kind {
            Kind::Rsa(pair) => (
                der::sequence(&[&oid(OID_RSA), &[0x05, 0x00]]),
                pair.public_key().as_ref().to_vec(),
            ),
            Kind::Ec { pair, p384 } => {
                let curve = if *p384 { OID_P384 } else { OID_P256 };
                let algorithm = der::sequence(&[&oid(OID_EC), &oid(curve)]);
                (algorithm, pair.public_key().as_ref().to_vec())
            }
            Kind::Ed25519(pair) => (
                der::sequence(&[&oid(OID_ED25519)]),
                pair.public_key().as_ref().to_vec(),
            ),
            Kind::Dsa => {
                return Err(Error(
                    "x509: unsupported public key type: *dsa.PublicKey".to_owned(),
                ));
            }
        };
        Ok((der::sequence(&[&algorithm, &der::bits(&key)]), key))
    }

    /// The identifier of the algorithm that [`Self::sign`] uses.
    pub(super) fn signature_algorithm(&self) -> Vec<u8> {
        let oid = |oid| der::tlv(der::OID, oid);
        match &self.kind {
            Kind::Rsa(_) => der::sequence(&[&oid(RSA_SHA256), &[0x05, 0x00]]),
            Kind::Ec { p384: false, .. } => der::sequence(&[&oid(ECDSA_SHA256)]),
            Kind::Ec { p384: true, .. } => der::sequence(&[&oid(ECDSA_SHA384)]),
            Kind::Ed25519(_) | Kind::Dsa => der::sequence(&[&oid(OID_ED25519)]),
        }
    }

    /// Signs a message.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let random = SystemRandom::new();
        match &self.kind {
            Kind::Rsa(pair) => {
                let mut out = vec![0; pair.public().modulus_len()];
                let padding = &signature::RSA_PKCS1_SHA256;
                pair.sign(padding, &random, message, &mut out)
                    .map_err(unusable)?;
                Ok(out)
            }
            Kind::Ec { pair, .. } => Ok(pair
                .sign(&random, message)
                .map_err(unusable)?
                .as_ref()
                .to_vec()),
            Kind::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Kind::Dsa => Err(Error(
                "x509: certificate private key does not implement crypto.Signer".to_owned(),
            )),
        }
    }
}

/// DSA's numbers in the form that OpenSSL gave them: version, p, q, g, y, x.
fn dsa_key() -> PrivateKey {
    use dsa::Generate as _;
    let key = dsa::SigningKey::generate();
    let public = key.verifying_key();
    let numbers = public.components();
    let der = der::sequence(&[
        &der::integer(&[0]),
        &der::integer(&numbers.p().to_be_bytes()),
        &der::integer(&numbers.q().to_be_bytes()),
        &der::integer(&numbers.g().to_be_bytes()),
        &der::integer(&public.y().to_be_bytes()),
        &der::integer(&key.x().to_be_bytes()),
    ]);
    PrivateKey {
        kind: Kind::Dsa,
        pem: pem::encode("DSA PRIVATE KEY", &der),
    }
}
