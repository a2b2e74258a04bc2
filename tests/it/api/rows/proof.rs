//! What is asked of every row, whatever it does: who may call it, what its answers look like, what it needs, and what
//! it tells when nothing works.

use super::super::client::Answer;
use super::case::{Form, Row, form};
use super::promise::Promise;
use super::scene::{Scene, Who};
use super::shape::Shape;
use super::specification::{FILE, Spec, Word};
use escheduler::store::entity::audit;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What was found about a row. It is covered if nothing was.
#[derive(Default)]
pub struct Findings {
    /// What it does wrong.
    pub wrong: Vec<String>,
    /// What was not shown of it.
    pub lacks: Vec<String>,
}

impl Findings {
    fn note(&mut self, what: &str, result: Result<(), String>) {
        if let Err(error) = result {
            self.wrong.push(format!("{what}: {error}"));
        }
    }
}

/// One row on its way through the proof.
struct Trial<'a> {
    scene: &'a Scene,
    spec: &'a Spec,
    row: &'a Row,
    promise: Promise,
    found: Findings,
}

/// All that can be asked while the store works.
pub fn prove(scene: &Scene, spec: &Spec, row: &Row) -> Findings {
    let mut trial = Trial { scene, spec, row, promise: scene.document.promise(spec), found: Findings::default() };
    trial.callers();
    trial.refusals();
    trial.required();
    trial.pages();
    trial.unknown_project();
    trial.found
}

/// What it tells when the store fails; the right calls were prepared before.
pub fn prove_generic(scene: &Scene, spec: &Spec, row: &Row, prepared: &Form) -> Vec<String> {
    let mut trial = Trial { scene, spec, row, promise: scene.document.promise(spec), found: Findings::default() };
    let unseen = prepared.clone().header("sessionId", "never seen");
    if spec.word != Word::Open {
        let answer = scene.call(Who::Nobody, spec, &unseen);
        trial.found.note("generic code, with a login that cannot be read", refused(spec, &answer, spec.generic));
    }
    if !row.without_store {
        let answer = scene.call(trial.best(), spec, prepared);
        trial.found.note("generic code", refused(spec, &answer, spec.generic));
    }
    trial.found.wrong
}

impl Trial<'_> {
    /// Whoever certainly may call it.
    fn best(&self) -> Who {
        match self.spec.word {
            Word::Admin | Word::AdminElse(_) => Who::Admin,
            _ => Who::Owner,
        }
    }

    /// The right call, by each.
    fn callers(&mut self) {
        for who in Who::ALL {
            let result = self.guarded(|trial| {
                let form = (trial.row.right)(trial.scene, trial.scene.next());
                let answer = trial.scene.call(who, trial.spec, &form);
                if trial.row.changes_login {
                    trial.scene.log_in(who);
                }
                let refusal = refusal(trial.spec.word, who);
                trial.noted(&answer, refusal.is_none() && trial.spec.changes())?;
                match refusal {
                    None => trial.right(who, &answer),
                    Some(401) if answer.status == 401 && answer.bytes.is_empty() => Ok(()),
                    Some(401) => Err(format!("not HTTP 401 with nothing: {} {}", answer.status, answer.text())),
                    Some(code) => refused(trial.spec, &answer, code),
                }
            });
            self.found.note(&format!("right call by {who:?}"), result);
        }
    }

    /// A change leaves one audit row of this request; what reads or is refused leaves none.
    fn noted(&self, answer: &Answer, changed: bool) -> Result<(), String> {
        let request = answer.header("x-request-id").to_owned();
        let rows = audit::Entity::find().filter(audit::Column::RequestId.eq(&request));
        let rows = self.scene.wait(rows.all(self.scene.world.store.read())).map_err(|error| error.to_string())?;
        let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
        match actions[..] {
            [] if !changed => Ok(()),
            [action] if changed && action == self.spec.path => Ok(()),
            _ => Err(format!("the audit rows of request {request} are {actions:?}: {}", answer.text())),
        }
    }

    fn right(&self, who: Who, answer: &Answer) -> Result<(), String> {
        if answer.status != self.spec.status {
            return Err(format!("HTTP {} instead of {}: {}", answer.status, self.spec.status, answer.text()));
        }
        if let Shape::File = self.row.shape {
            let name = answer.header("content-disposition");
            return if name.starts_with("attachment; filename=") { Ok(()) } else { Err(format!("no file: `{name}`")) };
        }
        let json = envelope(answer)?;
        if json["code"] != 0 {
            return Err(answer.text());
        }
        let is_best = who == self.best();
        self.row.shape.check(&json["data"], is_best && !self.row.may_be_empty)?;
        self.promise.kept(self.spec, answer)?;
        if let Some(sees) = self.row.sees.filter(|_| is_best) {
            sees(self.scene, &json["data"]);
        }
        Ok(())
    }

    /// One call for each code, in both languages.
    fn refusals(&mut self) {
        for refusal in &self.row.refusals {
            let who = refusal.who.unwrap_or(self.best());
            let result = self.guarded(|trial| {
                let number = trial.scene.next();
                let right = (trial.row.right)(trial.scene, number);
                let form = right.changed((refusal.change)(trial.scene, number));
                let english = trial.scene.call(who, trial.spec, &form);
                refused(trial.spec, &english, refusal.code)?;
                trial.promise.kept(trial.spec, &english)?;
                let chinese = trial.scene.call(who, trial.spec, &form.header("Accept-Language", "zh-CN"));
                refused(trial.spec, &chinese, refusal.code)?;
                if chinese.text().is_ascii() { Err(format!("not in Chinese: {}", chinese.text())) } else { Ok(()) }
            });
            self.found.note(&format!("code {} by {who:?}", refusal.code), result);
        }
        let mut shown: BTreeSet<i64> = self.row.refusals.iter().map(|refusal| refusal.code).collect();
        if self.checks_page() {
            shown.insert(10001);
        }
        for code in self.spec.codes.iter().filter(|code| !shown.contains(code)) {
            self.found.lacks.push(format!("a call for code {code}"));
        }
        for code in shown.iter().filter(|code| **code != 10001 && !self.spec.codes.contains(code)) {
            self.found.wrong.push(format!("code {code} is not in the specification of this row"));
        }
    }

    /// Every parameter that must be there is missed.
    fn required(&mut self) {
        for name in self.spec.required() {
            let result = self.guarded(|trial| {
                let form = (trial.row.right)(trial.scene, trial.scene.next());
                let has = form.pairs.iter().any(|(known, _)| known == name) || (name == "file" && form.file.is_some());
                if !has {
                    return Err("the right call does not have it".to_owned());
                }
                let answer = trial.scene.call(trial.best(), trial.spec, &form.without(name));
                let named = answer.text().contains(&format!("request parameter {name} is not valid"));
                let coded = trial.spec.generic == FILE || envelope(&answer)?["code"] == 10001;
                if answer.status == 400 && named && coded { Ok(()) } else { Err(told(&answer)) }
            });
            self.found.note(&format!("without `{name}`"), result);
        }
        let result = self.guarded(|trial| {
            let form = (trial.row.right)(trial.scene, trial.scene.next());
            let unknown = form.pairs.iter().map(|(name, _)| name).filter(|name| !name.starts_with('{'));
            let unknown: Vec<_> = unknown.filter(|name| !trial.spec.takes(name)).collect();
            if unknown.is_empty() { Ok(()) } else { Err(format!("{unknown:?} are not in the specification")) }
        });
        self.found.note("parameters", result);
    }

    fn has_pages(&self) -> bool {
        self.spec.takes("pageNo") && self.spec.takes("pageSize")
    }

    fn checks_page(&self) -> bool {
        self.has_pages() && self.spec.codes.contains(&10001)
    }

    /// Pages that do not exist.
    fn pages(&mut self) {
        if !self.has_pages() {
            return;
        }
        let strict = self.checks_page();
        let size = if strict { 10001 } else { self.spec.generic };
        for (number, rows, code) in [("0", "10", if strict { 10001 } else { 0 }), ("1", "0", size), ("1", "-1", size)] {
            let result = self.guarded(|trial| {
                let form = (trial.row.right)(trial.scene, trial.scene.next());
                let form = form.changed(self::form(&[("pageNo", &number), ("pageSize", &rows)]));
                let answer = trial.scene.call(trial.best(), trial.spec, &form);
                match code {
                    0 => match envelope(&answer)? {
                        json if json["code"] == 0 && json["data"]["currentPage"] == 1 => Ok(()),
                        json => Err(json.to_string()),
                    },
                    code => refused(trial.spec, &answer, code),
                }
            });
            self.found.note(&format!("page {number} of {rows} rows"), result);
        }
    }

    fn unknown_project(&mut self) {
        if !matches!(self.spec.word, Word::Project | Word::Author(_) | Word::AuthorOnly(_)) {
            return;
        }
        let result = self.guarded(|trial| {
            let form = (trial.row.right)(trial.scene, trial.scene.next());
            let form = form.changed(self::form(&[("{projectName}", &"nowhere")]));
            refused(trial.spec, &trial.scene.call(Who::Owner, trial.spec, &form), 10018)
        });
        self.found.note("an unknown project", result);
    }

    /// A case that panics is a finding about its row and about no other.
    fn guarded(&self, work: impl FnOnce(&Self) -> Result<(), String>) -> Result<(), String> {
        catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(format!("panicked: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?")))
        })
    }
}

/// What a caller is told who may not call it; 401 is the HTTP status.
fn refusal(word: Word, who: Who) -> Option<i64> {
    use Who::{Admin, Granted, Nobody, Owner, Stranger};
    match (word, who) {
        (Word::Open, _) => None,
        (_, Nobody) => Some(401),
        (Word::Login, _) | (Word::Admin | Word::AdminElse(_), Admin) => None,
        (Word::General, Admin) => Some(30001),
        (Word::General, _) => None,
        (Word::AdminElse(code), _) => Some(code),
        (Word::Project | Word::ProjectOf | Word::Author(_) | Word::AuthorOnly(_), Stranger) => Some(30002),
        (Word::Author(code), Granted) => Some(code),
        (Word::AuthorOnly(code), Admin | Granted) => Some(code),
        (Word::Author(_), Admin | Owner) | (Word::AuthorOnly(_), Owner) => None,
        (Word::Project | Word::ProjectOf, Admin | Owner | Granted) => None,
        (Word::Owner | Word::OwnerOrAdmin | Word::Reader, Owner) => None,
        (Word::OwnerOrAdmin | Word::Reader, Admin) | (Word::Reader, Granted) => None,
        (Word::Admin | Word::Owner | Word::OwnerOrAdmin | Word::Reader, _) => Some(30001),
    }
}

/// An answer in an envelope.
fn envelope(answer: &Answer) -> Result<Value, String> {
    let json: Value = serde_json::from_slice(&answer.bytes).map_err(|error| format!("{error}: {}", answer.text()))?;
    super::shape::object("code int, msg str, data any", &json)?;
    if json["msg"] == "" {
        return Err(format!("no msg: {json}"));
    }
    match answer.header("content-type") {
        "application/json;charset=UTF-8" => Ok(json),
        other => Err(format!("content-type {other}")),
    }
}

/// The answer is this code, with the status of the row and no data; for files, HTTP 400 with a text.
fn refused(spec: &Spec, answer: &Answer, code: i64) -> Result<(), String> {
    if spec.generic == FILE {
        let is_text = answer.header("content-type").starts_with("text/plain") && !answer.bytes.is_empty();
        return if answer.status == 400 && is_text { Ok(()) } else { Err(told(answer)) };
    }
    let json = envelope(answer)?;
    let right = answer.status == spec.status && json["code"] == code && json["data"].is_null();
    if right { Ok(()) } else { Err(format!("HTTP {} and {code} were expected: {}", spec.status, told(answer))) }
}

fn told(answer: &Answer) -> String {
    format!("HTTP {} {}", answer.status, answer.text())
}
