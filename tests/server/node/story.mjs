// What has happened so far, and what is still to come: no event is missed, however fast it came.
export class Story {
  #events = [];
  #read = 0;
  #waiting = null;

  add(event) {
    this.#events.push(event);
    this.#waiting?.();
  }

  // The next event of this type that `fits`; what comes before it is passed over.
  async until(type, fits = () => true) {
    for (;;) {
      while (this.#read < this.#events.length) {
        const event = this.#events[this.#read++];
        if (event.type === type && fits(event)) return event;
      }
      await new Promise((resolve) => (this.#waiting = resolve));
    }
  }

  get types() {
    return [...new Set(this.#events.map((event) => event.type))];
  }
}
