// Keeps the newest turn in view while it grows, unless the person has scrolled away.

// Space above a turn that is taller than the view, and the distance from the end that still counts as the end.
const MARGIN_PX = 16;
const NEAR_PX = 80;

export class Scroll {
  constructor(log, turns) {
    Object.assign(this, { log, turns, pinned: true, top: 0 });
    log.addEventListener("scroll", () => this.updatePinned());
    const observer = new ResizeObserver(() => this.pinned && this.toEnd());
    observer.observe(turns);
    observer.observe(log);
  }

  // Returns the scroll position of the end, or of the last turn's start if that turn is taller than the view.
  endPosition() {
    const { log, turns } = this;
    const end = log.scrollHeight - log.clientHeight;
    const last = turns.lastElementChild;
    return last ? Math.min(end, last.offsetTop - log.offsetTop - MARGIN_PX) : end;
  }

  // Only scrolling up means that the person is reading something else: growing content moves the end away by itself.
  updatePinned() {
    const { scrollTop } = this.log;
    this.pinned = this.endPosition() - scrollTop < NEAR_PX || (this.pinned && scrollTop >= this.top);
    this.top = scrollTop;
  }

  toEnd() {
    this.pinned = true;
    this.log.scrollTop = this.endPosition();
  }
}
