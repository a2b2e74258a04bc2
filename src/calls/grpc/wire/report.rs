//! What workers report.

use super::{Garbled, words};
use crate::calls::{Exit, Place, Report, What};
use crate::model::{InstanceId, Tag, Time};

impl From<Report> for words::Report {
    fn from(report: Report) -> Self {
        use words::report::What as Said;
        let what = match report.what {
            What::Started { at, place } => Said::Started(words::Started { at: at.0, place: Some(place.into()) }),
            What::Ended { exit, started_at, at, place } => Said::Ended(words::Ended {
                exit: words::Exit::from(exit).into(),
                started_at: started_at.0,
                at: at.0,
                place: Some(place.into()),
            }),
            What::NotHere => Said::NotHere(words::Nothing {}),
            What::Lost => Said::Lost(words::Nothing {}),
        };
        words::Report { instance: report.instance.0, tag: report.tag.0, what: Some(what) }
    }
}

/// `None`: a kind of report that a later release has.
pub(in crate::calls::grpc) fn report(said: words::Report) -> Result<Option<Report>, Garbled> {
    use words::report::What as Said;
    let Some(what) = said.what else { return Ok(None) };
    let what = match what {
        Said::Started(words::Started { at, place }) => What::Started { at: Time(at), place: self::place(place)? },
        Said::Ended(ended) => What::Ended {
            exit: exit(ended.exit)?,
            started_at: Time(ended.started_at),
            at: Time(ended.at),
            place: place(ended.place)?,
        },
        Said::NotHere(words::Nothing {}) => What::NotHere,
        Said::Lost(words::Nothing {}) => What::Lost,
    };
    Ok(Some(Report { instance: InstanceId(said.instance), tag: Tag(said.tag), what }))
}

impl From<Place> for words::Place {
    fn from(place: Place) -> Self {
        let Place { host, pid, execute_path, log_path } = place;
        words::Place { host, pid, execute_path, log_path }
    }
}

fn place(said: Option<words::Place>) -> Result<Place, Garbled> {
    let words::Place { host, pid, execute_path, log_path } = said.ok_or_else(|| Garbled::lacks("its place"))?;
    Ok(Place { host, pid, execute_path, log_path })
}

impl From<Exit> for words::Exit {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Success => words::Exit::Success,
            Exit::Failed => words::Exit::Failed,
            Exit::TimedOut => words::Exit::TimedOut,
        }
    }
}

fn exit(code: i32) -> Result<Exit, Garbled> {
    match words::Exit::try_from(code) {
        Ok(words::Exit::Success) => Ok(Exit::Success),
        Ok(words::Exit::Failed) => Ok(Exit::Failed),
        Ok(words::Exit::TimedOut) => Ok(Exit::TimedOut),
        Ok(words::Exit::Unknown) | Err(_) => Err(Garbled::new(format!("{code} is no way to end"))),
    }
}
