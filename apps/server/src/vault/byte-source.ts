import type { ByteSource } from './vault-contract.ts';

/** A source's bytes in pieces. @throws TypeError when it yields anything but bytes (a stream with an encoding, say) */
export async function* piecesOf(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  if (source instanceof Uint8Array) {
    yield source;
    return;
  }
  for await (const piece of source) {
    // A Readable is typed as yielding bytes whatever it was made with.
    const given: unknown = piece;
    if (!(given instanceof Uint8Array))
      throw new TypeError(`an object's source must yield bytes, not ${typeof given}`);
    yield piece;
  }
}
