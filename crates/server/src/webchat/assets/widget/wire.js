// Talks to the server: requests, and the stream of events.

// The server says every 15 s that it is still there; a stream silent for longer is dead.
const SILENCE_MS = 45000;

class Wire {
  #server;
  #base;
  #store;

  constructor(server, channel, store) {
    this.#server = server;
    this.#base = `${server}/v1/webchat/${encodeURIComponent(channel)}`;
    this.#store = store;
  }

  // Makes the browser a visitor, once.
  async openSession() {
    if (this.#store.state.token) return;
    const answer = await this.post("/session");
    if (!answer.ok) throw new Error(answer.detail);
    this.#store.change((state) => {
      state.token ??= answer.body.token;
    });
  }

  async post(path, body, key) {
    const headers = this.#headers();
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (key) headers["Idempotency-Key"] = key;
    const response = await fetch(this.#base + path, {
      method: "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
    const document = await response.json().catch(() => ({}));
    return understood(response.status, response.headers.get("Retry-After"), document);
  }

  // What files the chat takes.
  async fileRules() {
    const response = await fetch(`${this.#base}/files`, { credentials: "omit" });
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    return response.json();
  }

  // Sends a file's bytes and tells the share that is sent, which `fetch` cannot.
  upload(file, progress, signal) {
    return new Promise((done, fail) => {
      const request = new XMLHttpRequest();
      request.open("POST", `${this.#base}/files?name=${encodeURIComponent(file.name)}`);
      Object.entries(this.#headers()).forEach(([name, value]) => request.setRequestHeader(name, value));
      request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
      request.responseType = "json";
      request.upload.onprogress = ({ loaded, total }) => progress(total > 0 ? loaded / total : 0);
      request.onload = () => done(understood(request.status, request.getResponseHeader("Retry-After"), request.response ?? {}));
      request.onerror = request.onabort = () => fail(new Error("The connection was lost."));
      signal.addEventListener("abort", () => request.abort());
      request.send(file);
    });
  }

  // A file's bytes, from this server, unless they are more than that.
  async file(url, most = Infinity) {
    const options = { headers: this.#headers(), credentials: "omit" };
    const response = await fetch(this.#server + url, options);
    if (!response.ok) throw new Error("The file is no longer there.");
    if (Number(response.headers.get("Content-Length")) > most) {
      await response.body.cancel();
      throw new Error("The file is too large to be shown.");
    }
    return response.blob();
  }

  // What is to be shown, as it comes, until the connection ends.
  async *events(opened) {
    const control = new AbortController();
    let timer = setTimeout(() => control.abort(), SILENCE_MS);
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => control.abort(), SILENCE_MS);
    };
    try {
      const headers = { ...this.#headers(), Accept: "text/event-stream" };
      headers["Last-Event-ID"] = String(this.#store.state.cursor);
      const options = { headers, credentials: "omit", cache: "no-store", signal: control.signal };
      const response = await fetch(`${this.#base}/events`, options);
      if (!response.ok) throw new Error(`The server answered ${response.status}.`);
      opened();
      yield* readEvents(response.body, alive);
    } finally {
      clearTimeout(timer);
      control.abort();
    }
  }

  #headers() {
    const token = this.#store.state.token;
    return token ? { Authorization: `Bearer ${token}` } : {};
  }
}

// What an answer means, and what it says.
function understood(status, retryAfter, document) {
  return {
    ok: status >= 200 && status < 300,
    // Asking again may help: the fault is not in what was sent.
    passing: status >= 500 || status === 408 || status === 429,
    retryMs: 1000 * (Number(retryAfter) || 0),
    detail: document.detail ?? `The server answered ${status}.`,
    body: document,
  };
}

// Takes server-sent events apart.
async function* readEvents(body, alive) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data:"));
      if (data.length > 0) yield JSON.parse(data.map((line) => line.slice(5)).join("\n"));
    }
  }
}
