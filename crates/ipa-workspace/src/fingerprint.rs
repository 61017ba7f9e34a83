//! Describes a repository that a person works in, without writing to it, running anything it configures, or
//! believing it.

use std::collections::BTreeMap;
use std::path::Path;

use gix::bstr::ByteSlice as _;
use sha2::{Digest as _, Sha256};

use crate::error::WorkspaceError;
use crate::names::hex;
use crate::objects::failed;
use crate::workspaces::Fingerprint;

/// A changed file up to this size is described by its contents, a larger one by its size and time.
const HASHED_BYTES: u64 = 1 << 20;

/// Counts what is changed and not committed; 0 for a repository without a checkout.
pub(crate) fn uncommitted(path: &Path) -> Result<u32, WorkspaceError> {
    let repo = open(path)?;
    Ok(u32::try_from(changes(&repo)?.len()).unwrap_or(u32::MAX))
}

/// Describes the repository at `path`.
pub(crate) fn of(path: &Path) -> Result<Fingerprint, WorkspaceError> {
    let repo = open(path)?;
    let mut aspects = BTreeMap::new();
    let mut put = |name: &str, text: String| aspects.insert(name.to_owned(), text);
    put("HEAD", std::fs::read_to_string(repo.git_dir().join("HEAD")).unwrap_or_default().trim().to_owned());
    put("refs", hash(refs(&repo)?.iter().map(String::as_bytes)));
    put("index", hash(index(&repo)?.iter().map(Vec::as_slice)));
    put("config", hash([file(&repo.common_dir().join("config")).as_slice()]));
    put("hooks", hash(hooks(&repo.common_dir().join("hooks")).iter().map(Vec::as_slice)));
    put("status", hash(changes(&repo)?.iter().map(Vec::as_slice)));
    Ok(Fingerprint { aspects })
}

fn open(path: &Path) -> Result<gix::Repository, WorkspaceError> {
    let options = gix::open::Options::isolated().with(gix::sec::Trust::Reduced);
    gix::open_opts(path, options).map_err(failed(format!("opening {}", path.display())))
}

fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// Returns a file's bytes; nothing for one that cannot be read.
fn file(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_default()
}

fn refs(repo: &gix::Repository) -> Result<Vec<String>, WorkspaceError> {
    let platform = repo.references().map_err(failed("listing refs"))?;
    let mut refs = Vec::new();
    for reference in platform.all().map_err(failed("listing refs"))? {
        let reference = reference.map_err(failed("listing refs"))?;
        refs.push(format!("{} {:?}", reference.name().as_bstr().to_str_lossy(), reference.target()));
    }
    refs.sort();
    Ok(refs)
}

/// Returns what the index says about each file, but for what a mere look refreshes.
fn index(repo: &gix::Repository) -> Result<Vec<Vec<u8>>, WorkspaceError> {
    let index = repo.index_or_empty().map_err(failed("reading the index"))?;
    let line = |entry: &gix::index::Entry| {
        let mut line = format!("{:?} {} {:?} ", entry.mode, entry.id, entry.stage()).into_bytes();
        line.extend_from_slice(entry.path(&index));
        line
    };
    Ok(index.entries().iter().map(line).collect())
}

fn hooks(dir: &Path) -> Vec<Vec<u8>> {
    let names = crate::fs::names(dir).unwrap_or_default();
    names.into_iter().flat_map(|path| [path.as_os_str().as_encoded_bytes().to_vec(), file(&path)]).collect()
}

/// Lists what differs from the index or the head, a line for each, with what the file holds.
fn changes(repo: &gix::Repository) -> Result<Vec<Vec<u8>>, WorkspaceError> {
    let Some(workdir) = repo.workdir().map(Path::to_owned) else { return Ok(Vec::new()) };
    let doing = "looking for uncommitted changes";
    let status = repo.status(gix::progress::Discard).map_err(failed(doing))?;
    let status = status.untracked_files(gix::status::UntrackedFiles::Files);
    let mut lines = Vec::new();
    for item in status.into_iter(None).map_err(failed(doing))? {
        let item = item.map_err(failed(doing))?;
        let kind = match &item {
            gix::status::Item::IndexWorktree(item) => match item.summary() {
                // Nothing but a time that the index has not noticed yet.
                None => continue,
                Some(summary) => format!("worktree {summary:?} "),
            },
            gix::status::Item::TreeIndex(change) => format!("index {:?} ", change.fields().3),
        };
        let mut line = kind.into_bytes();
        line.extend_from_slice(item.location());
        if let Ok(path) = item.location().to_path() {
            line.extend_from_slice(contents(&workdir.join(path)).as_bytes());
        }
        lines.push(line);
    }
    lines.sort();
    Ok(lines)
}

fn contents(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt as _;
    match path.symlink_metadata() {
        Ok(meta) if meta.is_file() && meta.len() <= HASHED_BYTES => {
            format!(" {}", hash([file(path).as_slice()]))
        }
        Ok(meta) => format!(" {} {}.{}", meta.len(), meta.mtime(), meta.mtime_nsec()),
        Err(_) => " gone".to_owned(),
    }
}
