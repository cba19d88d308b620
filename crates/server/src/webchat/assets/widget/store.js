// What the browser keeps, so that a reload shows the chat again.
//
// A line from the server has the id "s" and its place, a line of the person the key under which it
// is sent. Several tabs share one copy: every change begins with what is stored at that moment.

const MOST_LINES = 500;

function emptyState() {
  return { token: null, cursor: 0, acknowledged: 0, lines: [], outbox: [] };
}

class Store {
  #name;
  // Set once the browser refuses to keep anything: from then on this page alone knows.
  #memory = null;

  constructor(name) {
    this.#name = name;
  }

  get name() {
    return this.#name;
  }

  get state() {
    if (this.#memory) return this.#memory;
    let text = null;
    try {
      text = localStorage.getItem(this.#name);
    } catch {
      return (this.#memory = emptyState());
    }
    try {
      return { ...emptyState(), ...JSON.parse(text ?? "{}") };
    } catch {
      return emptyState();
    }
  }

  change(edit) {
    const state = this.state;
    edit(state);
    state.lines = state.lines.slice(-MOST_LINES);
    if (this.#memory) return;
    try {
      localStorage.setItem(this.#name, JSON.stringify(state));
    } catch {
      this.#memory = state;
    }
  }

  // Adds a line unless it is there; says whether it was new.
  addLine(line) {
    let isNew = false;
    this.change((state) => {
      isNew = !state.lines.some((known) => known.id === line.id);
      if (isNew) state.lines.push(line);
      if (line.seq) state.cursor = Math.max(state.cursor, line.seq);
    });
    return isNew;
  }

  // Sets what is remarked below a line of the person: why it was not sent.
  remark(id, remark) {
    this.change((state) => {
      const line = state.lines.find((known) => known.id === id);
      if (line) line.remark = remark;
    });
  }

  dequeue(key) {
    this.change((state) => {
      state.outbox = state.outbox.filter((item) => item.key !== key);
    });
  }
}
