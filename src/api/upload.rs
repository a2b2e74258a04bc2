//! Forms with a file in them (`multipart/form-data`): fields as in any form, and the file on the local disk, with
//! little in memory, however large it is.

use super::code::Code;
use super::language::Words;
use super::reply::Failure;
use crate::resources::{Error, Staged, Staging};
use axum::body::Body;
use multer::{Constraints, Field, Multipart, SizeLimit};
use std::future::Future;
use std::time::Duration;

/// How long the next piece may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);
/// How large the fields may be together, other than the file.
const FIELDS: usize = 1 << 20;
/// How much one of them counts besides its name and its content.
const FIELD: usize = 64;
/// How much is read and forgotten of what is too large: whoever is still sending would not see the answer.
const FORGOTTEN: u64 = 64 << 20;
/// The field of the file.
const FILE: &str = "file";

/// A file that came along.
#[derive(Debug)]
pub struct Upload {
    /// What the sender calls it.
    pub name: String,
    pub file: Staged,
}

/// What a form holds.
#[derive(Debug, Default)]
pub struct Parts {
    pub fields: Vec<(String, String)>,
    pub upload: Option<Upload>,
}

/// The text that parts the fields, if this is the type of such a form.
pub fn boundary(content_type: &str) -> Option<String> {
    multer::parse_boundary(content_type).ok()
}

/// Reads the form. What was written of a file is gone again unless the whole form has arrived.
pub async fn receive(body: Body, boundary: String, staging: &Staging, limit: u64) -> Result<Parts, Failure> {
    // Beyond what is read to be polite, nobody is listened to.
    let whole = SizeLimit::new().whole_stream(limit.saturating_add(FIELDS as u64).saturating_add(FORGOTTEN));
    let constraints = Constraints::new().size_limit(whole);
    let mut form = Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
    let (mut parts, mut room) = (Parts::default(), FIELDS);
    while let Some(field) = patient(form.next_field(), limit).await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == FILE && parts.upload.is_none() {
            parts.upload = Some(file(field, staging, limit).await?);
        } else {
            // A field without content takes room as well.
            take(&mut room, name.len() + FIELD)?;
            parts.fields.push((name, text(field, &mut room, limit).await?));
        }
    }
    Ok(parts)
}

async fn file(mut field: Field<'_>, staging: &Staging, limit: u64) -> Result<Upload, Failure> {
    let name = field.file_name().unwrap_or_default().to_owned();
    let most = staging.max().min(limit);
    let mut file = staging.file().await.map_err(|why| unwritten(&why))?;
    while let Some(piece) = patient(field.chunk(), limit).await? {
        if file.size().saturating_add(piece.len() as u64) > most {
            // Its room on the disk is free at once.
            drop(file);
            forget(field, limit).await;
            return Err(too_large(most));
        }
        file.write(&piece).await.map_err(|why| unwritten(&why))?;
    }
    Ok(Upload { name, file })
}

async fn forget(mut field: Field<'_>, limit: u64) {
    let mut forgotten = 0;
    while let Ok(Some(piece)) = patient(field.chunk(), limit).await
        && forgotten < FORGOTTEN
    {
        forgotten += piece.len() as u64;
    }
}

async fn text(mut field: Field<'_>, room: &mut usize, limit: u64) -> Result<String, Failure> {
    let mut text = Vec::new();
    while let Some(piece) = patient(field.chunk(), limit).await? {
        take(room, piece.len())?;
        text.extend_from_slice(&piece);
    }
    Ok(String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn take(room: &mut usize, size: usize) -> Result<(), Failure> {
    let too_much = || unreadable(format!("its fields are larger than {FIELDS} bytes"));
    *room = room.checked_sub(size).ok_or_else(too_much)?;
    Ok(())
}

async fn patient<T>(reading: impl Future<Output = multer::Result<T>>, limit: u64) -> Result<T, Failure> {
    match tokio::time::timeout(PATIENCE, reading).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(multer::Error::StreamSizeExceeded { .. })) => Err(too_large(limit)),
        Ok(Err(error)) => Err(unreadable(error.to_string())),
        Err(_) => Err(unreadable("it took too long to arrive".to_owned())),
    }
}

fn unwritten(why: &Error) -> Failure {
    Failure::Generic(format!("an upload cannot be kept: {why}"))
}

fn unreadable(why: String) -> Failure {
    let words = Words::new(format!("the form cannot be read: {why}"), format!("无法读取表单：{why}"));
    Failure::parameter(FILE, words)
}

fn too_large(limit: u64) -> Failure {
    Code::RESOURCE_TOO_LARGE.refuse(&[&limit])
}
