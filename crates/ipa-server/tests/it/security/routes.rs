//! Every route there is, and how open it is.

/// Every route, with something to send. `T-1`, its run and its decision are there.
pub(super) const ROUTES: &[(&str, &str)] = &[
    ("GET", "/readyz"),
    ("GET", "/api/v1/tasks"),
    ("POST", "/api/v1/tasks"),
    ("GET", "/api/v1/tasks/T-1"),
    ("GET", "/api/v1/tasks/T-1?at=1"),
    ("GET", "/api/v1/tasks/T-1/why"),
    ("POST", "/api/v1/tasks/T-1/commands"),
    ("GET", "/api/v1/tasks/T-1/events"),
    ("GET", "/api/v1/tasks/T-1/diff"),
    ("GET", "/api/v1/tasks/T-1/files"),
    ("GET", "/api/v1/tasks/T-1/files/README.md"),
    ("GET", "/api/v1/events?follow=0"),
    ("GET", "/api/v1/inbox"),
    ("GET", "/api/v1/inbox/T-1.d1"),
    ("POST", "/api/v1/inbox/T-1.d1/decision"),
    ("GET", "/api/v1/runs/T-1.r1"),
    ("GET", "/api/v1/runs/T-1.r1/prompt"),
    ("GET", "/api/v1/runs/T-1.r1/log"),
    ("GET", "/api/v1/pods"),
    ("POST", "/api/v1/pods/T-1/restart"),
    ("POST", "/api/v1/pods/T-1/stop"),
    ("POST", "/api/v1/pods/T-1/cleanup"),
    ("GET", "/api/v1/workspaces"),
    ("GET", "/api/v1/agents"),
    ("GET", "/api/v1/agents/fake"),
    ("GET", "/api/v1/sync"),
    ("GET", "/api/v1/sync/T-1.o1"),
    ("POST", "/api/v1/sync/T-1.o1/retry"),
    ("GET", "/api/v1/tasks/T-1/sync"),
    ("POST", "/api/v1/tasks/T-1/sync"),
    ("GET", "/api/v1/connectors"),
    ("POST", "/api/v1/connectors/desk/pause"),
    ("POST", "/api/v1/connectors/desk/resume"),
    ("GET", "/"),
    ("GET", "/inbox"),
    ("GET", "/new"),
    ("POST", "/new"),
    ("GET", "/tasks/T-1"),
    ("GET", "/tasks/T-1/diff"),
    ("GET", "/tasks/T-1/timeline"),
    ("GET", "/tasks/T-1/files"),
    ("GET", "/tasks/T-1/files/README.md"),
    ("POST", "/tasks/T-1/commands"),
    ("POST", "/tasks/T-1/pod"),
    ("POST", "/tasks/T-1/decisions/1"),
    ("POST", "/connectors/desk"),
    ("GET", "/tasks/T-1/files/"),
    ("GET", "/api/v1/tasks/T-1/files/"),
    ("GET", "/live?topics=board&after=999"),
    ("POST", "/logout"),
];

/// What is open to everybody, and there.
pub(super) const OPEN: &[(&str, &str)] = &[("GET", "/healthz"), ("GET", "/login")];

/// What a signature opens, and nothing else does.
pub(super) const SIGNED: &[(&str, &str)] =
    &[("POST", "/hooks/github"), ("POST", "/hooks/github/hub"), ("POST", "/hooks/jira/desk")];

/// What is not there at all; nobody learns that without credentials.
pub(super) const NOWHERE: &[(&str, &str)] =
    &[("GET", "/api/v1/nothing"), ("POST", "/nothing"), ("DELETE", "/api/v1/tasks/T-1"), ("GET", "/live/x")];
