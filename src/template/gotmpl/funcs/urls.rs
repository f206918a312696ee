//! URLs and host names.

use std::net::ToSocketAddrs as _;

use super::args::Args;
use super::{Answer, FuncError, NIL};
use crate::template::funcs::url::Url;
use crate::template::gotmpl::func::{Func, Ty};
use crate::template::gotmpl::value::{Map, Val};

pub(super) static FUNCTIONS: &[Func] = &[
    Func::new("urlParse", &[Ty::Str], |_, args| parse(&Args(args).text(0))),
    Func::new("urlJoin", &[Ty::AnyMap], |_, args| join(&Args(args).map(0))),
    Func::new("getHostByName", &[Ty::Str], |ctx, args| {
        if !ctx.options().enable_dns {
            return Ok("".into());
        }
        let found = (&*Args(args).text(0), 0)
            .to_socket_addrs()
            .ok()
            .and_then(|mut a| a.next());
        // sprig picks one of none
        let found = found.ok_or("invalid argument to Intn")?;
        Ok(found.ip().to_string().into())
    }),
];

fn parse(text: &str) -> Answer {
    let url = Url::parse(text).map_err(|err| format!("unable to parse url: {err}"))?;
    let (hostname, userinfo) = (url.hostname().to_owned(), url.userinfo());
    let parts = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", userinfo),
    ];
    Ok(Val::map(parts.map(|(key, part)| (key, Val::from(part)))))
}

fn join(parts: &Map) -> Answer {
    let part = |key: &str| match parts.get(key) {
        None => Ok(String::new()),
        Some(Val::Nil) => Err(FuncError::from(NIL)),
        Some(Val::Str(text)) => Ok(text.to_str().into_owned()),
        Some(other) => {
            let kind = other.kind().name();
            let text =
                format!("unable to parse {key} key, must be of type string, but {kind} found");
            Err(text.into())
        }
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        user: None,
    };
    let userinfo = part("userinfo")?;
    if !userinfo.is_empty() {
        let parsed = Url::parse(&format!("proto://{userinfo}@host"));
        url.user = parsed
            .map_err(|err| format!("unable to parse userinfo in dict: {err}"))?
            .user;
    }
    Ok(url.to_string().into())
}
