//! The whole way of a file, in a folder of this machine; and what is left when somebody dies on the way.

use super::{Error, New, Resources, Settings};
use crate::config::{self, Storage};
use crate::model::{ResourceType, Time, UserId};
use crate::store::{Change, Edit, Resource, Store, Unchangeable};
use bytes::Bytes;
use futures::TryStreamExt;
use std::path::PathBuf;

const ADMIN: UserId = UserId(1);

struct World {
    store: Store,
    resources: Resources,
    folder: tempfile::TempDir,
}

async fn world() -> World {
    let store = Store::memory().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let resource = config::Resource {
        local: folder.path().join("resources"),
        base: String::new(),
        storage: Storage::Local,
        view_suffixs: vec!["sh".into()],
    };
    let settings = Settings { resource, staging: folder.path().join("upload"), max_file: 1 << 20 };
    let resources = Resources::open(store.clone(), &settings).unwrap();
    World { store, resources, folder }
}

impl World {
    async fn create(&self, alias: &str, content: &str) -> Result<Resource, Error> {
        let file = self.resources.staging().text(content).await.unwrap();
        let new =
            New { kind: ResourceType::File, alias: alias.into(), file_name: alias.into(), desc: None, owner: ADMIN };
        self.resources.create(new, file).await
    }

    async fn content(&self, resource: &Resource) -> Result<String, Error> {
        let pieces: Vec<Bytes> = self.resources.read(resource).await?.try_collect().await?;
        Ok(String::from_utf8(pieces.concat()).unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("resources/default/resources").join(name)
    }

    /// Every file below the folder.
    fn files(&self) -> Vec<String> {
        let mut found = vec![];
        let mut open = vec![self.folder.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                match entry.file_type().unwrap().is_dir() {
                    true => open.push(entry.path()),
                    false => found.push(entry.file_name().into_string().unwrap()),
                }
            }
        }
        found.sort();
        found
    }

    /// What another process does some time after the one that began has died.
    async fn tidy(&self) {
        self.resources.tidy_once(Time(i64::MAX)).await;
        assert!(self.store.open_changes(Time(i64::MAX)).await.unwrap().is_empty());
    }

    async fn named(&self, name: &str) -> Option<Resource> {
        self.store.named_resource(ResourceType::File, name).await.unwrap()
    }
}

fn change(resource: Option<&Resource>, from: Option<&str>, to: Option<&str>) -> Change {
    Change {
        kind: ResourceType::File,
        tenant: "default".into(),
        resource: resource.map(|resource| resource.id),
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
        at: Time::now(),
    }
}

#[tokio::test]
async fn a_file_is_made_read_changed_renamed_and_deleted() {
    let world = world().await;
    let made = world.create("load.sh", "one\ntwo\n").await.unwrap();
    assert_eq!((made.size, made.tenant.as_str()), (8, "default"));
    assert_eq!(std::fs::read_to_string(world.path("load.sh")).unwrap(), "one\ntwo\n");
    assert_eq!(world.resources.lines(&made, 1, 5).await.unwrap(), "two");

    let file = world.resources.staging().text("three").await.unwrap();
    let changed = world.resources.replace(made.clone(), file).await.unwrap();
    assert_eq!((changed.size, world.content(&changed).await.unwrap().as_str()), (5, "three"));

    let renamed = world.resources.rename(changed, "other.sh".into(), Some("described".into())).await.unwrap();
    assert_eq!((renamed.alias.as_str(), renamed.desc.as_deref()), ("other.sh", Some("described")));
    assert_eq!((world.files(), world.content(&renamed).await.unwrap().as_str()), (vec!["other.sh".into()], "three"));
    assert!(matches!(world.content(&made).await, Err(Error::NoFile(_))), "the old name leads nowhere");

    world.resources.remove(renamed.clone()).await.unwrap();
    assert!(world.files().is_empty() && world.named("other.sh").await.is_none());
    let gone = world.resources.remove(renamed).await;
    assert!(matches!(gone, Err(Error::Unchangeable(Unchangeable::Gone))));
}

#[tokio::test]
async fn of_many_who_want_a_name_one_gets_it_and_his_content_stays() {
    let world = std::sync::Arc::new(world().await);
    let contents: Vec<String> = (0..8).map(|at| format!("content {at}")).collect();
    let tries = contents.iter().map(|content| world.create("one.sh", content));
    let made: Vec<_> = futures::future::join_all(tries).await;
    let winner = made.iter().position(Result::is_ok).unwrap();
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
    assert_eq!(std::fs::read_to_string(world.path("one.sh")).unwrap(), contents[winner]);
    assert_eq!(world.files(), ["one.sh"], "nothing of the others is left");
}

#[tokio::test]
async fn an_upload_that_is_let_go_of_leaves_nothing() {
    let world = world().await;
    let mut staged = world.resources.staging().file().await.unwrap();
    staged.write(&Bytes::from_static(b"half of it")).await.unwrap();
    assert_eq!(world.files().len(), 1);
    drop(staged);
    assert!(world.files().is_empty());
    let mut staged = world.resources.staging().file().await.unwrap();
    let too_large = staged.write(&Bytes::from(vec![0; (1 << 20) + 1])).await;
    assert!(matches!(too_large, Err(Error::TooLarge(1_048_576))));
}

#[tokio::test]
async fn what_a_killed_process_has_uploaded_goes_but_not_what_is_being_uploaded() {
    let world = world().await;
    let staged = world.resources.staging().text("alive").await.unwrap();
    let upload = world.folder.path().join("upload");
    let (dead, foreign) = (upload.join("upload-dead"), upload.join("notes.txt"));
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    for path in [&dead, &foreign] {
        std::fs::write(path, "x").unwrap();
    }
    for entry in std::fs::read_dir(&upload).unwrap().flatten() {
        std::fs::File::options().write(true).open(entry.path()).unwrap().set_modified(long_ago).unwrap();
    }
    world.tidy().await;
    assert!(!dead.exists() && foreign.exists());
    assert_eq!(world.files().len(), 2, "the other upload is still under way");
    drop(staged);
}

#[tokio::test]
async fn a_creation_that_died_before_or_after_its_file_leaves_nothing() {
    let world = world().await;
    for with_file in [false, true] {
        world.store.begin_change(change(None, None, Some("new.sh"))).await.unwrap().unwrap();
        if with_file {
            std::fs::create_dir_all(world.path("")).unwrap();
            std::fs::write(world.path("new.sh"), "whole").unwrap();
        }
        let meanwhile = world.create("new.sh", "other").await;
        assert!(matches!(meanwhile, Err(Error::Unchangeable(Unchangeable::NameTaken))));
        world.tidy().await;
        assert!(world.files().is_empty() && world.named("new.sh").await.is_none());
    }
    world.create("new.sh", "again").await.unwrap();
}

#[tokio::test]
async fn a_change_of_content_that_died_leaves_a_size_that_is_true() {
    let world = world().await;
    let made = world.create("a.sh", "short").await.unwrap();
    world.store.begin_change(change(Some(&made), Some("a.sh"), Some("a.sh"))).await.unwrap().unwrap();
    std::fs::write(world.path("a.sh"), "much longer").unwrap();
    world.tidy().await;
    assert_eq!(world.named("a.sh").await.unwrap().size, 11);
    assert_eq!(world.content(&made).await.unwrap(), "much longer");
}

#[tokio::test]
async fn a_renaming_that_died_is_taken_back() {
    let world = world().await;
    let made = world.create("a.sh", "content").await.unwrap();
    for moved in [false, true] {
        world.store.begin_change(change(Some(&made), Some("a.sh"), Some("b.sh"))).await.unwrap().unwrap();
        if moved {
            std::fs::rename(world.path("a.sh"), world.path("b.sh")).unwrap();
        }
        world.tidy().await;
        assert_eq!((world.files(), world.content(&made).await.unwrap().as_str()), (vec!["a.sh".into()], "content"));
    }
}

#[tokio::test]
async fn a_removal_that_died_is_brought_to_its_end() {
    let world = world().await;
    let made = world.create("a.sh", "content").await.unwrap();
    world.store.begin_removal(made, Time::now()).await.unwrap().unwrap();
    assert_eq!(world.files(), ["a.sh"]);
    let meanwhile = world.create("a.sh", "other").await;
    assert!(matches!(meanwhile, Err(Error::Unchangeable(Unchangeable::NameTaken))), "or it would be deleted soon");
    world.tidy().await;
    assert!(world.files().is_empty());
    world.create("a.sh", "again").await.unwrap();
}

#[tokio::test]
async fn who_was_given_up_for_lost_changes_nothing_any_more() {
    let world = world().await;
    let made = world.create("a.sh", "content").await.unwrap();
    let id = world.store.begin_change(change(Some(&made), Some("a.sh"), Some("b.sh"))).await.unwrap().unwrap();
    let busy = world.resources.rename(made.clone(), "c.sh".into(), None).await;
    assert!(matches!(busy, Err(Error::Unchangeable(Unchangeable::Busy))));
    world.tidy().await;
    let edit = Edit { alias: Some("b.sh".into()), ..Edit::default() };
    let late = world.store.end_edit(id, made.id, edit, Time::now()).await;
    assert!(matches!(late, Err(crate::store::Error::Conflict(_))));
    assert!(world.store.renew_change(id, Time::now()).await.is_err());
    assert!(world.named("a.sh").await.is_some() && world.named("b.sh").await.is_none());
}

#[tokio::test]
async fn a_file_that_cannot_be_placed_is_an_error_and_leaves_no_row() {
    let world = world().await;
    std::fs::write(world.folder.path().join("resources/default"), "a file where a folder should be").unwrap();
    assert!(matches!(world.create("a.sh", "x").await, Err(Error::Storage(_))));
    assert!(world.named("a.sh").await.is_none());
}

#[tokio::test]
async fn a_change_goes_on_although_its_caller_is_gone() {
    let world = world().await;
    let file = world.resources.staging().text("x").await.unwrap();
    let new =
        New { kind: ResourceType::File, alias: "a.sh".into(), file_name: "a.sh".into(), desc: None, owner: ADMIN };
    // Begun, and let go of at the first wait.
    let creating = world.resources.create(new, file);
    assert!(futures::FutureExt::now_or_never(creating).is_none());
    world.resources.settle().await;
    assert_eq!((world.files(), world.named("a.sh").await.unwrap().size), (vec!["a.sh".into()], 1));
}

#[tokio::test]
async fn where_no_resources_are_kept_every_change_says_so() {
    let world = world().await;
    let resource = config::Resource {
        local: PathBuf::new(),
        base: String::new(),
        storage: Storage::Nowhere,
        view_suffixs: vec![],
    };
    let settings = Settings { resource, staging: world.folder.path().join("upload"), max_file: 1 };
    let off = Resources::open(world.store.clone(), &settings).unwrap();
    assert!(!off.are_kept() && off.is_viewable("any.thing"));
    let made = world.create("a.sh", "x").await.unwrap();
    assert!(matches!(off.read(&made).await, Err(Error::Off)));
    assert!(matches!(off.remove(made).await, Err(Error::Off)));
}
