//! Keys and certificates.

use std::any::Any;

use super::args::Args;
use super::{Answer, FuncError};
use crate::template::funcs::crypto::{self, Algorithm, Certificate, PrivateKey, Request};
use crate::template::gotmpl::exec::Ctx;
use crate::template::gotmpl::func::{Func, Ty};
use crate::template::gotmpl::value::{Kind, Object, Val};

const CERTIFICATE: Ty = Ty::Named("sprig.certificate");

pub(super) static FUNCTIONS: &[Func] = &[
    Func::new("genPrivateKey", &[Ty::Str], |_, args| {
        Ok(private_key(&Args(args).text(0)))
    }),
    Func::new("buildCustomCert", &[Ty::Str, Ty::Str], |_, args| {
        made(crypto::build_custom(
            Args(args).bytes(0),
            Args(args).bytes(1),
        ))
    }),
    Func::new("genCA", &[Ty::Str, Ty::Int], |_, args| {
        made(crypto::certificate_authority(&authority(args, None)))
    }),
    Func::new("genCAWithKey", &[Ty::Str, Ty::Int, Ty::Str], |_, args| {
        made(crypto::certificate_authority(&authority(args, Some(2))))
    }),
    Func::new(
        "genSelfSignedCert",
        &[Ty::Str, Ty::AnyList, Ty::AnyList, Ty::Int],
        |ctx, args| made(crypto::self_signed(&request(ctx, args, None)?)),
    ),
    Func::new(
        "genSelfSignedCertWithKey",
        &[Ty::Str, Ty::AnyList, Ty::AnyList, Ty::Int, Ty::Str],
        |ctx, args| made(crypto::self_signed(&request(ctx, args, Some(4))?)),
    ),
    Func::new(
        "genSignedCert",
        &[Ty::Str, Ty::AnyList, Ty::AnyList, Ty::Int, CERTIFICATE],
        |ctx, args| made(crypto::signed(&request(ctx, args, None)?, &signer(args))),
    ),
    Func::new(
        "genSignedCertWithKey",
        &[
            Ty::Str,
            Ty::AnyList,
            Ty::AnyList,
            Ty::Int,
            CERTIFICATE,
            Ty::Str,
        ],
        |ctx, args| made(crypto::signed(&request(ctx, args, Some(5))?, &signer(args))),
    ),
];

/// sprig's `certificate`.
struct Pair(Certificate);

impl Object for Pair {
    fn type_name(&self) -> &'static str {
        "sprig.certificate"
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn fields(&self) -> Vec<(&'static str, Val)> {
        vec![
            ("Cert", self.0.cert.as_str().into()),
            ("Key", self.0.key.as_str().into()),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn made(certificate: Result<Certificate, crypto::Error>) -> Answer {
    match certificate {
        Ok(certificate) => Ok(Val::object(Pair(certificate))),
        Err(err) => Err(err.to_string().into()),
    }
}

fn private_key(kind: &str) -> Val {
    let algorithm = match kind {
        "" | "rsa" => Algorithm::Rsa(4096),
        "dsa" => Algorithm::Dsa,
        "ecdsa" => Algorithm::Ecdsa,
        "ed25519" => Algorithm::Ed25519,
        other => return format!("Unknown type {other}").into(),
    };
    match PrivateKey::generate(algorithm) {
        Ok(key) => key.to_pem().into(),
        Err(err) => format!("failed to generate private key: {err}").into(),
    }
}

fn authority(args: &[Val], key: Option<usize>) -> Request {
    Request {
        common_name: Args(args).text(0).into_owned(),
        days_valid: Args(args).int(1),
        key_pem: key.map(|at| Args(args).text(at).into_owned()),
        ..Request::default()
    }
}

fn request(ctx: &mut Ctx<'_>, args: &[Val], key: Option<usize>) -> Result<Request, FuncError> {
    let mut request = Request {
        common_name: Args(args).text(0).into_owned(),
        days_valid: Args(args).int(3),
        key_pem: key.map(|at| Args(args).text(at).into_owned()),
        ..Request::default()
    };
    for ip in items(args, 1) {
        let Some(text) = ip.as_str() else {
            let shown = ctx.sprint(std::slice::from_ref(ip))?;
            return Err(format!("error parsing ip: {} is not a string", shown.to_str()).into());
        };
        let text = text.to_str();
        let ip = text
            .parse()
            .map_err(|_| format!("error parsing ip: {text}"))?;
        request.ips.push(ip);
    }
    for name in items(args, 2) {
        let Some(text) = name.as_str() else {
            let shown = ctx
                .sprint(std::slice::from_ref(name))?
                .to_str()
                .into_owned();
            let text = format!("error processing alternate dns name: {shown} is not a string");
            return Err(text.into());
        };
        request.dns.push(text.to_str().into_owned());
    }
    Ok(request)
}

fn items(args: &[Val], index: usize) -> &[Val] {
    match args.get(index) {
        Some(Val::List(list)) => list.items(),
        _ => &[],
    }
}

fn signer(args: &[Val]) -> Certificate {
    let pair = Args(args).any(4).downcast::<Pair>();
    pair.map_or_else(
        || Certificate {
            cert: String::new(),
            key: String::new(),
        },
        |pair| pair.0.clone(),
    )
}
