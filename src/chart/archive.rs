//! Unpacking a chart archive into memory, with the limits that hostile ones run into.

use std::io::{self, Read};

use super::{Error, File};

/// All files of a chart, its subcharts included, unpacked: Helm's 100 MiB.
pub const MAX_TOTAL: u64 = 100 * 1024 * 1024;
/// Files and folders of a chart, its subcharts included.
pub const MAX_ENTRIES: usize = 10_000;
/// Charts within charts within charts.
pub const MAX_DEPTH: usize = 16;
/// What an archive may cost beyond its files: headers, padding, extended names.
const OVERHEAD: u64 = 32 * 1024 * 1024;

/// What a chart may still use up; one for a chart and all below it.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: u64,
    entries: usize,
}

impl Budget {
    /// The limits of a chart as a user loads it.
    pub(super) fn new() -> Self {
        Budget::of(MAX_TOTAL, MAX_ENTRIES)
    }

    /// Limits of one's own.
    pub(super) fn of(bytes: u64, entries: usize) -> Self {
        Budget { bytes, entries }
    }

    /// Takes one entry.
    pub(super) fn entry(&mut self, path: &str) -> Result<(), Error> {
        self.entries = self.entries.checked_sub(1).ok_or_else(|| Error::TooLarge {
            path: path.to_owned(),
            what: "the chart has too many files".to_owned(),
            limit: format!("{MAX_ENTRIES} files and folders"),
        })?;
        Ok(())
    }

    /// Reads a file of about `size` bytes to its end, or fails where the budget ends.
    pub(super) fn read(
        &mut self,
        path: &str,
        name: &str,
        size: u64,
        from: impl Read,
    ) -> Result<Vec<u8>, Error> {
        // What an archive says of sizes need not be true.
        let size = usize::try_from(size.min(1 << 20)).unwrap_or(0);
        let mut data = Vec::with_capacity(size + 1);
        from.take(self.bytes + 1)
            .read_to_end(&mut data)
            .map_err(|e| {
                stream_error(path, &e).unwrap_or(Error::Read {
                    path: format!("{path}: {name}"),
                    source: e,
                })
            })?;
        let used = data.len() as u64;
        if used > self.bytes {
            return Err(too_large(path));
        }
        self.bytes -= used;
        // Helm drops a byte order mark too.
        if data.starts_with(&[0xEF, 0xBB, 0xBF]) {
            data.drain(..3);
        }
        Ok(data)
    }
}

fn too_large(path: &str) -> Error {
    Error::TooLarge {
        path: path.to_owned(),
        what: "the unpacked chart is too large".to_owned(),
        limit: "100 MiB".to_owned(),
    }
}

/// A reader that fails once more was read than an honest archive can need.
struct Limited<R> {
    inner: R,
    left: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("the unpacked chart is too large")]
struct LimitPassed;

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other(LimitPassed))?;
        Ok(read)
    }
}

/// What an error of the unpacking stream means; none where it is an ordinary one.
fn stream_error(path: &str, error: &io::Error) -> Option<Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(e) = cause {
        if e.is::<LimitPassed>() {
            return Some(too_large(path));
        }
        let inner = e.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner),
            None => e.source(),
        };
    }
    match error.kind() {
        io::ErrorKind::InvalidData
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::Other => Some(Error::Damaged {
            path: path.to_owned(),
            reason: error.to_string(),
        }),
        _ => None,
    }
}

/// Reads the files of a `.tgz` whose first folder is the chart; names come without that folder.
///
/// `path` is for messages. Links, devices and paths that leave the folder are errors.
pub(super) fn unpack(path: &str, bytes: &[u8], budget: &mut Budget) -> Result<Vec<File>, Error> {
    if !bytes.starts_with(&[0x1F, 0x8B, 0x08]) {
        let hint = if path.ends_with(".yaml") || path.ends_with(".yml") {
            "; it seems to be a YAML file: is the order of the arguments right?"
        } else {
            ""
        };
        return Err(Error::NotAnArchive {
            path: path.to_owned(),
            hint: hint.to_owned(),
        });
    }
    let stream = Limited {
        inner: flate2::read::MultiGzDecoder::new(bytes),
        left: budget.bytes + OVERHEAD,
    };
    let mut archive = tar::Archive::new(stream);
    let damaged = |e: io::Error| {
        stream_error(path, &e).unwrap_or(Error::Damaged {
            path: path.to_owned(),
            reason: e.to_string(),
        })
    };
    let mut files: Vec<File> = Vec::new();
    for entry in archive.entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        budget.entry(path)?;
        let raw = entry.path_bytes().into_owned();
        let name = String::from_utf8(raw).map_err(|e| {
            unsafe_entry(
                path,
                &String::from_utf8_lossy(e.as_bytes()),
                "has a name that is not UTF-8",
            )
        })?;
        let kind = entry.header().entry_type();
        if kind.is_dir()
            || matches!(
                kind,
                tar::EntryType::XGlobalHeader | tar::EntryType::XHeader
            )
        {
            continue;
        }
        // A plain name that ends in a slash is an old way to write a folder.
        if kind.is_file() && name.ends_with('/') {
            continue;
        }
        if !(kind.is_file() || kind.is_contiguous()) {
            let what = if kind.is_symlink() || kind.is_hard_link() {
                "is a link; an archive holds plain files only"
            } else {
                "is no plain file"
            };
            return Err(unsafe_entry(path, &name, what));
        }
        let inner = inner_name(path, &name)?;
        let data = budget.read(path, &name, entry.size(), entry)?;
        files.push(File { name: inner, data });
    }
    verify_end(archive.into_inner(), path)?;
    if files.is_empty() {
        return Err(Error::Damaged {
            path: path.to_owned(),
            reason: "there are no files in it".to_owned(),
        });
    }
    Ok(files)
}

/// Reads what stands behind the last file, so that the checksum is compared. What somebody has put
/// behind the archive itself is passed over, as Helm does.
fn verify_end(mut stream: impl Read, path: &str) -> Result<(), Error> {
    match io::copy(&mut stream, &mut io::sink()) {
        Err(e) if e.to_string().contains("header") => Ok(()),
        Err(e) => Err(stream_error(path, &e).unwrap_or_else(|| Error::Damaged {
            path: path.to_owned(),
            reason: e.to_string(),
        })),
        Ok(_) => Ok(()),
    }
}

fn unsafe_entry(path: &str, entry: &str, reason: &str) -> Error {
    Error::Unsafe {
        path: path.to_owned(),
        entry: entry.to_owned(),
        reason: reason.to_owned(),
    }
}

/// The name below the chart's folder, cleaned; archives made on Windows have backslashes.
fn inner_name(path: &str, name: &str) -> Result<String, Error> {
    let name = name.replace('\\', "/");
    let Some((top, rest)) = name.split_once('/') else {
        let reason = if name == "Chart.yaml" {
            "is not in a folder of the chart's name"
        } else {
            "is outside of the chart's folder"
        };
        return Err(unsafe_entry(path, &name, reason));
    };
    if top == ".." || rest.starts_with('/') || rest.contains('\0') {
        return Err(unsafe_entry(
            path,
            &name,
            "is an absolute path or leaves the chart's folder",
        ));
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(unsafe_entry(path, &name, "leaves the chart's folder"));
                }
            }
            part => parts.push(part),
        }
    }
    let drive = parts.first().is_some_and(|p| {
        p.len() == 2 && p.ends_with(':') && p.starts_with(|c: char| c.is_ascii_alphabetic())
    });
    if drive || parts.is_empty() {
        return Err(unsafe_entry(path, &name, "is not a name within the chart"));
    }
    Ok(parts.join("/"))
}
