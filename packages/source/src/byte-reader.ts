/** Pulls exact numbers of bytes out of a stream of chunks. */

/** The stream ended before what was asked for. */
export class UnexpectedEnd extends Error {
  override readonly name = 'UnexpectedEnd';
}

export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Ends the stream beneath, also in its middle. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** Whether nothing is left. */
  async atEnd(): Promise<boolean> {
    while (this.#at === this.#chunk.length) {
      const next = await this.#chunks.next();
      if (next.done === true) return true;
      this.#chunk = next.value;
      this.#at = 0;
    }
    return false;
  }

  /** At least one and at most `maxBytes` bytes, without a copy. @throws UnexpectedEnd */
  async some(maxBytes: number): Promise<Uint8Array> {
    if (this.#at === this.#chunk.length && (await this.atEnd())) throw new UnexpectedEnd();
    const end = Math.min(this.#chunk.length, this.#at + maxBytes);
    const part = this.#chunk.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  /** Exactly `bytes` bytes. @throws UnexpectedEnd */
  async exactly(bytes: number): Promise<Uint8Array> {
    if (bytes === 0) return new Uint8Array(0);
    const first = await this.some(bytes);
    if (first.length === bytes) return first;
    const whole = new Uint8Array(bytes);
    whole.set(first);
    for (let filled = first.length; filled < bytes; ) {
      const part = await this.some(bytes - filled);
      whole.set(part, filled);
      filled += part.length;
    }
    return whole;
  }

  /** Everything up to and without the byte `end`, which is passed over. @throws UnexpectedEnd @throws RangeError over `maxBytes` */
  async until(end: number, maxBytes: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let length = 0; ; ) {
      if (this.#at === this.#chunk.length && (await this.atEnd())) throw new UnexpectedEnd();
      const found = this.#chunk.indexOf(end, this.#at);
      const part = this.#chunk.subarray(this.#at, found < 0 ? this.#chunk.length : found);
      length += part.length;
      if (length > maxBytes) throw new RangeError(`no end within ${maxBytes} bytes`);
      this.#at = found < 0 ? this.#chunk.length : found + 1;
      parts.push(part);
      if (found >= 0) return parts.length === 1 ? part : Buffer.concat(parts);
    }
  }

  /** Passes over `bytes` bytes. @throws UnexpectedEnd */
  async skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0; ) left -= (await this.some(left)).length;
  }
}
