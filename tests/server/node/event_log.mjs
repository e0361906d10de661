// Records all events. `until` returns events in order, also those that came before it was called.
export class EventLog {
  #events = [];
  #read = 0;
  #wake = null;

  add(event) {
    this.#events.push(event);
    this.#wake?.();
  }

  // Returns the next event of this type that `matches`; skips the events before it.
  async until(type, matches = () => true) {
    for (;;) {
      while (this.#read < this.#events.length) {
        const event = this.#events[this.#read++];
        if (event.type === type && matches(event)) return event;
      }
      await new Promise((resolve) => (this.#wake = resolve));
    }
  }

  get types() {
    return [...new Set(this.#events.map((event) => event.type))];
  }
}
