// Brings store, wire and view together: what the person writes goes out, what comes in is shown.
//
// <script src="https://server/webchat/widget.js" data-channel="…" data-title="…" data-target="…" defer>
// Without data-target, the id of an element to fill, a button in the corner opens the chat.

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;
// Attempts for one file; after that the person decides.
const UPLOADS = 4;

class Chat {
  #store;
  #wire;
  #view;
  #started = false;
  #follows = false;
  #sends = false;
  #acknowledges = false;

  constructor(script) {
    const source = new URL(script.src);
    const server = source.origin + source.pathname.replace(/\/webchat\/widget\.js$/, "");
    const channel = script.dataset.channel ?? "";
    const target = script.dataset.target ? document.getElementById(script.dataset.target) : null;
    this.#store = new Store(`handoff-chat ${server} ${channel}`);
    this.#wire = new Wire(server, channel, this.#store);
    this.#view = new View({
      title: script.dataset.title ?? "Chat",
      target,
      styles: `${server}/webchat/widget.css`,
      onOpen: () => this.#open(),
      onSend: (text, files) => this.#say(text, files),
      onSave: (url, name) => this.#save(url, name),
      onFile: (file, progress, signal) => this.#upload(file, progress, signal),
      onPicture: (url, most) => this.#wire.file(url, most),
    });
    this.#view.restore(this.#store.state.lines);
    addEventListener("storage", (event) => this.#otherTab(event));
    if (target) this.#open();
    else if (this.#store.state.token) this.#follow();
  }

  #open() {
    if (!this.#started) this.#send();
    // Without an answer there is no button, until the chat is opened again.
    this.#wire.fileRules().then((rules) => this.#view.takesFiles(rules), () => {});
  }

  // `files` are uploaded: the server's names for them go out, and what they are called is shown.
  #say(text, files) {
    const key = newKey();
    const attachments = files.map(({ name, url, media_type }) => ({ name, url, media_type }));
    const line = { id: key, author: "person", text, attachments };
    this.#store.addLine(line);
    this.#store.change((state) => state.outbox.push({ key, text, files: files.map(({ file }) => file) }));
    this.#view.add(line);
    this.#send();
  }

  // Sends what waits, one by one, until nothing is left. A message keeps its key, so that one whose
  // answer was lost is not said twice.
  async #send() {
    if (this.#sends) return;
    this.#sends = true;
    let pause = FIRST_PAUSE_MS;
    while (!this.#started || this.#store.state.outbox.length > 0) {
      const wait = await this.#sendNext().catch(() => 0);
      if (wait === null) {
        pause = FIRST_PAUSE_MS;
        continue;
      }
      this.#view.trouble("Not sent yet. Trying again…");
      await soon(Math.max(wait, pause));
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
    this.#view.waiting(false);
    this.#sends = false;
  }

  // Sends one thing; gives how long to wait when it must be sent again, null when it need not.
  async #sendNext() {
    await this.#wire.openSession();
    this.#follow();
    if (!this.#started) {
      const answer = await this.#wire.post("/start", { person: { language: navigator.language } });
      if (answer.passing) return answer.retryMs;
      this.#started = true;
      this.#view.trouble(answer.ok ? "" : answer.detail);
      return null;
    }
    const [next] = this.#store.state.outbox;
    this.#view.trouble("");
    this.#view.waiting(true);
    const answer = await this.#wire.post("/messages", { text: next.text, files: next.files ?? [] }, next.key);
    if (answer.passing) return answer.retryMs;
    this.#store.dequeue(next.key);
    this.#view.waiting(false);
    if (!answer.ok) this.#remark(next.key, `Not sent: ${answer.detail}`);
    return null;
  }

  #remark(key, text) {
    this.#store.remark(key, text);
    this.#view.remark(key, text);
  }

  // Shows what comes, and comes back when the connection breaks, from where it was.
  async #follow() {
    if (this.#follows) return;
    this.#follows = true;
    let pause = FIRST_PAUSE_MS;
    for (;;) {
      const opened = () => {
        pause = FIRST_PAUSE_MS;
        this.#view.trouble("");
        this.#acknowledge();
      };
      try {
        for await (const event of this.#wire.events(opened)) this.#receive(event);
      } catch {
        this.#view.trouble("The connection was lost. Trying again…");
      }
      await soon(pause * (0.5 + Math.random() / 2));
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }

  #receive(event) {
    const line = { ...event, id: `s${event.seq}` };
    if (this.#store.addLine(line)) this.#view.add(line);
    this.#acknowledge();
  }

  // Tells the server up to where this browser keeps everything.
  async #acknowledge() {
    if (this.#acknowledges) return;
    this.#acknowledges = true;
    try {
      for (;;) {
        const { cursor, acknowledged } = this.#store.state;
        if (cursor <= acknowledged) break;
        const answer = await this.#wire.post("/ack", { cursor });
        if (!answer.ok) break;
        this.#store.change((state) => {
          state.acknowledged = Math.max(state.acknowledged, cursor);
        });
      }
    } catch {
      // The next event, or the next connection, brings another chance.
    }
    this.#acknowledges = false;
  }

  // Uploads a file; a server that is busy for a moment is asked again.
  async #upload(file, progress, signal) {
    await this.#wire.openSession();
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#wire.upload(file, progress, signal);
      const later = answer.passing && answer.retryMs <= LONGEST_PAUSE_MS && attempt < UPLOADS;
      if (!later || signal.aborted) return answer;
      await soon(Math.max(answer.retryMs, FIRST_PAUSE_MS));
    }
  }

  async #save(url, name) {
    try {
      const address = URL.createObjectURL(await this.#wire.file(url));
      element("a", { href: address, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(address), LONGEST_PAUSE_MS);
    } catch (error) {
      this.#view.trouble(error.message);
    }
  }

  // Another tab changed the copy that both share.
  #otherTab(event) {
    if (event.key !== this.#store.name) return;
    this.#store.state.lines.forEach((line) => {
      this.#view.add(line);
      this.#view.remark(line.id, line.remark);
    });
  }
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Ends after a while, or at once when the browser is online again.
function soon(wait) {
  return new Promise((done) => {
    setTimeout(done, wait);
    addEventListener("online", done, { once: true });
  });
}

new Chat(document.currentScript);
