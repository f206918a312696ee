//! X.509 certificates as sprig makes them: the same fields and extensions as Go's x509 writes.

use std::net::IpAddr;

use sha2::Digest as _;

use super::key::Algorithm;
use super::{Error, PrivateKey, der, pem, random_bytes};
use crate::template::funcs::encode;
use crate::template::funcs::gotime::{Time, Zone};

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
/// digitalSignature and keyEncipherment.
const USAGE_LEAF: &[u8] = &[der::BIT_STRING, 2, 5, 0xa0];
/// Those and keyCertSign.
const USAGE_AUTHORITY: &[u8] = &[der::BIT_STRING, 2, 2, 0xa4];
const DAY: i64 = 86_400;

/// A certificate and its key, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate.
    pub cert: String,
    /// The private key.
    pub key: String,
}

/// Whom a certificate is for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The subject's common name.
    pub common_name: String,
    /// Addresses it answers for.
    pub ips: Vec<IpAddr>,
    /// Names it answers for.
    pub dns: Vec<String>,
    /// From now on.
    pub days_valid: i64,
    /// Its key; a new RSA key of 2048 bits if there is none.
    pub key_pem: Option<String>,
}

impl Request {
    fn key(&self) -> Result<PrivateKey, Error> {
        match &self.key_pem {
            Some(pem) => PrivateKey::from_pem(pem)
                .map_err(|err| Error(format!("parsing private key: {err}"))),
            None => PrivateKey::generate(Algorithm::Rsa(2048))
                .map_err(|err| Error(format!("error generating rsa key: {err}"))),
        }
    }
}

/// Who signs.
struct Issuer<'k> {
    /// The DER of its name.
    name: Vec<u8>,
    key: &'k PrivateKey,
    key_id: Vec<u8>,
}

/// A certificate authority, signed by itself.
///
/// # Errors
/// When the key can't be read or can't sign.
pub fn certificate_authority(request: &Request) -> Result<Certificate, Error> {
    let key = request.key()?;
    let issuer = Issuer {
        name: name(&request.common_name),
        key_id: key_id(&key)?,
        key: &key,
    };
    issue(request, &key, &issuer, true)
}

/// A certificate signed by itself.
///
/// # Errors
/// When the key can't be read or can't sign.
pub fn self_signed(request: &Request) -> Result<Certificate, Error> {
    let key = request.key()?;
    let issuer = Issuer {
        name: name(&request.common_name),
        key_id: Vec::new(),
        key: &key,
    };
    issue(request, &key, &issuer, false)
}

/// A certificate signed by an authority.
///
/// # Errors
/// When a key or the authority's certificate can't be read, or the key can't sign.
pub fn signed(request: &Request, authority: &Certificate) -> Result<Certificate, Error> {
    let key = request.key()?;
    let (_, parent) = pem::decode(&authority.cert)
        .ok_or_else(|| Error("unable to decode certificate".to_owned()))?;
    let (name, key_id) = parse(&parent)?;
    let signer = PrivateKey::from_pem(&authority.key)
        .map_err(|err| Error(format!("error parsing private key: {err}")))?;
    issue(
        request,
        &key,
        &Issuer {
            name,
            key: &signer,
            key_id,
        },
        false,
    )
}

/// A certificate and a key that were made elsewhere, in base64 of PEM, checked to be such.
///
/// # Errors
/// In sprig's words.
pub fn build_custom(cert: &[u8], key: &[u8]) -> Result<Certificate, Error> {
    let error = |text: &str| Error(text.to_owned());
    let decode =
        |text| encode::decode_base64(text).map(|b| String::from_utf8_lossy(&b).into_owned());
    let cert = decode(cert).map_err(|_| error("unable to decode base64 certificate"))?;
    let key = decode(key).map_err(|_| error("unable to decode base64 private key"))?;
    let (_, der) = pem::decode(&cert).ok_or_else(|| error("unable to decode certificate"))?;
    parse(&der).map_err(|_| {
        error("error parsing certificate: decodedCert.Bytes: x509: malformed certificate")
    })?;
    PrivateKey::from_pem(&key).map_err(|err| Error(format!("error parsing private key: {err}")))?;
    Ok(Certificate { cert, key })
}

fn issue(
    request: &Request,
    key: &PrivateKey,
    issuer: &Issuer<'_>,
    authority: bool,
) -> Result<Certificate, Error> {
    let failed = |err: Error| Error(format!("error creating certificate: {err}"));
    let (public, _) = key.public().map_err(failed)?;
    let now = Time::now().in_zone(Zone::Utc);
    let end = Time {
        unix: now
            .unix
            .saturating_add(request.days_valid.saturating_mul(DAY)),
        ..now.clone()
    };
    let algorithm = issuer.key.signature_algorithm();
    let body = der::sequence(&[
        &der::tlv(0xa0, &der::integer(&[2])),
        &der::integer(&random_bytes(16)),
        &algorithm,
        &issuer.name,
        &der::sequence(&[&time(&now), &time(&end)]),
        &name(&request.common_name),
        &public,
        &der::tlv(0xa3, &extensions(request, key, issuer, authority)?),
    ]);
    let signature = issuer.key.sign(&body).map_err(failed)?;
    let cert = der::sequence(&[&body, &algorithm, &der::bits(&signature)]);
    Ok(Certificate {
        cert: pem::encode("CERTIFICATE", &cert),
        key: key.to_pem().to_owned(),
    })
}

fn extensions(
    request: &Request,
    key: &PrivateKey,
    issuer: &Issuer<'_>,
    authority: bool,
) -> Result<Vec<u8>, Error> {
    let extension = |oid: &[u8], critical: bool, value: &[u8]| {
        let critical: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
        let (oid, value) = (der::tlv(der::OID, oid), der::tlv(der::OCTET_STRING, value));
        der::sequence(&[&oid, critical, &value])
    };
    let usage = if authority {
        USAGE_AUTHORITY
    } else {
        USAGE_LEAF
    };
    let purposes = [SERVER_AUTH, CLIENT_AUTH]
        .map(|oid| der::tlv(der::OID, oid))
        .concat();
    let is_authority: &[u8] = if authority { &[0x01, 0x01, 0xff] } else { &[] };
    let mut out = vec![
        extension(KEY_USAGE, true, usage),
        extension(
            EXTENDED_KEY_USAGE,
            false,
            &der::tlv(der::SEQUENCE, &purposes),
        ),
        extension(BASIC_CONSTRAINTS, true, &der::sequence(&[is_authority])),
    ];
    if authority {
        let id = der::tlv(der::OCTET_STRING, &key_id(key)?);
        out.push(extension(SUBJECT_KEY_ID, false, &id));
    } else if !issuer.key_id.is_empty() {
        let id = der::sequence(&[&der::tlv(0x80, &issuer.key_id)]);
        out.push(extension(AUTHORITY_KEY_ID, false, &id));
    }
    let dns = request
        .dns
        .iter()
        .map(|name| der::tlv(0x82, name.as_bytes()));
    let ips = request.ips.iter().map(|ip| match ip {
        IpAddr::V4(ip) => der::tlv(0x87, &ip.octets()),
        IpAddr::V6(ip) => der::tlv(0x87, &ip.octets()),
    });
    let names: Vec<u8> = dns.chain(ips).flatten().collect();
    if !names.is_empty() {
        out.push(extension(
            ALTERNATIVE_NAMES,
            false,
            &der::tlv(der::SEQUENCE, &names),
        ));
    }
    Ok(der::tlv(der::SEQUENCE, &out.concat()))
}

/// A name that holds one common name, printable if it can be (then Go writes it so).
fn name(common_name: &str) -> Vec<u8> {
    if common_name.is_empty() {
        return der::sequence(&[]);
    }
    let printable = |b: u8| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&b);
    let tag = if common_name.bytes().all(printable) {
        0x13
    } else {
        0x0c
    };
    let value = der::tlv(tag, common_name.as_bytes());
    let attribute = der::sequence(&[&der::tlv(der::OID, COMMON_NAME), &value]);
    der::sequence(&[&der::tlv(der::SET, &attribute)])
}

/// UTCTime until 2049, GeneralizedTime from then on.
fn time(time: &Time) -> Vec<u8> {
    if (1950..2050).contains(&time.parts().year) {
        der::tlv(0x17, &time.format(b"060102150405Z"))
    } else {
        der::tlv(0x18, &time.format(b"20060102150405Z"))
    }
}

/// The first 160 bits of the SHA-256 of the public key (RFC 7093), as Go has it since 1.25.
fn key_id(key: &PrivateKey) -> Result<Vec<u8>, Error> {
    let (_, bits) = key
        .public()
        .map_err(|err| Error(format!("error creating certificate: {err}")))?;
    Ok(sha2::Sha256::digest(&bits)
        .iter()
        .copied()
        .take(20)
        .collect())
}

/// The subject's name and key identifier of a certificate.
fn parse(der: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
    subject_and_key_id(der).ok_or_else(|| {
        Error(
            "error parsing certificate: decodedSignerCert.Bytes: x509: malformed certificate"
                .to_owned(),
        )
    })
}

fn subject_and_key_id(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut certificate = der::Reader(der::Reader(der).expect(der::SEQUENCE)?);
    let mut body = der::Reader(certificate.expect(der::SEQUENCE)?);
    let (tag, _, _) = body.next()?;
    if tag == 0xa0 {
        body.expect(der::INTEGER)?;
    }
    for _ in 0..3 {
        // algorithm, issuer, validity
        body.expect(der::SEQUENCE)?;
    }
    let (_, _, subject) = body.next().filter(|(tag, ..)| *tag == der::SEQUENCE)?;
    let mut key_id = Vec::new();
    while let Some((tag, content, _)) = body.next() {
        if tag != 0xa3 {
            continue;
        }
        let mut extensions = der::Reader(der::Reader(content).expect(der::SEQUENCE)?);
        while let Some(extension) = extensions.expect(der::SEQUENCE) {
            let mut fields = der::Reader(extension);
            if fields.expect(der::OID)? == SUBJECT_KEY_ID {
                let value = fields.expect(der::OCTET_STRING)?;
                key_id = der::Reader(value).expect(der::OCTET_STRING)?.to_vec();
            }
        }
    }
    Some((subject.to_vec(), key_id))
}
