/** Sends objects to a publication: small ones gathered in streams, several of them under way; large ones by uploads that go on where they stopped. */
import { hash } from 'node:crypto';
import { MISSING_MAX_DIGESTS } from '@vitrine/api';
import type { Visibility } from '@vitrine/api';
import { hasProblem, isTransient } from './centre-connection.ts';
import type { CentreSession } from './centre-connection.ts';
import { couldNotRun, refused } from './failure.ts';
import type { Failure } from './failure.ts';

/** Objects up to this size, in bytes, travel in streams. */
export const SMALL_OBJECT_MAX_BYTES = 1024 * 1024;
const STREAM_BYTES = 8 * 1024 * 1024;
const STREAMS_UNDER_WAY = 3;
/** An upload that does not advance in this many attempts is given up. */
const UPLOAD_ATTEMPTS = 5;
const goOnCodes = ['unauthenticated', 'session-expired', 'upload-offset-mismatch'];

/** Bytes of an object; `open` gives those from an offset on, as often as it is called. */
export interface SendableObject {
  /** What it is, for messages: a path or a name. */
  readonly label: string;
  /** Hex SHA-256. */
  readonly digest: string;
  readonly sizeBytes: number;
  open(fromByte: number): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** Those of the digests whose objects must be sent. */
export async function missingObjects(
  session: CentreSession,
  publication: string,
  visibility: Visibility,
  asked: ReadonlySet<string>,
): Promise<Set<string>> {
  const all = [...asked];
  const missing = new Set<string>();
  for (let at = 0; at < all.length; at += MISSING_MAX_DIGESTS) {
    const some = all.slice(at, at + MISSING_MAX_DIGESTS);
    const answer = await session.run((token) =>
      session.client.call('missingObjects', {
        token,
        params: { id: publication },
        body: { visibility, digests: some },
      }),
    );
    for (const digest of answer.missing) if (asked.has(digest)) missing.add(digest);
  }
  return missing;
}

export class ObjectSender {
  readonly #session: CentreSession;
  readonly #publication: string;
  readonly #visibility: Visibility;
  readonly #onSent: (bytes: number) => void;
  #frames: Uint8Array[] = [];
  #framesBytes = 0;
  readonly #underWay = new Set<Promise<void>>();
  #failed: { reason: unknown } | undefined;

  /**
   * @param visibility of all that it sends
   * @param onSent told how many bytes of objects the server has, when it has them
   */
  constructor(
    session: CentreSession,
    publication: string,
    visibility: Visibility,
    onSent: (bytes: number) => void,
  ) {
    this.#session = session;
    this.#publication = publication;
    this.#visibility = visibility;
    this.#onSent = onSent;
  }

  /** Sends an object by the way that its size asks for. @throws Failure when it is no longer what its digest says */
  async send(object: SendableObject): Promise<void> {
    if (object.sizeBytes > SMALL_OBJECT_MAX_BYTES) return this.sendLarge(object);
    const chunks: Uint8Array[] = [];
    for await (const chunk of object.open(0)) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    if (hash('sha256', bytes, 'hex') !== object.digest) throw changed(object.label);
    await this.sendSmall(bytes);
  }

  /** Takes a small object along in the next stream; waits while enough streams are under way. */
  async sendSmall(bytes: Uint8Array): Promise<void> {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    this.#frames.push(length, bytes);
    this.#framesBytes += 4 + bytes.length;
    if (this.#framesBytes >= STREAM_BYTES) await this.#startStream();
  }

  /** Sends a large object, from where the server has it. @throws Failure when it cannot be stored */
  async sendLarge(object: SendableObject): Promise<void> {
    const { digest, sizeBytes, label } = object;
    const address = { params: { id: this.#publication, sha256: digest } };
    const { client } = this.#session;
    const visibility = this.#visibility;
    let counted = 0;
    const report = (offset: number) => {
      if (offset > counted) this.#onSent(offset - counted);
      counted = Math.max(counted, offset);
    };
    let furthest = -1;
    for (let attempt = 1; attempt <= UPLOAD_ATTEMPTS; attempt++) {
      const { offsetBytes, complete } = await this.#session.run((token) =>
        client.call('upload', { token, ...address, query: { visibility, sizeBytes } }),
      );
      report(offsetBytes);
      if (complete) return;
      if (offsetBytes > furthest) attempt = 1;
      furthest = offsetBytes;
      const content = new WatchedContent(object.open(offsetBytes), (bytes) => report(offsetBytes + bytes));
      try {
        const body = streamOf(content.chunks());
        await this.#session.once((token) =>
          client.call('continueUpload', {
            token,
            ...address,
            query: { visibility, sizeBytes, offsetBytes },
            body,
          }),
        );
        // Whether it is complete, the next turn asks.
      } catch (thrown) {
        if (hasProblem(thrown, 'digest-mismatch')) throw changed(label, thrown);
        if (content.failure !== undefined) throw content.failure.reason;
        // The body is spent: how much of it the server has decides where to go on.
        if (!isTransient(thrown) && !hasProblem(thrown, ...goOnCodes)) throw thrown;
      }
    }
    throw couldNotRun(`${label} could not be uploaded: it does not advance past byte ${furthest}`);
  }

  /** Waits until everything has been stored. */
  async finish(): Promise<void> {
    await this.#startStream();
    await Promise.all(this.#underWay);
    this.#throwIfFailed();
  }

  async #startStream(): Promise<void> {
    while (this.#underWay.size >= STREAMS_UNDER_WAY) await Promise.race(this.#underWay);
    this.#throwIfFailed();
    if (this.#frames.length === 0) return;
    const body = Buffer.concat(this.#frames, this.#framesBytes);
    const objects = this.#frames.length / 2;
    this.#frames = [];
    this.#framesBytes = 0;
    const stream = this.#sendStream(body, objects)
      .catch((reason: unknown) => {
        this.#failed ??= { reason };
      })
      .finally(() => this.#underWay.delete(stream));
    this.#underWay.add(stream);
  }

  async #sendStream(body: Uint8Array<ArrayBuffer>, objects: number): Promise<void> {
    const answer = await this.#session.run((token) =>
      this.#session.client.call('putObjects', {
        token,
        params: { id: this.#publication },
        query: { visibility: this.#visibility },
        body: streamOf([body]),
      }),
    );
    if (answer.objects !== objects)
      throw refused(`the server stored ${answer.objects} of ${objects} objects; publish again`);
    this.#onSent(body.length - 4 * objects);
  }

  #throwIfFailed(): void {
    if (this.#failed !== undefined) throw this.#failed.reason;
  }
}

function changed(label: string, cause?: unknown): Failure {
  return refused(`${label} changed while it was uploaded; publish again when it is at rest`, cause);
}

function streamOf(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks);
}

/** Counts what goes out, and keeps why it could not be read, which a failed request does not tell. */
class WatchedContent {
  failure: { readonly reason: unknown } | undefined;
  readonly #content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  readonly #onBytes: (bytes: number) => void;

  constructor(content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void) {
    this.#content = content;
    this.#onBytes = onBytes;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    try {
      for await (const chunk of this.#content) {
        yield chunk;
        bytes += chunk.length;
        this.#onBytes(bytes);
      }
    } catch (reason) {
      this.failure = { reason };
      throw reason;
    }
  }
}
