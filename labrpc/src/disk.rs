//! The disk: a journal of whole records, durable only after a sync.

use crate::LocalBoxFuture;
use std::io;

/// A node's disk. Records are opaque and numbered 1, 2, 3 … over all incarnations.
///
/// A crash keeps some prefix of the records that no finished sync covers, and may tear the last one kept;
/// a torn record is never returned whole, and nothing after it is returned at all.
pub trait Disk {
    /// Hands a record to the disk, after all earlier ones, and returns its number. Not yet durable.
    fn write(&self, record: &[u8]) -> u64;

    /// Completes when every record written before this call is durable.
    fn sync(&self) -> LocalBoxFuture<'static, io::Result<()>>;

    /// Every record on the disk, oldest first, with its number. Read once, when an incarnation starts.
    fn read(&self) -> io::Result<Vec<(u64, Vec<u8>)>>;

    /// Allows the disk to drop the records numbered below `number`, once every record written before
    /// this call is durable: how a compacted log gets smaller.
    fn forget_before(&self, number: u64);

    /// Bytes of the records that a restart would read now, durable or not.
    fn size(&self) -> u64;
}
