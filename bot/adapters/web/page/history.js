// What this browser asked: lines and job ids in localStorage. The states of jobs are read from the server again.

const KEY = "atelier.turns";
const KEPT = 60;

export class History {
  constructor() {
    this.turns = read();
  }

  // A turn is {line, files, id} for a job, {line, files, state} for an answer that has no job.
  add(turn) {
    this.turns.push(turn);
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
    return Array.isArray(turns) ? turns : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
