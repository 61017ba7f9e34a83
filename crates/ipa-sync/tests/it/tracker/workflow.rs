//! Workflows as data: statuses under the names that a company gives them, and the transitions between them.

/// The states that a project's issues can be in, and the ways between them.
#[derive(Debug, Clone)]
pub(crate) struct Workflow {
    pub(crate) statuses: Vec<Status>,
    pub(crate) transitions: Vec<Transition>,
    /// Ids and names.
    pub(crate) resolutions: Vec<(String, String)>,
    /// How the site calls the categories, in the order of [`Category`].
    pub(crate) category_names: [&'static str; 3],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) category: Category,
}

/// What a status means, under whatever name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Category {
    New,
    Indeterminate,
    Done,
}

#[derive(Debug, Clone)]
pub(crate) struct Transition {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Ids of statuses; empty: from everywhere.
    pub(crate) from: Vec<String>,
    pub(crate) to: String,
    /// The fields of its screen.
    pub(crate) screen: Vec<Field>,
    pub(crate) rule: Rule,
    pub(crate) resolves: Resolves,
}

/// A field of a transition's screen: `resolution` or `assignee`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) need: Need,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    Optional,
}

/// What stands in a transition's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rule {
    Free,
    /// A condition that is not met: it is not offered.
    Unavailable,
    /// A validator that says no, with these words.
    Refuses(&'static str),
    /// It is configured wrongly.
    Broken,
}

/// What a transition does to the resolution by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resolves {
    Keeps,
    To(&'static str),
    Clears,
}

impl Category {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Indeterminate => "indeterminate",
            Self::Done => "done",
        }
    }

    pub(crate) fn id(self) -> u64 {
        match self {
            Self::New => 2,
            Self::Indeterminate => 4,
            Self::Done => 3,
        }
    }

    pub(crate) fn color(self) -> &'static str {
        match self {
            Self::New => "blue-gray",
            Self::Indeterminate => "yellow",
            Self::Done => "green",
        }
    }
}

impl Transition {
    /// A way from these statuses, none for all, that nothing stands in.
    pub(crate) fn new(id: &str, name: &str, from: &[&str], to: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            from: from.iter().map(|id| (*id).to_owned()).collect(),
            to: to.to_owned(),
            screen: Vec::new(),
            rule: Rule::Free,
            resolves: Resolves::Keeps,
        }
    }

    fn resolving(self, resolves: Resolves) -> Self {
        Self { resolves, ..self }
    }

    fn asking_for(mut self, name: &'static str, need: Need) -> Self {
        self.screen.push(Field { name, need });
        self
    }

    pub(crate) fn leads_from(&self, status: &str) -> bool {
        self.from.is_empty() || self.from.iter().any(|id| id == status)
    }
}

impl Workflow {
    /// The one of these statuses and transitions.
    pub(crate) fn new(statuses: &[(&str, &str, Category)], transitions: Vec<Transition>) -> Self {
        let statuses = statuses.iter().map(|(id, name, category)| Status {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            category: *category,
        });
        let resolutions = [("10000", "Done"), ("10001", "Won't Do"), ("10002", "Duplicate")];
        Self {
            statuses: statuses.collect(),
            transitions,
            resolutions: resolutions.map(|(id, name)| (id.to_owned(), name.to_owned())).into(),
            category_names: ["To Do", "In Progress", "Done"],
        }
    }

    /// To Do, In Progress, Done; each from everywhere, as in a new project.
    pub(crate) fn simple() -> Self {
        Self::new(
            &[
                ("10000", "To Do", Category::New),
                ("10001", "In Progress", Category::Indeterminate),
                ("10002", "Done", Category::Done),
            ],
            vec![
                Transition::new("11", "To Do", &[], "10000").resolving(Resolves::Clears),
                Transition::new("21", "In Progress", &[], "10001").resolving(Resolves::Clears),
                Transition::new("31", "Done", &[], "10002").resolving(Resolves::To("Done")),
            ],
        )
    }

    /// The same in a German site: only keys and ids are as elsewhere.
    pub(crate) fn german() -> Self {
        let mut german = Self::simple();
        let names = ["Zu erledigen", "In Arbeit", "Fertig"];
        for (status, name) in german.statuses.iter_mut().zip(names) {
            name.clone_into(&mut status.name);
        }
        for (transition, name) in german.transitions.iter_mut().zip(names) {
            name.clone_into(&mut transition.name);
        }
        german.category_names = names;
        german
    }

    /// Two statuses mean done: who wants one has to say which.
    pub(crate) fn two_dones() -> Self {
        let mut two = Self::simple();
        two.add_status("10003", "Won't Do", Category::Done);
        let declined = Transition::new("41", "Decline", &[], "10003").resolving(Resolves::To("Won't Do"));
        two.transitions.push(declined);
        two
    }

    /// Done asks on its screen for a resolution, and for an assignee if one likes.
    pub(crate) fn required_resolution() -> Self {
        let mut asking = Self::simple();
        asking.transitions.retain(|transition| transition.id != "31");
        let done = Transition::new("51", "Resolve Issue", &[], "10002");
        let done = done.asking_for("resolution", Need::Required).asking_for("assignee", Need::Optional);
        asking.transitions.push(done);
        asking
    }

    /// There is a status that means done, and no way leads to it.
    pub(crate) fn no_way_to_done() -> Self {
        let mut stuck = Self::simple();
        stuck.transitions.retain(|transition| transition.to != "10002");
        stuck
    }

    /// To Do, In Progress, In Review, Done, one after the other: from To Do none leads to Done.
    pub(crate) fn one_hop() -> Self {
        let mut line = Self::simple();
        line.add_status("10004", "In Review", Category::Indeterminate);
        line.transitions = vec![
            Transition::new("61", "Start", &["10000"], "10001"),
            Transition::new("71", "Ask for review", &["10001"], "10004"),
            Transition::new("81", "Back to work", &["10004"], "10001"),
            Transition::new("91", "Finish", &["10001", "10004"], "10002").resolving(Resolves::To("Done")),
            Transition::new("101", "Reopen", &["10002"], "10000").resolving(Resolves::Clears),
        ];
        line
    }

    pub(crate) fn add_status(&mut self, id: &str, name: &str, category: Category) {
        self.statuses.push(Status { id: id.to_owned(), name: name.to_owned(), category });
    }

    /// Puts something in a transition's way.
    pub(crate) fn obstruct(mut self, transition: &str, rule: Rule) -> Self {
        let found = self.transitions.iter_mut().find(|other| other.id == transition);
        found.unwrap_or_else(|| panic!("no transition {transition}")).rule = rule;
        self
    }

    pub(crate) fn status(&self, id: &str) -> &Status {
        self.statuses.iter().find(|status| status.id == id).unwrap_or_else(|| panic!("no status {id}"))
    }

    pub(crate) fn category_name(&self, category: Category) -> &'static str {
        match (category, self.category_names) {
            (Category::New, [name, _, _])
            | (Category::Indeterminate, [_, name, _])
            | (Category::Done, [_, _, name]) => name,
        }
    }
}
