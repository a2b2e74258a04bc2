//! The files themselves. Reading is the same everywhere; what changes files is as near to one step as the storage
//! allows.

use super::staging::Waiting;
use super::{Error, local};
use futures::StreamExt;
use futures::stream::BoxStream;
use opendal::{ErrorKind, Operator};
use std::path::PathBuf;
use tokio::io::AsyncReadExt;

/// How much is in memory at a time.
const PIECE: usize = 1 << 20;

/// A file, piece by piece.
pub type Bytes = BoxStream<'static, std::io::Result<bytes::Bytes>>;

/// One storage.
pub(super) struct Storage {
    operator: Operator,
    /// The folder, if it is one of this machine.
    local: Option<PathBuf>,
}

impl Storage {
    pub fn new(operator: Operator, local: Option<PathBuf>) -> Storage {
        Storage { operator, local }
    }

    /// Whether a change of a file is over at once. Elsewhere it may take minutes.
    pub fn is_near(&self) -> bool {
        self.local.is_some()
    }

    /// Puts a complete file in its place, over one that is there. `between` is a name beside it.
    pub async fn place(&self, file: &Waiting, to: &str, between: &str) -> Result<(), Error> {
        if let Some(folder) = &self.local {
            let (from, to, between) = (file.path().to_owned(), folder.join(to), folder.join(between));
            return blocking(move || local::place(&from, &to, &between)).await;
        }
        // A service that cannot rename shows a file only when it is complete.
        if !self.operator.info().capability().rename {
            return self.send(file, to).await;
        }
        self.send(file, between).await?;
        self.rename(between, to).await
    }

    async fn send(&self, file: &Waiting, to: &str) -> Result<(), Error> {
        let mut source = tokio::fs::File::open(file.path()).await?;
        let mut writer = self.operator.writer_with(to).chunk(8 * PIECE).await?;
        let sent = async {
            let mut piece = bytes::BytesMut::with_capacity(PIECE);
            while source.read_buf(&mut piece).await? > 0 {
                if piece.len() == piece.capacity() {
                    writer.write(piece.split().freeze()).await?;
                    piece.reserve(PIECE);
                }
            }
            writer.write(piece.freeze()).await?;
            Ok::<(), Error>(())
        };
        if let Err(error) = sent.await {
            if let Err(error) = writer.abort().await {
                tracing::warn!(%error, path = to, "could not take back half a file");
            }
            return Err(error);
        }
        writer.close().await?;
        Ok(())
    }

    /// Gives a file another name. No other file has that name.
    pub async fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        if let Some(folder) = &self.local {
            let (from, to) = (folder.join(from), folder.join(to));
            return blocking(move || local::rename(&from, &to)).await;
        }
        let capability = self.operator.info().capability();
        if capability.rename {
            return Ok(self.operator.rename(from, to).await?);
        }
        self.operator.copy(from, to).await?;
        self.remove(from).await
    }

    /// Removes a file that may be gone already.
    pub async fn remove(&self, path: &str) -> Result<(), Error> {
        if let Some(folder) = &self.local {
            let path = folder.join(path);
            return blocking(move || local::remove(&path)).await;
        }
        Ok(self.operator.delete(path).await?)
    }

    /// How large a file is; `None` if it is not there.
    pub async fn size(&self, path: &str) -> Result<Option<u64>, Error> {
        match self.operator.stat(path).await {
            Ok(found) => Ok(Some(found.content_length())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The file, piece by piece. The first piece is there already: what cannot be read fails here.
    pub async fn read(&self, path: &str) -> Result<Bytes, Error> {
        let absent = |error: opendal::Error| match error.kind() {
            ErrorKind::NotFound => Error::NoFile(path.to_owned()),
            _ => error.into(),
        };
        let reader = self.operator.reader_with(path).chunk(PIECE).await.map_err(absent)?;
        // The length at the beginning: a file that is empty has no first piece.
        let length = self.size(path).await?.ok_or_else(|| Error::NoFile(path.to_owned()))?;
        let mut pieces = reader.into_bytes_stream(0..length).await.map_err(absent)?;
        match pieces.next().await {
            None => Ok(futures::stream::empty().boxed()),
            Some(first) => {
                let first = first?;
                Ok(futures::stream::once(std::future::ready(Ok(first))).chain(pieces).boxed())
            }
        }
    }
}

async fn blocking(act: impl FnOnce() -> std::io::Result<()> + Send + 'static) -> Result<(), Error> {
    Ok(tokio::task::spawn_blocking(act).await.map_err(std::io::Error::other)??)
}
