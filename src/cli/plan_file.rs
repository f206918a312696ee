//! The files of saved plans: only their owner may read them, and they may be encrypted with age.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::error::{CommandError, Kind};
use super::values_flags::identities;
use crate::action::SavedPlan;
use crate::values::age as age_file;

/// The largest plan that is read, in bytes.
const MAX: u64 = 64 << 20;

/// To whom a plan is encrypted; to nobody, it stays readable.
pub struct Seal(Vec<age::x25519::Recipient>);

impl Seal {
    /// Reads recipients.
    pub fn to(recipients: &[String]) -> Result<Seal, CommandError> {
        let parse = |text: &String| {
            text.parse().map_err(|e: &str| {
                CommandError::new(Kind::Usage, format_args!("--recipient {text}: {e}"))
                    .hint("age-keygen prints the public key of an identity: age1…")
            })
        };
        recipients
            .iter()
            .map(parse)
            .collect::<Result<_, _>>()
            .map(Seal)
    }

    fn close(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        if self.0.is_empty() {
            return Ok(text.to_vec());
        }
        let recipients = self.0.iter().map(|r| r as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(recipients).map_err(|e| e.to_string())?;
        let mut sealed = Vec::new();
        let mut writer = encryptor
            .wrap_output(&mut sealed)
            .map_err(|e| e.to_string())?;
        writer.write_all(text).map_err(|e| e.to_string())?;
        writer.finish().map_err(|e| e.to_string())?;
        Ok(sealed)
    }
}

/// Writes a plan: into a new file of mode 0600 beside it, which then takes its name. So a file that was
/// there is replaced whole, whatever its mode was, and a link isn't followed.
pub fn write(path: &Path, text: &[u8], seal: &Seal) -> Result<(), CommandError> {
    let failed = |e: &dyn std::fmt::Display| {
        CommandError::new(
            Kind::Failed,
            format_args!("cannot save the plan as {}: {e}", path.display()),
        )
    };
    if path.is_dir() {
        return Err(failed(&"it is a folder"));
    }
    let name = path
        .file_name()
        .ok_or_else(|| failed(&"it names no file"))?;
    let sealed = seal.close(text).map_err(|e| failed(&e))?;
    let mut beside = name.to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(&sealed)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|e| {
        // Nothing of a plan that could not be saved is left behind.
        let _ = fs::remove_file(&beside);
        failed(&e)
    })
}

/// Reads a plan, with an identity where it is encrypted.
pub fn read(path: &Path, keys: &[PathBuf]) -> Result<SavedPlan, CommandError> {
    let name = path.display();
    let bytes = bytes(path)?;
    let text = if age_file::is_age(&bytes) {
        open(&bytes, keys).map_err(|e| CommandError {
            message: format!("{name}: {}", e.message),
            ..e
        })?
    } else {
        bytes
    };
    SavedPlan::parse(&text)
        .map_err(|e| CommandError::new(Kind::Invalid, format_args!("{name}: {e}")))
}

fn bytes(path: &Path) -> Result<Vec<u8>, CommandError> {
    let name = path.display();
    let file = fs::File::open(path)
        .map_err(|e| CommandError::new(Kind::NotFound, format_args!("cannot read {name}: {e}")))?;
    let mut bytes = Vec::new();
    file.take(MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| CommandError::new(Kind::Failed, format_args!("cannot read {name}: {e}")))?;
    if bytes.len() as u64 > MAX {
        return Err(CommandError::new(
            Kind::Invalid,
            format_args!("{name} is larger than {} MiB: no plan", MAX >> 20),
        ));
    }
    Ok(bytes)
}

fn open(sealed: &[u8], files: &[PathBuf]) -> Result<Vec<u8>, CommandError> {
    age_file::open(sealed, &identities(files)?).map_err(|e| {
        CommandError::new(Kind::Invalid, e)
            .hint("--age-identity FILE names the identity that the plan is encrypted to")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_plan_is_its_owners_alone_and_replaces_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.plan");
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "a longer text that was there before").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        let open = Seal::to(&[]).unwrap();
        write(&path, b"short", &open).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert!(fs::read(&elsewhere).unwrap().starts_with(b"a longer"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, b"again", &open).unwrap();
        let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(write(folder.path(), b"x", &open).is_err());
        assert!(write(&folder.path().join("no/p"), b"x", &open).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn an_encrypted_plan_opens_with_its_identity_only() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (
            age::x25519::Identity::generate(),
            age::x25519::Identity::generate(),
        );
        let key = |name: &str, identity: &age::x25519::Identity| {
            use age::secrecy::ExposeSecret as _;
            let path = folder.path().join(name);
            let text = format!("# a comment\n{}\n", identity.to_string().expose_secret());
            fs::write(&path, text).unwrap();
            path
        };
        let path = folder.path().join("p.plan");
        let seal = Seal::to(&[ours.to_public().to_string()]).unwrap();
        write(&path, b"open sesame", &seal).unwrap();
        let sealed = fs::read(&path).unwrap();
        assert!(!sealed.windows(4).any(|w| w == b"open"));
        assert_eq!(
            open(&sealed, &[key("ours", &ours)]).unwrap(),
            b"open sesame"
        );
        assert!(open(&sealed, &[key("theirs", &theirs)]).is_err());
        assert!(open(&sealed, &[]).is_err());
        assert!(Seal::to(&["age1nonsense".to_owned()]).is_err());
    }
}
