/** Reads a stream of objects: each its length (u32, big-endian) and its bytes. */
import type { Readable } from 'node:stream';
import { OBJECT_FRAME_MAX_BYTES } from '@vitrine/api';
import { CentreError } from '../error.ts';

/** Yields each object's bytes. @throws CentreError `invalid-request` for an object over the limit or a stream that ends inside one */
export async function* readObjects(stream: Readable): AsyncGenerator<{ readonly bytes: Uint8Array }> {
  let held: Buffer = Buffer.alloc(0);
  let count = 0;
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('an object stream must be binary');
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    let offset = 0;
    while (held.length - offset >= 4) {
      const length = held.readUInt32BE(offset);
      if (length > OBJECT_FRAME_MAX_BYTES) {
        throw new CentreError(
          'invalid-request',
          `Object ${count} of the stream has ${length} bytes; over ${OBJECT_FRAME_MAX_BYTES} an object goes through an upload.`,
          { pointer: `/body/${count}` },
        );
      }
      if (held.length - offset - 4 < length) break;
      // A view: the vault hashes and encrypts before it asks for the next.
      yield { bytes: held.subarray(offset + 4, offset + 4 + length) };
      offset += 4 + length;
      count += 1;
    }
    held = held.subarray(offset);
  }
  if (held.length > 0)
    throw new CentreError('invalid-request', `The stream ends inside object ${count}.`, {
      pointer: `/body/${count}`,
    });
}
