//! Trying each permission that a run needs, one by one.

use crate::folder::file_of;
use crate::store::Store;
use tillmart_model::{Fault, FaultKind, Result};
use uuid::Uuid;

/// Something a run must be allowed to do in an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// List what lies there.
    List,
    /// Write an object if nothing has its name, and be refused if something has: what makes commits happen once.
    CreateIfAbsent,
    /// Write an object over another.
    Write,
    /// Read an object.
    Read,
    /// Delete an object.
    Delete,
}

impl Permission {
    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Permission::List => "list",
            Permission::CreateIfAbsent => "create-if-absent",
            Permission::Write => "write",
            Permission::Read => "read",
            Permission::Delete => "delete",
        }
    }
}

impl Store {
    /// Tries every permission in an area with a small object of its own, which is gone afterwards. Where writing is refused,
    /// reading and deleting are tried on names that are not there: a service says no before it says that nothing is there.
    pub async fn probe(&self, area: &str) -> Vec<(Permission, Result<()>)> {
        let was_there = self.folder_is_there(area);
        let object = self.probe_name(area).await;
        let listed = self.list(area).await;
        let known = listed.as_ref().ok().and_then(|found| found.first()).map(|found| format!("{area}/{}", found.path));
        let created = self.try_to_create(&object).await;
        let written = self.write(&object, b"written".to_vec()).await;
        let is_there = created.is_ok() || written.is_ok();
        let read = if is_there {
            self.read(&object).await.map(drop)
        } else {
            self.look(known.as_deref().unwrap_or(&object)).await.map(drop)
        };
        let mut deleted = self.delete(&object).await;
        if is_there {
            deleted = deleted.map_err(|fault| fault.expected(format!("{object} to be deleted: it is left behind")));
        }
        if !was_there {
            self.forget_folder(area);
        }
        vec![
            (Permission::List, listed.map(drop)),
            (Permission::CreateIfAbsent, created),
            (Permission::Write, written),
            (Permission::Read, read),
            (Permission::Delete, deleted),
        ]
    }

    /// A name that nothing has; an earlier probe may have been killed.
    async fn probe_name(&self, area: &str) -> String {
        let usual = format!("{area}/_tillmart_doctor.tmp");
        match self.look(&usual).await {
            Ok(Some(_)) => format!("{area}/_tillmart_doctor-{}.tmp", Uuid::new_v4().simple()),
            _ => usual,
        }
    }

    async fn try_to_create(&self, object: &str) -> Result<()> {
        let took = |expected: &str, found: &str| {
            Err(Fault::new(FaultKind::Store, "the object store does not create objects only if they are absent")
                .at(object.to_owned())
                .expected(expected.to_owned())
                .found(found.to_owned())
                .hint("commits rely on it: use a store that honours If-None-Match, and a bucket without versioning where it says so"))
        };
        if !self.create(object, b"created".to_vec()).await? {
            return took("a new name to be free", "it was taken");
        }
        if self.create(object, b"created again".to_vec()).await? {
            return took("a second creation to be refused", "it was not");
        }
        Ok(())
    }

    fn folder_is_there(&self, area: &str) -> bool {
        !self.is_folder() || self.path(area).is_ok_and(|path| file_of(&path).exists())
    }

    /// Removes a folder that the probe made, unless somebody has put something into it.
    fn forget_folder(&self, area: &str) {
        if let Ok(path) = self.path(area) {
            let _ = std::fs::remove_dir(file_of(&path));
        }
    }
}
