// Files that the person chose and did not send yet. They are uploaded one by one, and the next message takes them along.

const AGAIN = "Try again";

class Tray {
  #options;
  #rules = { types: [], largest: 0, most: 0 };
  #entries = [];
  // Ends with the last upload that was begun. The server takes few files at the same time, from all persons together.
  #uploads = Promise.resolve();
  #list = element("ul", { className: "tray", "aria-label": "Files to send", "aria-live": "polite", hidden: true });
  #alarm = element("p", { className: "refused", role: "alert" });
  #input = element("input", { type: "file", multiple: true, hidden: true });
  #button = element("button", { type: "button", className: "attach", title: "Attach files", "aria-label": "Attach files", hidden: true });

  // `options`: onFile(file, progress(share), signal), which uploads and gives the server's answer; onChange().
  constructor(options) {
    this.#options = options;
    this.#button.append(paperclip());
    this.#button.addEventListener("click", () => this.#input.click());
    this.#input.addEventListener("change", () => {
      this.add(this.#input.files);
      // The same file may be chosen again.
      this.#input.value = "";
    });
  }

  get parts() {
    return [this.#list, this.#alarm];
  }

  get button() {
    return this.#button;
  }

  get isEmpty() {
    return this.#entries.length === 0;
  }

  // Files are still on their way.
  get isBusy() {
    return this.#entries.some((entry) => !entry.sent && !entry.failed);
  }

  // What files the chat takes; without types it takes none.
  allow(rules) {
    this.#rules = rules;
    this.#input.accept = rules.types.includes("*/*") ? "" : rules.types.join(",");
    this.#button.hidden = rules.types.length === 0;
  }

  // Takes files in, and says why when it does not. Gives whether the chat takes files at all.
  add(files) {
    if (this.#rules.types.length === 0) return false;
    this.#alarm.textContent = "";
    const refused = [...files].map((file) => this.#refuse(file)).filter((words) => words !== null);
    this.complain([...new Set(refused)].join(" "));
    return true;
  }

  complain(words) {
    this.#alarm.textContent = words;
  }

  // The files, all of them uploaded, to go with a message; null, with a word why, when one is not.
  take() {
    const failed = this.#entries.find((entry) => entry.failed);
    if (failed) {
      this.complain(`${failed.file.name} is not uploaded: try again, or remove it.`);
      return null;
    }
    const taken = this.#entries.map(({ file, sent }) => {
      return { name: file.name, media_type: file.type, file: sent.file, url: sent.url };
    });
    this.#entries.forEach((entry) => entry.row.remove());
    this.#entries = [];
    this.complain("");
    this.#changed();
    return taken;
  }

  // Why a file is not taken; null when it is.
  #refuse(file) {
    const { types, largest, most } = this.#rules;
    if (this.#entries.length >= most) return `A message has at most ${most} files. Send these first.`;
    if (!types.some((type) => fits(type, file.type))) {
      return `${file.name} is not taken: this chat takes ${types.join(", ")} only.`;
    }
    if (file.size > largest) return `${file.name} is too large: a file may have ${size(largest)}.`;
    if (file.size === 0) return `${file.name} is empty.`;
    const entry = { file, sent: null, failed: false, stop: new AbortController() };
    entry.progress = element("progress", { max: 1, value: 0, "aria-label": `Uploading ${file.name}` });
    entry.again = element("button", { type: "button", textContent: AGAIN, "aria-label": `Try ${file.name} again`, hidden: true });
    entry.again.addEventListener("click", () => this.#begin(entry));
    const remove = element("button", { type: "button", className: "remove", textContent: "×", "aria-label": `Remove ${file.name}` });
    remove.addEventListener("click", () => this.#remove(entry));
    const name = element("span", { className: "name", textContent: file.name });
    const bytes = element("span", { className: "size", textContent: size(file.size) });
    entry.row = element("li", {}, name, bytes, entry.progress, entry.again, remove);
    this.#entries.push(entry);
    this.#list.append(entry.row);
    this.#begin(entry);
    return null;
  }

  #begin(entry) {
    entry.failed = false;
    entry.progress.hidden = false;
    entry.again.hidden = true;
    this.#changed();
    this.#uploads = this.#uploads.then(() => this.#upload(entry));
  }

  async #upload(entry) {
    if (!this.#entries.includes(entry)) return;
    const told = (share) => { entry.progress.value = share; };
    const unanswered = { ok: false, passing: true, detail: "The connection was lost." };
    const answer = await this.#options.onFile(entry.file, told, entry.stop.signal).catch(() => unanswered);
    if (!this.#entries.includes(entry)) return;
    entry.progress.hidden = true;
    if (answer.ok) entry.sent = answer.body;
    else this.#failed(entry, answer);
    this.#changed();
  }

  // What may work later stays with its reason; what is refused for good goes.
  #failed(entry, { passing, detail }) {
    this.complain(`${entry.file.name} is not uploaded. ${detail}`);
    if (!passing) return this.#drop(entry);
    entry.failed = true;
    entry.again.hidden = false;
  }

  #remove(entry) {
    entry.stop.abort();
    this.complain("");
    this.#drop(entry);
    this.#changed();
    this.#button.focus();
  }

  #drop(entry) {
    this.#entries = this.#entries.filter((other) => other !== entry);
    entry.row.remove();
  }

  #changed() {
    this.#list.hidden = this.isEmpty;
    this.#options.onChange();
  }
}

// Whether a file's type is one that is taken. What is longest to upload is not sent only to be refused.
function fits(taken, type) {
  if (taken.endsWith("/*")) return taken === "*/*" || type.toLowerCase().startsWith(taken.slice(0, -1));
  return taken === type.toLowerCase();
}

// Bytes, for people.
function size(bytes) {
  const units = ["bytes", "KB", "MB", "GB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  return `${Number(bytes.toFixed(bytes < 10 ? 1 : 0))} ${units[unit]}`;
}

function paperclip() {
  const space = "http://www.w3.org/2000/svg";
  const drawn = document.createElementNS(space, "svg");
  const line = document.createElementNS(space, "path");
  drawn.setAttribute("viewBox", "0 0 24 24");
  drawn.setAttribute("aria-hidden", "true");
  line.setAttribute("d", "M19.5 11.5 12 19a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.4l-8 8a1.6 1.6 0 0 1-2.2-2.2l7.3-7.4");
  drawn.append(line);
  return drawn;
}
