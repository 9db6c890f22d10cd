// What this browser asked, shared by its tabs: lines and job ids in localStorage. The states of jobs are read from the server again.

const KEY = "atelier.turns";
const KEPT = 60;

export class History {
  // `changed()` hears that another tab wrote.
  constructor(changed) {
    this.newest = null;
    this.seen = new Set();
    addEventListener("storage", ({ key }) => (key === KEY || key === null) && changed());
  }

  get turns() {
    const turns = read();
    for (const turn of turns) this.seen.add(turn.key);
    return turns;
  }

  // A turn is {line, files}, and once it is answered `id` for a job, `state` for an answer that has no job.
  add(turn) {
    Object.assign(turn, { key: `${Date.now()}.${Math.random()}`, at: Date.now() });
    this.newest = turn.line;
  }

  // Each tab writes its own turn into what all of them know.
  save(turn) {
    const others = this.turns.filter((each) => each.key !== turn.key);
    write([...others, turn].sort((one, other) => one.at - other.at).slice(-KEPT));
    this.seen.add(turn.key);
  }

  remove(turn) {
    write(this.turns.filter((each) => each.key !== turn.key));
  }

  // Whether it was written and is so no more; a list that is full lets the oldest go, which nobody asked for.
  forgot(turn) {
    const { turns } = this;
    return this.seen.has(turn.key) && turns.length < KEPT && !turns.some((each) => each.key === turn.key);
  }

  clear() {
    localStorage.removeItem(KEY);
  }

  last() {
    return this.newest ?? this.turns.at(-1)?.line ?? "";
  }
}

function write(turns) {
  localStorage.setItem(KEY, JSON.stringify(turns));
}

function read() {
  try {
    const turns = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(turns) ? turns.filter((turn) => turn.key && (turn.id || turn.state)) : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
