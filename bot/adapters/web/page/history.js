// What this browser asked: lines and job ids in localStorage. The states of jobs are read from the server again.

const KEY = "atelier.turns";
const KEPT = 60;

export class History {
  constructor() {
    this.turns = read();
  }

  // A turn is {line, files}, and once it is answered `id` for a job, `state` for an answer that has no job.
  add(turn) {
    this.turns.push(turn);
  }

  remove(turn) {
    this.turns = this.turns.filter((each) => each !== turn);
    this.save();
  }

  save() {
    this.turns = this.turns.slice(-KEPT);
    localStorage.setItem(KEY, JSON.stringify(this.turns));
  }

  clear() {
    this.turns = [];
    localStorage.removeItem(KEY);
  }

  last() {
    return this.turns.at(-1)?.line ?? "";
  }
}

function read() {
  try {
    const turns = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(turns) ? turns.filter((turn) => turn.id || turn.state) : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
