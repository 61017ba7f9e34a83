// Keeps a page that the server rendered in step with the server: one stream per page, fragments by id.
// Everything works without this file; with it, nothing has to be loaded again.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const all = (where, what) => where.querySelectorAll(what);
  const make = (tag, name, text) => {
    const node = document.createElement(tag);
    node.className = name;
    node.textContent = text;
    return node;
  };

  // The login code is behind the # of the address, where no server or log sees it. It works once.
  const login = document.querySelector("form[data-login]");
  const code = login && /^#t=([0-9a-f]+)$/.exec(location.hash);
  if (code) {
    history.replaceState(null, "", location.pathname + location.search);
    login.elements.token.value = code[1];
    login.submit();
    return;
  }

  // Moments become ages that go on; who has given no sign of life for long is marked.
  const SILENCE = 30000;
  const age = (s) =>
    s < 60 ? `${Math.max(0, Math.floor(s))}s` :
    s < 3600 ? `${Math.floor(s / 60)}m` :
    s < 86400 ? `${Math.floor(s / 3600)}h` : `${Math.floor(s / 86400)}d`;
  const ages = () => {
    for (const time of all(document, "time[datetime]")) {
      const at = new Date(time.dateTime);
      const ahead = at > Date.now() + 1500;
      const text = ahead ? `in ${age((at - Date.now()) / 1000)}` : `${age((Date.now() - at) / 1000)} ago`;
      if (time.textContent !== text) time.textContent = text;
      if (!time.title) time.title = at.toLocaleString();
    }
    for (const doing of all(document, ".doing")) {
      const last = doing.querySelector(".sign-of-life time");
      doing.classList.toggle("quiet-long", !!last && Date.now() - new Date(last.dateTime) > SILENCE);
    }
  };
  ages();
  setInterval(ages, 5000);

  const { topics } = document.body.dataset;
  if (!topics) return;
  let cursor = document.body.dataset.after;

  // ---- What a person has in hand stays: typed text, and what was unfolded or folded.
  const isDirty = (field) =>
    field.type === "hidden" || field.readOnly ? false :
    field.matches("select") ? [...field.options].some((o) => o.selected !== o.defaultSelected && (o.defaultSelected || o.index > 0)) :
    field.matches("input[type=checkbox],input[type=radio]") ? field.checked !== field.defaultChecked :
    field.value !== field.defaultValue;
  const holdsText = (node) =>
    node.nodeType === 1 && [...all(node, "textarea,input")].some(isDirty);
  const touched = new WeakSet();
  document.addEventListener("click", (event) => {
    const summary = event.target.closest("summary");
    if (summary) touched.add(summary.parentElement);
  });
  const gently = {
    morphStyle: "outerHTML",
    ignoreActiveValue: true,
    callbacks: {
      beforeNodeMorphed(old, now) {
        if (old.nodeType !== 1 || now.nodeType !== 1) return true;
        if (old.matches("time") && old.dateTime === now.dateTime) return false;
        if (old.matches("textarea,input,select") && isDirty(old)) return false;
        if (old.matches("details") && touched.has(old)) now.open = old.open;
        return true;
      },
      beforeNodeRemoved(node) {
        if (!holdsText(node)) return true;
        if (!node.classList.contains("stale")) {
          node.classList.add("stale");
          node.prepend(make("p", "flash", "This is decided, or has changed. What you typed is kept here until you clear it."));
        }
        return false;
      },
      beforeAttributeUpdated: (name) => name !== "aria-busy",
    },
  };

  // ---- Logs: chunks that the browser can skip, a bound, and an end that is stuck to.
  const CHUNK = 200, MOST = 2000;
  const pills = new WeakMap();
  // Who types in a log is left where they are.
  const atEnd = (log) =>
    log.scrollHeight - log.scrollTop - log.clientHeight < 48 && !log.querySelector("textarea:focus,input:focus");
  const toEnd = (log) => { log.scrollTop = log.scrollHeight; };
  const pill = (log, more) => {
    let button = pills.get(log);
    if (!button) {
      button = make("button", "pill", "");
      button.type = "button";
      button.hidden = true;
      button.onclick = () => toEnd(log);
      log.after(button);
      pills.set(log, button);
      log.addEventListener("scroll", () => { if (atEnd(log)) pill(log, 0); }, { passive: true });
    }
    const count = more ? Number(button.dataset.count || 0) + more : 0;
    button.dataset.count = count;
    button.hidden = !count;
    button.textContent = `↓ ${count} new`;
  };
  const sum = (nodes, of) => [...nodes].reduce((all, node) => all + of(node), 0);
  // A stretch holds entries, and the line that stands for them.
  const entries = (chunk) => sum(chunk.children, (it) => it.matches(".stretch") ? it.childElementCount - 1 : 1);
  // New entries go to the end of a log, or of the stretch that is last in it.
  const grow = (log, nodes, stretch) => {
    const stuck = atEnd(log);
    stretch?.append(...nodes);
    let chunk = log.lastElementChild;
    for (const node of stretch ? [] : nodes) {
      if (!chunk || !chunk.matches(".chunk") || entries(chunk) >= CHUNK) {
        chunk = make("div", "chunk", "");
        log.append(chunk);
      }
      chunk.append(node);
    }
    let count = sum(log.children, entries);
    while (count > MOST) {
      count -= entries(log.firstElementChild);
      log.firstElementChild.remove();
      earlier(log);
    }
    if (stuck) toEnd(log); else pill(log, nodes.length);
  };
  const earlier = (log) => {
    const first = /^e-(.+)\.r(\d+)-(\d+)$/.exec(log.querySelector("[id^=e-]")?.id || "");
    if (!first) return;
    let line = log.previousElementSibling;
    if (!line || !line.matches(".earlier")) {
      line = make("p", "earlier", "");
      line.append(document.createElement("a"));
      log.before(line);
    }
    const link = line.querySelector("a");
    link.href = `/tasks/${first[1]}?run=${first[2]}&before=${first[3]}`;
    link.textContent = "earlier entries";
  };
  const begin = (where) => {
    for (const log of all(where, ".log")) {
      const nodes = [...log.children];
      if (nodes.some((node) => node.matches(".chunk"))) continue;
      toEnd(log);
      grow(log, nodes);
      toEnd(log);
    }
  };

  // ---- Patches, once per frame of the screen.
  let queue = [], waits = false;
  const patch = (one) => {
    const target = byId(one.getAttribute("to"));
    if (!target) return;
    const log = target.closest(".log");
    if (one.getAttribute("op") === "morph") {
      const stuck = log && atEnd(log);
      if (one.firstElementChild) Idiomorph.morph(target, one.firstElementChild, gently);
      if (stuck) toEnd(log);
    } else if (log) {
      grow(log, [...one.children], target === log ? null : target);
    } else {
      for (const old of all(target, ":scope > .empty")) old.remove();
      // What was at its end stays there, though it gets less room.
      const ends = [...all(target, ".log")].filter(atEnd);
      target.append(...one.children);
      begin(target);
      ends.forEach(toEnd);
    }
  };
  const flush = () => {
    waits = false;
    const template = document.createElement("template");
    template.innerHTML = queue.join("");
    queue = [];
    for (const one of [...template.content.children]) patch(one);
    ages();
    title();
    settle();
  };
  const take = (event) => {
    cursor = event.lastEventId;
    if (event.type === "patch") queue.push(event.data);
    if (waits) return;
    waits = true;
    if (document.hidden) setTimeout(flush, 100); else requestAnimationFrame(flush);
  };
  const base = document.title;
  const title = () => {
    const open = Number(byId("inbox-count")?.dataset.open || 0);
    document.title = open ? `(${open}) ${base}` : base;
  };

  // ---- The stream.
  let source, pause = 500, offline;
  const shows = (live) => {
    byId("live").textContent = live ? "● live" : "○ not live";
    if (live) {
      clearTimeout(offline);
      offline = 0;
      byId("offline").hidden = true;
      pause = 500;
    } else {
      offline ||= setTimeout(() => { byId("offline").hidden = false; }, 2000);
    }
  };
  const again = () => {
    source.close();
    setTimeout(() => { if (!document.hidden) open(); }, pause * (0.5 + Math.random()));
    pause = Math.min(pause * 2, 10000);
  };
  const address = () => `/live?topics=${encodeURIComponent(topics)}&after=${encodeURIComponent(cursor)}`;
  const open = () => {
    source = new EventSource(address());
    source.onopen = () => shows(true);
    source.onerror = async () => {
      shows(false);
      if (source.readyState !== EventSource.CLOSED) return;
      again();
      const told = await fetch(address(), { method: "HEAD" }).catch(() => null);
      if (told?.status === 401 && !byId("relogin")) {
        const link = make("a", "", " Log in again");
        link.id = "relogin";
        link.href = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
        byId("offline").append(link);
      }
    };
    source.addEventListener("patch", take);
    source.addEventListener("at", take);
    source.addEventListener("bye", () => { shows(false); again(); });
    source.addEventListener("reset", () => {
      source.close();
      if (holdsText(document.body)) shows(false); else location.reload();
    });
  };
  let hidden;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    // A browser opens six connections to a server: a tab that nobody sees gives its own back.
    if (document.hidden) hidden = setTimeout(() => source.close(), 30000);
    else if (source.readyState === EventSource.CLOSED) open();
  });
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });

  // ---- Forms: sent without leaving the page; busy until the stream shows what they did.
  let waiting = [];
  const settle = () => {
    const at = parseInt(cursor, 10);
    waiting = waiting.filter(([position, done]) => position > at || done());
  };
  const reached = (position) => new Promise((done) => {
    waiting.push([position, () => { done(); return false; }]);
    setTimeout(done, 3000);
    settle();
  });
  const say = (form, text) => {
    form.querySelector(":scope > .flash")?.remove();
    if (!text) return;
    const flash = make("p", "flash", text);
    flash.setAttribute("role", "alert");
    form.prepend(flash);
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter;
    if (!form.matches("[data-live]")) return;
    event.preventDefault();
    if (form.ariaBusy) return;
    form.ariaBusy = "true";
    if (button) button.ariaBusy = "true";
    say(form, "");
    try {
      const body = new URLSearchParams(new FormData(form, button));
      const headers = { "x-ipa": "1", accept: "application/json" };
      const reply = await fetch(form.getAttribute("action"), { method: "POST", body, headers });
      if (reply.ok) {
        form.reset();
        await reached(Number(reply.headers.get("x-ipa-position")));
      } else {
        const problem = await reply.json().catch(() => ({}));
        say(form, `${problem.detail || "The server refused this."} ${problem.help || ""}`);
      }
    } catch {
      say(form, "The server cannot be reached: it is not known whether this arrived. What you typed is kept.");
    }
    form.ariaBusy = null;
    if (button) button.ariaBusy = null;
  });
  // Ctrl or ⌘ and Enter sends what is being typed.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const form = event.target.closest?.("form");
    if (form) { event.preventDefault(); form.requestSubmit(form.querySelector("button:not([formnovalidate])") || undefined); }
  });

  begin(document);
  title();
  open();
})();
