// Keeps the newest turn in sight while it grows, unless the person scrolled away from it.

const MARGIN = 16;
const NEAR = 80;

export class Scroll {
  constructor(log, turns) {
    Object.assign(this, { log, turns, pinned: true, top: 0 });
    log.addEventListener("scroll", () => this.moved());
    const grown = new ResizeObserver(() => this.pinned && this.toEnd());
    grown.observe(turns);
    grown.observe(log);
  }

  // The end; but of a turn taller than the view, its start.
  rest() {
    const { log, turns } = this;
    const end = log.scrollHeight - log.clientHeight;
    const last = turns.lastElementChild;
    return last ? Math.min(end, last.offsetTop - log.offsetTop - MARGIN) : end;
  }

  // Only a move upward is the person's wish to look elsewhere: what grows meanwhile moves the end away by itself.
  moved() {
    const { scrollTop } = this.log;
    this.pinned = this.rest() - scrollTop < NEAR || (this.pinned && scrollTop >= this.top);
    this.top = scrollTop;
  }

  toEnd() {
    this.pinned = true;
    this.log.scrollTop = this.rest();
  }
}
