// One stream of states for all live jobs of this browser: browsers allow six connections to a host, so not one a job.

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 15000;

export class Stream {
  // `receive(state)` gets each state; `opened()` and `lost()` tell how the connection does.
  constructor({ receive, opened, lost }) {
    Object.assign(this, { receive, opened, lost, source: null, wait: FIRST_WAIT });
  }

  open() {
    if (this.source) return;
    this.source = new EventSource("/events");
    this.source.onopen = () => {
      this.wait = FIRST_WAIT;
      this.opened();
    };
    this.source.onmessage = (event) => this.receive(JSON.parse(event.data));
    this.source.onerror = () => this.again();
  }

  again() {
    this.close();
    this.lost();
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }
}
