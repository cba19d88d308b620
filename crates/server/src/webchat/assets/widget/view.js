// What the person sees. Text from anybody only ever becomes text nodes.

const LINK = /\[([^\]\n]+)\]\(([^()\s]+)\)/g;
const SAFE = new Set(["https:", "http:", "mailto:", "tel:"]);
const NAMES = { person: "You", assistant: "Assistant", notice: "Notice", live_agent: "Support team" };

// Makes an element; `role` and `aria-…` become attributes, all else properties.
function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "role" || key.startsWith("aria-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

class View {
  #options;
  #tray;
  #pictures;
  // The person pressed Send while files were on their way.
  #sendsSoon = false;
  #log = element("div", { className: "log", role: "log", tabIndex: 0, "aria-label": "Messages" });
  #choices = element("div", { className: "choices", role: "group", "aria-label": "Suggested answers", hidden: true });
  #state = element("p", { className: "state", role: "status" });
  #input = element("textarea", { id: "text", rows: 1, maxLength: 32000, placeholder: "Write a message" });
  #panel;
  #launcher = null;
  #unread = 0;
  #waits = false;
  #trouble = "";

  // `options`: title, target (an element to fill; none: a button opens the chat), styles (address),
  // onOpen, onSend(text, files), onSave(url, name), onFile and onPicture as Tray and Pictures want them.
  constructor(options) {
    this.#options = options;
    this.#tray = new Tray({ onFile: options.onFile, onChange: () => this.#uploaded() });
    this.#pictures = new Pictures(options.onPicture, (change) => this.#grow(change));
    this.#panel = this.#build();
    const host = options.target ?? document.body.appendChild(element("div"));
    const root = host.attachShadow({ mode: "open" });
    const styles = element("link", { rel: "stylesheet", href: options.styles });
    // Nothing is shown unstyled, and nothing stays away when the style cannot be had.
    const shell = element("div", { hidden: true }, this.#panel);
    styles.onload = styles.onerror = () => { shell.hidden = false; };
    if (options.target) shell.style.height = "100%";
    else this.#float(shell);
    root.append(styles, shell);
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  open() {
    this.#panel.hidden = false;
    this.#unread = 0;
    this.#label();
    this.#input.focus();
    this.#scroll();
    this.#options.onOpen();
  }

  // Lines of an earlier visit: shown, not read out.
  restore(lines) {
    this.#log.setAttribute("aria-live", "off");
    lines.forEach((line) => this.add(line, true));
    requestAnimationFrame(() => this.#log.setAttribute("aria-live", "polite"));
  }

  add(line, isOld = false) {
    if (this.#find(line.id)) return;
    const who = element("span", { className: "who", textContent: line.name ?? NAMES[line.author] ?? "" });
    const text = element("p", { className: "text" }, ...linked(line.text ?? ""));
    const said = element("div", { className: "said" }, who, text);
    said.classList.add(line.author);
    said.dataset.id = line.id;
    if (line.attachments?.length) said.append(this.#files(line.attachments));
    this.#log.append(said);
    if (line.remark) this.remark(line.id, line.remark);
    const choices = line.quick_replies ?? [];
    // A further line of the assistant leaves its choices standing, anybody else's ends them.
    if (choices.length > 0 || line.author !== "assistant") this.#offer(choices);
    if (!isOld && !this.isOpen) this.#unread += 1;
    this.#label();
    this.#scroll();
  }

  // Says below a line of the person what became of it; nothing: it was sent.
  remark(id, text) {
    const line = this.#find(id);
    line?.querySelector(".remark")?.remove();
    if (line && text) line.append(element("p", { className: "remark", textContent: text }));
  }

  waiting(waits) {
    this.#waits = waits;
    this.#tell();
  }

  // What files the chat takes.
  takesFiles(rules) {
    this.#tray.allow(rules);
  }

  trouble(text) {
    this.#trouble = text;
    this.#tell();
  }

  #tell() {
    const dots = element("span", { className: "dots", textContent: "Waiting for an answer" });
    this.#state.classList.toggle("alarm", this.#trouble !== "");
    const soon = this.#sendsSoon ? "Sending as soon as the files are uploaded…" : "";
    this.#state.replaceChildren(this.#trouble || soon || (this.#waits ? dots : ""));
  }

  #build() {
    const heading = element("h2", { id: "title", textContent: this.#options.title });
    const label = element("label", { htmlFor: "text", textContent: "Your message" });
    const send = element("button", { className: "send", textContent: "Send" });
    const form = element("form", {}, label, this.#tray.button, this.#input, send);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    const header = element("header", {}, heading);
    const below = [this.#choices, this.#state, ...this.#tray.parts, form];
    const panel = element("section", { className: "panel" }, header, this.#log, ...below);
    panel.setAttribute("aria-labelledby", "title");
    this.#letIn(panel);
    return panel;
  }

  // Files are also dropped on the chat, or pasted into the message.
  #letIn(panel) {
    const take = (event, given) => {
      if (given?.files.length > 0 && this.#tray.add(given.files)) event.preventDefault();
    };
    panel.addEventListener("dragover", (event) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
    });
    panel.addEventListener("drop", (event) => take(event, event.dataTransfer));
    this.#input.addEventListener("paste", (event) => take(event, event.clipboardData));
  }

  // A button in the corner opens and closes the chat.
  #float(shell) {
    this.#panel.classList.add("floating");
    this.#panel.hidden = true;
    this.#launcher = element("button", { className: "launcher", type: "button" });
    this.#launcher.addEventListener("click", () => (this.isOpen ? this.#close() : this.open()));
    const close = element("button", { className: "close", type: "button", textContent: "×", "aria-label": "Close chat" });
    close.addEventListener("click", () => this.#close());
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#close();
    });
    this.#panel.querySelector("header").append(close);
    shell.append(this.#launcher);
    this.#label();
  }

  #close() {
    this.#panel.hidden = true;
    this.#label();
    this.#launcher.focus();
  }

  #label() {
    if (!this.#launcher) return;
    this.#launcher.setAttribute("aria-expanded", String(this.isOpen));
    this.#launcher.textContent = this.#unread > 0 ? `Chat (${this.#unread} new)` : "Chat";
  }

  // Sends what is written, with the files, as soon as those are there.
  #submit() {
    const text = this.#input.value;
    if (text.trim() === "" && this.#tray.isEmpty) return;
    this.#sendsSoon = this.#tray.isBusy;
    this.#tell();
    if (this.#sendsSoon) return;
    const files = this.#tray.take();
    if (!files) return;
    this.#input.value = "";
    this.#input.focus();
    this.#options.onSend(text, files);
  }

  // Something became of a file.
  #uploaded() {
    if (this.#sendsSoon && !this.#tray.isBusy) this.#submit();
  }

  #offer(choices) {
    const buttons = choices.map((text) => {
      const button = element("button", { type: "button", textContent: text });
      button.addEventListener("click", () => {
        this.#input.focus();
        this.#options.onSend(text, []);
      });
      return button;
    });
    this.#choices.replaceChildren(...buttons);
    this.#choices.hidden = buttons.length === 0;
  }

  #files(files) {
    return element("ul", { className: "files" }, ...files.map((file) => element("li", {}, this.#file(file))));
  }

  // A link to a file. One on this server asks for the visitor's token, which a plain link cannot send.
  #file({ name, url, media_type: mediaType }) {
    if (!url) return `${name} (not available)`;
    if (!url.startsWith("/")) return link(name, url);
    const made = element("a", { href: url, download: name, textContent: name });
    made.addEventListener("click", (event) => {
      event.preventDefault();
      this.#options.onSave(url, name);
    });
    this.#pictures.add(made, url, mediaType);
    return made;
  }

  #find(id) {
    return [...this.#log.children].find((line) => line.dataset.id === id);
  }

  // Changes a line that may grow, without losing sight of the end.
  #grow(change) {
    const atEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 8;
    change();
    if (atEnd) this.#scroll();
  }

  #scroll() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }
}

// Text with its Markdown links; a link that leads nowhere safe stays text.
function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    parts.push(text.slice(end, match.index), link(match[1], match[2], match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)].filter((part) => part !== "");
}

function link(label, address, otherwise = label) {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (!url || !SAFE.has(url.protocol)) return otherwise;
  return element("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow", textContent: label });
}
