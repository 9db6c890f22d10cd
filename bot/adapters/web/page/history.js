// The conversation of this browser, shared by its tabs: lines and job ids in localStorage. Job states are read from the server.

const STORAGE_KEY = "atelier.turns";
// Turns that are kept; older ones are dropped.
const MAX_TURNS = 60;

export class History {
  // `changed()` is called when another tab has written the conversation.
  constructor(changed) {
    this.lastLine = null;
    this.seen = new Set();
    addEventListener("storage", ({ key }) => (key === STORAGE_KEY || key === null) && changed());
  }

  get turns() {
    const turns = read();
    for (const turn of turns) this.seen.add(turn.key);
    return turns;
  }

  // Gives the turn a key. A turn is {line, files}; once answered it has the `id` of its job, or the `state` of an answer without a job.
  add(turn) {
    Object.assign(turn, { key: `${Date.now()}.${Math.random()}`, at: Date.now() });
    this.lastLine = turn.line;
  }

  // Adds or replaces one turn, and leaves the other tabs' turns as they are.
  save(turn) {
    const others = this.turns.filter((each) => each.key !== turn.key);
    write([...others, turn].sort((one, other) => one.at - other.at).slice(-MAX_TURNS));
    this.seen.add(turn.key);
  }

  remove(turn) {
    write(this.turns.filter((each) => each.key !== turn.key));
  }

  // Returns whether another tab has removed the turn. In a full list the oldest turns are dropped, which is not a removal.
  wasRemoved(turn) {
    const { turns } = this;
    return this.seen.has(turn.key) && turns.length < MAX_TURNS && !turns.some((each) => each.key === turn.key);
  }

  clear() {
    localStorage.removeItem(STORAGE_KEY);
  }

  last() {
    return this.lastLine ?? this.turns.at(-1)?.line ?? "";
  }
}

function write(turns) {
  localStorage.setItem(STORAGE_KEY, JSON.stringify(turns));
}

function read() {
  try {
    const turns = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "[]");
    return Array.isArray(turns) ? turns.filter((turn) => turn.key && (turn.id || turn.state)) : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

// Returns whether both turns show the same job or answer.
export const isSameTurn = (one, other) => one.id === other.id && one.state?.text === other.state?.text;
