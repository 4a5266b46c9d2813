/** Callers who wait until a log has grown, in some sense, past an index; they are told, they do not ask. */
export class Waiters<T> {
  #waiting: { readonly leafIndex: number; resolve(value: T): void; reject(error: Error): void }[] = [];

  wait(leafIndex: number): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ leafIndex, resolve, reject });
    });
  }

  /** Tells everyone who waits for an index below `size`. */
  reached(size: number, value: T): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ leafIndex }) => leafIndex >= size);
    for (const waiter of waiting) if (waiter.leafIndex < size) waiter.resolve(value);
  }

  rejectAll(error: Error): void {
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
  }
}
