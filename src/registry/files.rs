//! Files that are read with a limit, written whole or not at all, and changed by one process at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Error;

/// How long to wait until another process has changed a file, as Helm does.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// Reads a file of at most `limit` bytes; `None` where there is none.
pub(super) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    let failed = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let mut data = Vec::new();
    if let Ok(meta) = file.metadata() {
        data.reserve_exact(usize::try_from(meta.len().min(limit)).unwrap_or(0) + 1);
    }
    file.take(limit + 1)
        .read_to_end(&mut data)
        .map_err(failed)?;
    if data.len() as u64 > limit {
        return Err(Error::too_large(path.display().to_string(), limit));
    }
    Ok(Some(data))
}

/// Reads a text of at most `limit` bytes; `None` where there is none.
pub(super) fn read_text(path: &Path, limit: u64) -> Result<Option<String>, Error> {
    let Some(data) = read(path, limit)? else {
        return Ok(None);
    };
    String::from_utf8(data)
        .map(Some)
        .map_err(|_| Error::invalid(path.display().to_string(), "is not UTF-8"))
}

/// Writes a file: what is there is always whole, the old or the new. A link stays a link. `secret` files
/// are the user's alone.
pub(super) fn write(path: &Path, data: &[u8], secret: bool) -> Result<(), Error> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let failed = |source| Error::Write {
        path: path.clone(),
        source,
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut temporary = Temporary::new(folder, secret).map_err(failed)?;
    temporary.file.write_all(data).map_err(failed)?;
    fs::rename(&temporary.path, &path).map_err(failed)?;
    temporary.kept = true;
    Ok(())
}

/// A file that goes unless it is kept.
struct Temporary {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl Temporary {
    fn new(folder: &Path, secret: bool) -> std::io::Result<Self> {
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).map_err(|e| std::io::Error::other(e.to_string()))?;
        let path = folder.join(format!(".nutkin-{:016x}", u64::from_le_bytes(random)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secret { 0o600 } else { 0o644 });
        let file = options.open(&path)?;
        Ok(Temporary {
            path,
            file,
            kept: false,
        })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes a file; one that isn't there is fine.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(Error::Write {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

/// A lock that other processes of nutkin and Helm honour; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, or fails after half a minute.
    pub(super) fn take(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Write {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(fs::TryLockError::WouldBlock) if begun.elapsed() < LOCK_WAIT => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(failed(std::io::Error::new(
                        ErrorKind::WouldBlock,
                        "another process holds it",
                    )));
                }
                Err(fs::TryLockError::Error(e)) => return Err(failed(e)),
            }
        }
    }
}
