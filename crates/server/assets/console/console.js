// The console works without this file. It keeps the place in the tree, goes to what was refused, and
// asks before typed words are lost.

const PLACE = "handoff-console-place";
const wide = window.matchMedia("(min-width: 62rem)");

/** Remembers where the page was scrolled to, for the same page with another panel. */
function rememberPlace() {
  if (wide.matches) {
    sessionStorage.setItem(PLACE, JSON.stringify({ path: location.pathname, top: window.scrollY }));
  }
}

/** Scrolls back to where the page was left. */
function returnToPlace() {
  const kept = sessionStorage.getItem(PLACE);
  sessionStorage.removeItem(PLACE);
  if (!kept || !wide.matches) return;
  const { path, top } = JSON.parse(kept);
  // A form's address lies below its page's.
  if (path.startsWith(location.pathname) || location.pathname.startsWith(path)) window.scrollTo({ top });
}

/** Goes to the first field that was refused. */
function showRefusal() {
  document.querySelector("[aria-invalid='true']")?.focus();
}

/** Asks before a page with unsaved changes is left. */
function guard() {
  const forms = [...document.querySelectorAll("form[data-guard]")];
  const state = (form) => new URLSearchParams(new FormData(form)).toString();
  const before = new Map(forms.map((form) => [form, form.dataset.guard === "unsaved" ? null : state(form)]));
  let sending = false;
  for (const form of forms) form.addEventListener("submit", () => { sending = true; });
  window.addEventListener("beforeunload", (event) => {
    if (!sending && forms.some((form) => state(form) !== before.get(form))) event.preventDefault();
  });
}

document.addEventListener("click", (event) => {
  if (event.target.closest("a[data-keep-place]")) rememberPlace();
});
document.addEventListener("submit", (event) => {
  if (event.target.closest(".editor")) rememberPlace();
});
window.addEventListener("load", () => {
  returnToPlace();
  showRefusal();
}, { once: true });
guard();
