//! Access tokens: their users manage their own, administrators everybody's.

use crate::api::bearer;
use crate::api::call::Call;
use crate::api::code::Code;
use crate::api::language::Words;
use crate::api::param::{Kind::*, Param, Params, need};
use crate::api::reply::{Failure, Outcome, Reply};
use crate::api::shapes::{AccessToken, Listed};
use crate::model::{Time, UserId, UserType};
use crate::store::{NewToken, TokenDraft, TokenRefusal};

const ID: Param = need("id", Int, "The id of the access token.");
const USER: Param = need("userId", Int, "The id of the user whom the token stands for.");
const EXPIRES: Param = need("expireTime", Date, "When the token ends to be valid.");
const TOKEN: Param = need("token", Text(bearer::LONGEST), "The token; only its hash is kept.");

pub const CREATE: Params = &[USER, EXPIRES, TOKEN];
pub const GENERATE: Params = &[USER, need("expireTime", AnyText, "Any text; nothing is kept.")];
pub const DELETE: Params = &[ID];
pub const UPDATE: Params =
    &[ID, USER, EXPIRES, need("token", Text(bearer::LONGEST), "The token; as lists show it means the same as before.")];

/// `access-token/create`
pub async fn create(call: Call) -> Outcome {
    let user = for_whom(&call)?;
    let token = token(&call)?;
    let draft = TokenDraft { user, expires: expires(&call)?, token: None, at: Time::now() };
    match call.store().create_token(token, draft).await? {
        Ok(_) => Reply::done(),
        Err(refusal) => Err(refused(&call, refusal, 0, user)?),
    }
}

/// `access-token/generate`
pub async fn generate(call: Call) -> Outcome<String> {
    call.form.int("userId")?;
    call.form.text("expireTime")?;
    Reply::data(&bearer::draw())
}

/// `access-token/update`
pub async fn update(call: Call) -> Outcome {
    let id = call.form.int("id")?;
    let user = for_whom(&call)?;
    let known = call.store().token(id).await?;
    let same = known.is_some_and(|known| {
        call.form.given("token").is_some_and(|given| given == bearer::masked(known.hint.as_deref()))
    });
    let token = if same { None } else { Some(token(&call)?) };
    let draft = TokenDraft { user, expires: expires(&call)?, token, at: Time::now() };
    match call.store().update_token(id, call.account()?.clone(), draft).await? {
        Ok(()) => Reply::done(),
        Err(refusal) => Err(refused(&call, refusal, id, user)?),
    }
}

/// `access-token/delete`
pub async fn delete(call: Call) -> Outcome {
    let id = call.form.int("id")?;
    let account = call.account()?;
    match call.store().delete_token(id, account.clone()).await? {
        Ok(()) => Reply::done(),
        // The original's code for whoever is no administrator; of a token that is not there they hear the same.
        Err(_) if account.kind != UserType::Admin => Err(Code::NO_SUCH_USER.refuse(&[&account.name])),
        Err(refusal) => Err(refused(&call, refusal, id, account.id)?),
    }
}

/// `access-token/list-paging`
pub async fn page(call: Call) -> Outcome<Listed<AccessToken>> {
    let part = call.form.page()?;
    let found = call.store().tokens(call.account()?, call.form.search()?, part).await?;
    Reply::data(&Listed::of(found, part, AccessToken::from))
}

/// Whom the token is to stand for: oneself, unless an administrator asks.
fn for_whom(call: &Call) -> Result<UserId, Failure> {
    let user = UserId(call.form.int("userId")?);
    let account = call.account()?;
    match account.kind == UserType::Admin || account.id == user {
        true => Ok(user),
        false => Err(Code::NO_PRIVILEGE.refuse(&[&account.name])),
    }
}

fn expires(call: &Call) -> Result<Time, Failure> {
    call.form.date("expireTime", call.shared.settings.zone)
}

fn token(call: &Call) -> Result<NewToken, Failure> {
    let token = call.form.name("token", bearer::LONGEST)?;
    if token.chars().count() < bearer::SHORTEST {
        let shortest = bearer::SHORTEST;
        let english = format!("it is shorter than {shortest} characters, so that it could be guessed");
        return Err(Failure::invalid("token", Words::new(english, format!("少于 {shortest} 个字符，容易被猜到"))));
    }
    // A header holds nothing else.
    if !token.chars().all(|letter| letter.is_ascii_graphic()) {
        let words =
            Words::new("it may have letters, digits and signs of ASCII only", "只能包含 ASCII 字母、数字和符号");
        return Err(Failure::invalid("token", words));
    }
    Ok(bearer::kept(token))
}

fn refused(call: &Call, refusal: TokenRefusal, id: i32, user: UserId) -> Result<Failure, Failure> {
    Ok(match refusal {
        TokenRefusal::Missing => Code::NO_SUCH_TOKEN.because(&[&id]),
        TokenRefusal::Foreign => Code::NO_PRIVILEGE.refuse(&[&call.account()?.name]),
        TokenRefusal::NoUser => Code::NO_SUCH_USER.refuse(&[&user]),
        TokenRefusal::Taken => {
            Failure::invalid("token", Words::new("another access token is the same", "与另一个访问令牌相同"))
        }
    })
}
