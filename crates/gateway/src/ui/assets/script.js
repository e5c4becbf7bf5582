// Keeps what is marked as live up to date. Without it the page is complete, and as old as it says.
"use strict";
(() => {
  const watched = document.querySelector("[data-stream]");
  const state = document.getElementById("live-state");
  if (!watched || !state || !window.EventSource) return;

  const QUIET = 15_000; // milliseconds until a page without news is asked for again, since ages grow
  const REST = 1_000; // milliseconds between two askings at least
  let source = null;
  let asked = 0;
  let due = 0;

  const say = (words) => {
    if (state.textContent !== words) state.textContent = words;
  };

  // The server draws everything; here the drawn parts are only put in place of the old ones.
  const refresh = async () => {
    due = 0;
    asked = Date.now();
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(old.id);
      if (fresh && !old.contains(document.activeElement) && fresh.innerHTML !== old.innerHTML) {
        const places = [...old.querySelectorAll("[data-keep-scroll]")].map((it) => it.scrollLeft);
        const open = [...old.querySelectorAll("details")].map((it) => it.open);
        old.replaceChildren(...fresh.childNodes);
        [...old.querySelectorAll("[data-keep-scroll]")].forEach((it, at) => (it.scrollLeft = places[at] || 0));
        [...old.querySelectorAll("details")].forEach((it, at) => (it.open = Boolean(open[at])));
      }
    }
  };

  const soon = (wait) => {
    const at = Math.max(Date.now() + wait, asked + REST);
    if (due && due <= at) return;
    due = at;
  };

  setInterval(() => {
    if (document.hidden || !source) return;
    if (due ? Date.now() >= due : Date.now() - asked > QUIET) refresh().catch(() => say("The gateway does not answer."));
  }, 250);

  // A page that nobody sees holds no connection, of which a browser has only a few.
  const watch = () => {
    if (document.hidden) {
      if (source) source.close();
      source = null;
      return;
    }
    if (source) return;
    asked = Date.now();
    source = new EventSource(watched.dataset.stream);
    source.onopen = () => say("Live: messages are recorded while this page is open.");
    source.onerror = () => say("The connection broke; trying again.");
    source.onmessage = (event) => {
      // What is said because somebody looks is no news.
      if (JSON.parse(event.data).from !== watched.dataset.leaveOut) soon(200);
    };
  };
  document.addEventListener("visibilitychange", watch);
  window.addEventListener("pagehide", () => source && source.close());
  watch();
})();
