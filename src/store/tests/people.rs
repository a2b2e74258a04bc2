//! Users, tenants, groups and tokens: what replaces, what stays, what goes along.

use super::place::store;
use crate::model::{AlertType, DefinitionId, Time, UserId, UserType};
use crate::store::entity::{
    access_token, process_definition, relation_project_user, relation_user_alertgroup, session,
};
use crate::store::{
    Account, Error, Grant, GrantRefusal, GroupDraft, Kept, NewProject, NewSession, NewTenant, NewToken, NewUser, Page,
    Store, TokenDraft, TokenRefusal, UserDraft, UserRefusal, utc,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

const ADMIN: UserId = UserId(1);

async fn tenant(store: &Store, code: &str) -> i32 {
    let new = NewTenant { code: code.into(), name: code.into(), desc: None, queue_id: 1, at: Time(0) };
    store.create_tenant(new).await.unwrap()
}

async fn user(store: &Store, name: &str, tenant_id: i32) -> UserId {
    let new = NewUser {
        name: name.into(),
        password: "hash".into(),
        email: "e@example.org".into(),
        phone: None,
        tenant_id,
        queue: None,
        at: Time(0),
    };
    store.create_user(new).await.unwrap()
}

async fn project(store: &Store, name: &str, owner: UserId) -> i32 {
    let new = NewProject { name: name.into(), desc: None, owner, at: Time(0) };
    store.create_project(new).await.unwrap().0
}

fn draft(tenant_id: i32) -> UserDraft {
    UserDraft {
        name: None,
        password: None,
        email: None,
        phone: None,
        tenant_id,
        queue: None,
        at: Time(1),
        session: None,
        may_move: true,
    }
}

fn account(id: UserId, kind: UserType) -> Account {
    Account { id, name: "x".into(), kind }
}

fn token(text: &str) -> NewToken {
    NewToken { clear: text.into(), hash: format!("hash of {text}"), hint: text.chars().take(4).collect() }
}

#[tokio::test]
async fn grants_replace_each_other_and_name_what_is_unknown() {
    let store = store!();
    let bob = user(&store, "bob", tenant(&store, "etl").await).await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(project(&store, &format!("p{number}"), ADMIN).await);
    }
    let grant = async |ids: &[i32]| store.set_grants(bob, Grant::Project, ids.to_vec(), Time(0)).await.unwrap();
    let granted = async || {
        let rows = relation_project_user::Entity::find().all(store.read()).await.unwrap();
        let mut rows: Vec<_> = rows.into_iter().map(|row| (row.project_id.unwrap(), row.perm.unwrap())).collect();
        rows.sort_unstable();
        rows
    };
    assert_eq!(grant(&ids[..2]).await, Ok(()));
    assert_eq!(granted().await, [(ids[0], 7), (ids[1], 7)]);
    assert_eq!(grant(&[ids[2], 99]).await, Err(GrantRefusal::Unknown(99)));
    assert_eq!(granted().await.len(), 2, "nothing was changed");
    assert_eq!(grant(&ids[2..]).await, Ok(()));
    assert_eq!(granted().await, [(ids[2], 7)]);
    assert_eq!(grant(&[]).await, Ok(()));
    assert!(granted().await.is_empty());
    let nobody = store.set_grants(UserId(99), Grant::DataSource, vec![], Time(0)).await.unwrap();
    assert_eq!(nobody, Err(GrantRefusal::NoUser));
    for kind in [Grant::Resource, Grant::Function, Grant::DataSource] {
        assert_eq!(store.set_grants(bob, kind, vec![], Time(0)).await.unwrap(), Ok(()));
        assert_eq!(store.set_grants(bob, kind, vec![5], Time(0)).await.unwrap(), Err(GrantRefusal::Unknown(5)));
    }
}

#[tokio::test]
async fn a_user_keeps_what_is_not_given_and_a_new_password_ends_the_other_logins() {
    let store = store!();
    let (etl, ml) = (tenant(&store, "etl").await, tenant(&store, "ml").await);
    let bob = user(&store, "bob", etl).await;
    for id in ["one", "two"] {
        let new = NewSession { id: id.into(), user: bob, ip: String::new(), at: Time(9) };
        store.sign_in(new).await.unwrap();
    }
    let update = async |draft| store.update_user(bob, draft).await.unwrap();
    assert_eq!(update(draft(etl)).await, Ok(()));
    assert!(store.session("one").await.unwrap().is_some());
    let fixed = UserDraft { may_move: false, ..draft(ml) };
    assert_eq!(update(fixed).await, Err(UserRefusal::TenantFixed));
    assert_eq!(update(draft(99)).await, Err(UserRefusal::NoTenant));
    assert_eq!(update(draft(0)).await, Err(UserRefusal::NoTenant), "only administrators need none");
    assert_eq!(store.update_user(ADMIN, draft(0)).await.unwrap(), Ok(()));
    assert_eq!(update(UserDraft { name: Some("admin".into()), ..draft(etl) }).await, Err(UserRefusal::NameTaken));
    assert_eq!(store.update_user(UserId(99), draft(etl)).await.unwrap(), Err(UserRefusal::Missing));
    let password = UserDraft { password: Some("new".into()), session: Some("two".into()), ..draft(ml) };
    assert_eq!(update(password).await, Ok(()));
    assert_eq!(store.credentials("bob").await.unwrap().unwrap().1, "new");
    let open = session::Entity::find().all(store.read()).await.unwrap();
    assert_eq!(open.into_iter().map(|row| row.id).collect::<Vec<_>>(), ["two"]);
    let (bob, _) = store.user(bob).await.unwrap().unwrap();
    assert_eq!((bob.email.as_deref(), bob.tenant_id), (Some("e@example.org"), Some(ml)));
}

#[tokio::test]
async fn a_user_to_whom_something_belongs_is_not_deleted() {
    let store = store!();
    let etl = tenant(&store, "etl").await;
    let bob = user(&store, "bob", etl).await;
    let theirs = project(&store, "p", bob).await;
    project(&store, "granted", ADMIN).await;
    let refused = store.delete_user(bob).await.unwrap();
    let Err(Kept::Used(using)) = refused else { panic!("{refused:?}") };
    assert_eq!(using.to_string(), "projects: 1");
    let definition = process_definition::ActiveModel {
        name: Set(Some("d".into())),
        project_id: Set(Some(theirs)),
        user_id: Set(Some(bob.0)),
        flag: Set(Some(1)),
        tenant_id: Set(-1),
        ..Default::default()
    };
    let inserted = store.write(move |tx| {
        let row = definition.clone();
        Box::pin(async move { Ok(row.insert(tx).await?.id) })
    });
    let definition = DefinitionId(inserted.await.unwrap());
    let Err(Kept::Used(using)) = store.delete_user(bob).await.unwrap() else { panic!("deleted") };
    assert_eq!(using.to_string(), "projects: 1, process definitions: 1");
    let gone = store.write(move |tx| {
        Box::pin(
            async move { Ok(process_definition::Entity::delete_by_id(definition.0).exec(tx).await?.rows_affected) },
        )
    });
    assert_eq!(gone.await.unwrap(), 1);
    store.delete_project(crate::model::ProjectId(theirs)).await.unwrap();
    assert_eq!(store.delete_user(bob).await.unwrap(), Ok(()));
    assert_eq!(store.delete_user(bob).await.unwrap(), Err(Kept::Missing));
}

#[tokio::test]
async fn a_user_goes_with_logins_tokens_grants_and_memberships() {
    let store = store!();
    let bob = user(&store, "bob", tenant(&store, "etl").await).await;
    let new = NewSession { id: "one".into(), user: bob, ip: String::new(), at: Time(9) };
    store.sign_in(new).await.unwrap();
    let expires = Time(i64::MAX / 2_000_000);
    let new = TokenDraft { user: bob, expires, token: None, at: Time(0) };
    store.create_token(token("secret"), new).await.unwrap().unwrap();
    let granted = project(&store, "p", ADMIN).await;
    store.set_grants(bob, Grant::Project, vec![granted], Time(0)).await.unwrap().unwrap();
    store.set_members(1, vec![bob.0], Time(0)).await.unwrap().unwrap();
    store.delete_user(bob).await.unwrap().unwrap();
    assert!(store.session("one").await.unwrap().is_none());
    assert!(store.bearer(token("secret"), Time(0)).await.unwrap().is_none());
    assert!(access_token::Entity::find().one(store.read()).await.unwrap().is_none());
    assert!(relation_project_user::Entity::find().one(store.read()).await.unwrap().is_none());
    let members = relation_user_alertgroup::Entity::find().all(store.read()).await.unwrap();
    assert_eq!(members.into_iter().map(|row| row.user_id).collect::<Vec<_>>(), [Some(1)]);
}

#[tokio::test]
async fn a_tenant_with_users_is_not_deleted() {
    let store = store!();
    let etl = tenant(&store, "etl").await;
    let bob = user(&store, "bob", etl).await;
    let Err(Kept::Used(using)) = store.delete_tenant(etl).await.unwrap() else { panic!("deleted") };
    assert_eq!(using.to_string(), "users: 1");
    store.delete_user(bob).await.unwrap().unwrap();
    assert_eq!(store.delete_tenant(etl).await.unwrap(), Ok(()));
    assert_eq!(store.delete_tenant(etl).await.unwrap(), Err(Kept::Missing));
}

/// The dialog shows general users only, so its list must not remove anybody else.
#[tokio::test]
async fn members_are_replaced_but_administrators_stay() {
    let store = store!();
    let etl = tenant(&store, "etl").await;
    let (bob, carol) = (user(&store, "bob", etl).await, user(&store, "carol", etl).await);
    let members = async |inside| {
        let users = store.members(1, inside).await.unwrap();
        users.into_iter().map(|user| user.user_name.unwrap()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!((members(true).await, members(false).await), (String::new(), "bob carol".into()));
    store.set_members(1, vec![bob.0, 1], Time(0)).await.unwrap().unwrap();
    assert_eq!((members(true).await, members(false).await), ("bob".into(), "carol".into()));
    store.set_members(1, vec![carol.0], Time(0)).await.unwrap().unwrap();
    assert_eq!((members(true).await, members(false).await), ("carol".into(), "bob".into()));
    let of_admin = relation_user_alertgroup::Entity::find().filter(relation_user_alertgroup::Column::UserId.eq(1));
    assert_eq!(of_admin.all(store.read()).await.unwrap().len(), 1);
    assert!(store.set_members(1, vec![99], Time(0)).await.unwrap().is_err());
    assert_eq!(members(true).await, "carol", "nothing was changed");
}

#[tokio::test]
async fn a_group_is_deleted_with_its_memberships_but_not_that_of_the_servers() {
    let store = store!();
    let draft = GroupDraft { name: "night".into(), kind: AlertType::Sms, desc: None, at: Time(0) };
    let night = store.create_group(draft.clone()).await.unwrap().unwrap();
    assert!(store.create_group(draft).await.unwrap().is_err(), "the name is taken");
    store.set_members(night, vec![1], Time(0)).await.unwrap().unwrap();
    assert_eq!(store.delete_group(night).await.unwrap(), Ok(()));
    assert_eq!(store.delete_group(night).await.unwrap(), Err(Kept::Missing));
    assert_eq!(store.delete_group(1).await.unwrap(), Err(Kept::BuiltIn));
    let members = relation_user_alertgroup::Entity::find().all(store.read()).await.unwrap();
    assert_eq!(members.len(), 1);
}

#[tokio::test]
async fn a_token_opens_until_it_expires_and_its_hash_opens_nothing() {
    let store = store!();
    let new = TokenDraft { user: ADMIN, expires: Time(1000), token: None, at: Time(0) };
    store.create_token(token("secret"), new.clone()).await.unwrap().unwrap();
    let open = async |text: &str, now| store.bearer(token(text), Time(now)).await.unwrap().map(|account| account.id);
    assert_eq!(open("secret", 999).await, Some(ADMIN));
    assert_eq!(open("secret", 1000).await, None);
    assert_eq!(open("Secret", 0).await, None);
    assert_eq!(open("hash of secret", 0).await, None);
    let again = store.create_token(token("secret"), new).await.unwrap();
    assert_eq!(again, Err(TokenRefusal::Taken));
}

#[tokio::test]
async fn a_token_of_the_original_is_hashed_when_it_is_shown() {
    let store = store!();
    let row = access_token::ActiveModel {
        user_id: Set(Some(1)),
        token: Set(Some("old".into())),
        expire_time: Set(Some(utc(Time(1000)))),
        ..Default::default()
    };
    let inserted = store.write(move |tx| {
        let row = row.clone();
        Box::pin(async move { Ok(row.insert(tx).await?.id) })
    });
    let id = inserted.await.unwrap();
    for _ in 0..2 {
        assert!(store.bearer(token("old"), Time(0)).await.unwrap().is_some());
    }
    let row = access_token::Entity::find_by_id(id).one(store.read()).await.unwrap().unwrap();
    assert_eq!((row.token.as_deref(), row.hint.as_deref()), (Some("hash of old"), Some("old")));
}

#[tokio::test]
async fn a_token_is_managed_by_its_user_and_by_administrators() {
    let store = store!();
    let etl = tenant(&store, "etl").await;
    let (bob, carol) = (user(&store, "bob", etl).await, user(&store, "carol", etl).await);
    let new = TokenDraft { user: bob, expires: Time(1000), token: None, at: Time(0) };
    let id = store.create_token(token("secret"), new.clone()).await.unwrap().unwrap();
    let general = |id| account(id, UserType::General);
    assert_eq!(store.update_token(id, general(carol), new.clone()).await.unwrap(), Err(TokenRefusal::Foreign));
    assert_eq!(store.delete_token(id, general(carol)).await.unwrap(), Err(TokenRefusal::Foreign));
    let seen = async |who: &Account| store.tokens(who, "", Page { number: 1, size: 9 }).await.unwrap().total;
    assert_eq!((seen(&general(bob)).await, seen(&general(carol)).await), (1, 0));
    assert_eq!(seen(&account(ADMIN, UserType::Admin)).await, 1);
    let longer = TokenDraft { expires: Time(2000), ..new };
    assert_eq!(store.update_token(id, general(bob), longer).await.unwrap(), Ok(()));
    assert!(store.bearer(token("secret"), Time(1500)).await.unwrap().is_some(), "the token stayed");
    let admin = account(ADMIN, UserType::Admin);
    assert_eq!(store.delete_token(id, admin.clone()).await.unwrap(), Ok(()));
    assert_eq!(store.delete_token(id, admin).await.unwrap(), Err(TokenRefusal::Missing));
}

#[tokio::test]
async fn no_user_is_made_for_a_tenant_that_goes() {
    let store = store!();
    let etl = tenant(&store, "etl").await;
    let new = NewUser {
        name: "bob".into(),
        password: "hash".into(),
        email: "e@example.org".into(),
        phone: None,
        tenant_id: etl,
        queue: None,
        at: Time(0),
    };
    let (made, deleted) = tokio::join!(store.create_user(new), store.delete_tenant(etl));
    match (made, deleted.unwrap()) {
        (Ok(_), Err(Kept::Used(_))) => {}
        (Err(Error::Missing(_)), Ok(())) => {}
        other => panic!("{other:?}"),
    }
}
