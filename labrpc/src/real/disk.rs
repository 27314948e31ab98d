//! A node's disk as one directory: `journal`, `incarnation`, `lock`.
//!
//! Owns the files' names and the order in which they change. A file is replaced by a new one under another name,
//! synced, renamed, and the directory synced; only the journal is also appended to.
//!
//! Invariants
//! - What was read when the disk was opened is durable: it is synced before anybody builds on it.
//! - After the first failure nothing is written, and every later sync fails: what a system keeps of a failed
//!   sync is unknown.
//! - The journal is there whenever the incarnation is.
//!
//! Never: is used by two processes at once. Appending and dropping old records block the thread; a sync does not.

use super::journal::{self, Damage, Place};
use crate::{Disk, LocalBoxFuture};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// A directory that cannot be a node's disk.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "{} is in use by another process: a server has its data directory for itself; stop the other one, or choose another directory", .0.display()
    )]
    Locked(PathBuf),
    /// Something is there that no crash leaves behind.
    #[error(
        "{}, byte {offset}: {what}; this is no trace of a crash, and to go on without what was durable could break promises that the server made: restore the directory from a backup, or start a new server with an empty one", file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// The system refuses.
    #[error("cannot {doing} {}: {why}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        #[source]
        why: io::Error,
    },
}

/// Gives an I/O error its sentence.
fn to<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> OpenError + use<'a> {
    move |why| OpenError::Io { doing, path: path.to_owned(), why }
}

/// A node's disk in the real world. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct FileDisk(Rc<Inside>);

#[derive(Debug)]
struct Inside {
    folder: PathBuf,
    incarnation: u32,
    state: RefCell<State>,
    /// Held as long as the disk is.
    _lock: File,
}

#[derive(Debug)]
struct State {
    file: Arc<File>,
    /// The records in the file.
    places: VecDeque<Place>,
    /// The number of the last record.
    last: u64,
    /// The highest number that a finished sync covers.
    durable: u64,
    /// The length of the file.
    end: u64,
    /// Bytes of the records alone.
    size: u64,
    /// Records below the first number go once `durable` has reached the second.
    forget: Option<(u64, u64)>,
    failed: Option<(io::ErrorKind, String)>,
    buffer: Vec<u8>,
}

impl FileDisk {
    /// Takes the directory, which is made if it is missing, and begins the node's next incarnation.
    ///
    /// A tail of the journal that a crash tore is cut off.
    ///
    /// # Errors
    /// As [`OpenError`] says.
    pub fn open(folder: impl Into<PathBuf>) -> Result<FileDisk, OpenError> {
        let folder = folder.into();
        if !folder.exists() {
            fs::create_dir_all(&folder).map_err(to("make", &folder))?;
            let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
            sync_folder(parent.unwrap_or(Path::new("."))).map_err(to("sync the parent of", &folder))?;
        }
        let lock = take_lock(&folder)?;
        let counter = folder.join("incarnation");
        let before = read_counter(&counter)?;
        let state = open_journal(&folder, before.is_some())?;
        if before.is_none() && state.last > 0 {
            let what = "it is missing, and the journal is not empty".to_owned();
            return Err(OpenError::Damaged { file: counter, offset: 0, what });
        }
        let incarnation = before.unwrap_or(0) + 1;
        replace(&folder, "incarnation", &[format!("{incarnation}\n").as_bytes()])
            .map_err(to("write", &counter))?;
        Ok(FileDisk(Rc::new(Inside { folder, incarnation, state: RefCell::new(state), _lock: lock })))
    }

    /// The node's present incarnation: 1 at the first start, one more at every other.
    pub fn incarnation(&self) -> u32 {
        self.0.incarnation
    }
}

fn take_lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(to("open", &path))?;
    // By its full name: newer compilers have a method of the same name in their own library.
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(file),
        Err(fs4::TryLockError::WouldBlock) => Err(OpenError::Locked(folder.to_owned())),
        Err(fs4::TryLockError::Error(why)) => Err(OpenError::Io { doing: "lock", path, why }),
    }
}

fn read_counter(path: &Path) -> Result<Option<u32>, OpenError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(to("read", path)(error)),
    };
    match text.trim_end().parse() {
        Ok(number) if number > 0 && number < u32::MAX => Ok(Some(number)),
        _ => {
            let what = format!("`{}` is no number of an incarnation", text.trim_end());
            Err(OpenError::Damaged { file: path.to_owned(), offset: 0, what })
        }
    }
}

/// Opens the journal, or makes an empty one; cuts a torn tail off, and makes the rest durable.
fn open_journal(folder: &Path, must_exist: bool) -> Result<State, OpenError> {
    let path = folder.join("journal");
    let damaged = |offset, what| OpenError::Damaged { file: path.clone(), offset, what };
    if !path.exists() {
        if must_exist {
            return Err(damaged(0, "it is missing, and the server has run before".to_owned()));
        }
        replace(folder, "journal", &[&journal::head(1)]).map_err(to("write", &path))?;
    }
    let bytes = fs::read(&path).map_err(to("read", &path))?;
    let scan = journal::scan(&bytes).map_err(|Damage { offset, what }| damaged(offset, what))?;
    let file = append(&path).map_err(to("open", &path))?;
    if scan.end < bytes.len() as u64 {
        // Windows lets nobody cut a file that was opened for appending.
        let cut = OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(scan.end));
        cut.map_err(to("cut the tail off", &path))?;
    }
    file.sync_all().map_err(to("sync", &path))?;
    let last = scan.first - 1 + scan.places.len() as u64;
    Ok(State {
        file: Arc::new(file),
        size: scan.places.iter().map(|place| u64::from(place.length)).sum(),
        places: scan.places.into(),
        last,
        durable: last,
        end: scan.end,
        forget: None,
        failed: None,
        buffer: Vec::new(),
    })
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).open(path)
}

/// Puts a new file of that name in the place of the old one, all or nothing, durably.
fn replace(folder: &Path, name: &str, parts: &[&[u8]]) -> io::Result<()> {
    let new = folder.join(format!("{name}.new"));
    let mut file = File::create(&new)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()?;
    fs::rename(&new, folder.join(name))?;
    sync_folder(folder)
}

/// Makes names durable, where the system has directories that can be opened.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

impl State {
    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        self.buffer.clear();
        journal::frame(self.last, self.durable, record, &mut self.buffer);
        // One call a record: a process that is killed leaves a prefix.
        self.file.as_ref().write_all(&self.buffer)?;
        let length = u32::try_from(record.len()).expect("the frame was made");
        self.places.push_back(Place { number: self.last, offset: self.end, length });
        self.end += self.buffer.len() as u64;
        self.size += u64::from(length);
        Ok(())
    }

    /// Keeps the first failure.
    fn fail(&mut self, error: &io::Error) {
        self.failed.get_or_insert_with(|| (error.kind(), error.to_string()));
    }

    fn failure(&self) -> io::Result<()> {
        self.failed.as_ref().map_or(Ok(()), |(kind, why)| Err(io::Error::new(*kind, why.clone())))
    }

    /// Drops what may go, by a new journal that has the rest.
    fn forget(&mut self, folder: &Path) -> io::Result<()> {
        let Some((below, _)) = self.forget.take_if(|(_, once)| *once <= self.durable) else { return Ok(()) };
        let going = self.places.partition_point(|place| place.number < below);
        if going == 0 {
            return Ok(());
        }
        let from = self.places.get(going).map_or(self.end, |place| place.offset);
        let mut file = self.file.as_ref();
        let mut rest = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.read_to_end(&mut rest)?;
        let first = self.places.get(going).map_or(self.last + 1, |place| place.number);
        replace(folder, "journal", &[&journal::head(first), &rest])?;
        self.file = Arc::new(append(&folder.join("journal"))?);
        for gone in self.places.drain(..going) {
            self.size -= u64::from(gone.length);
        }
        let shift = from - journal::HEAD as u64;
        self.places.iter_mut().for_each(|place| place.offset -= shift);
        self.end -= shift;
        // The new file was synced whole.
        self.durable = self.last;
        Ok(())
    }
}

impl Disk for FileDisk {
    fn write(&self, record: &[u8]) -> u64 {
        let state = &mut *self.0.state.borrow_mut();
        state.last += 1;
        if state.failed.is_none()
            && let Err(error) = state.append(record)
        {
            state.fail(&error);
        }
        state.last
    }

    /// Works on a thread of tokio's, so it needs a runtime around it.
    fn sync(&self) -> LocalBoxFuture<'static, io::Result<()>> {
        let inside = self.0.clone();
        let (upto, file) = {
            let state = inside.state.borrow();
            (state.last, state.file.clone())
        };
        Box::pin(async move {
            inside.state.borrow().failure()?;
            let synced = tokio::task::spawn_blocking(move || file.sync_data()).await;
            let state = &mut *inside.state.borrow_mut();
            let done = synced.unwrap_or_else(|ended| Err(io::Error::other(ended)));
            let done = done.and_then(|()| {
                state.durable = state.durable.max(upto);
                state.forget(&inside.folder)
            });
            if let Err(error) = &done {
                state.fail(error);
            }
            // A write that failed meanwhile is as bad.
            state.failure()
        })
    }

    fn read(&self) -> io::Result<Vec<(u64, Vec<u8>)>> {
        let state = self.0.state.borrow();
        state.failure()?;
        let bytes = fs::read(self.0.folder.join("journal"))?;
        let record = |place: &Place| {
            let begin = place.offset as usize + journal::FRAME;
            let record = bytes.get(begin..begin + place.length as usize);
            Ok((place.number, record.ok_or(io::ErrorKind::UnexpectedEof)?.to_vec()))
        };
        state.places.iter().map(record).collect()
    }

    fn forget_before(&self, number: u64) {
        let mut state = self.0.state.borrow_mut();
        state.forget = Some((number, state.last));
    }

    fn size(&self) -> u64 {
        self.0.state.borrow().size
    }
}
