// The public bodies that commitments and events name by digest: what people read.

import { explainIssues, formatCanonicalJson, parseCanonicalJson, StatementError } from '@vitrine/statements';
import * as v from 'valibot';
import { CommitmentError } from './error.ts';

/** The largest body accepted, in bytes. */
export const MAX_COMMITMENT_BODY_BYTES = 64 * 1024;

// Read by people: no control characters, and nothing that changes the direction of text.
const line = (max: number) =>
  v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(max),
    v.regex(
      /^[^\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]*$/u,
      'expected one line of plain text',
    ),
    v.check((text) => text.trim() !== '', 'expected some text'),
  );
const paragraphs = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(20_000),
  v.regex(/^(?:[^\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\n)*$/u, 'expected plain text'),
  v.check((text) => text.trim() !== '', 'expected some text'),
);
const sources = v.pipe(
  v.array(
    v.strictObject({
      title: line(300),
      url: v.pipe(
        v.string(),
        v.maxLength(2000),
        v.regex(/^https?:\/\/[^\s\p{Cc}]+$/u, 'expected http(s)://…'),
        v.url('expected an address'),
      ),
    }),
  ),
  v.maxLength(32),
);

const commitmentBody = v.strictObject({
  /** Who promises, as people name them. */
  by: line(200),
  sources,
  /** The promise in the words in which it was made. */
  text: paragraphs,
  title: line(200),
  /** To whom. */
  to: line(200),
});

const eventBody = v.strictObject({ sources, text: paragraphs, title: line(200) });

export type CommitmentBody = v.InferOutput<typeof commitmentBody>;
export type EventBody = v.InferOutput<typeof eventBody>;

/** @throws CommitmentError `malformed-body` */
export function formatCommitmentBody(body: CommitmentBody): Uint8Array {
  return format(body, parseCommitmentBody);
}

/** The inverse of formatCommitmentBody. @throws CommitmentError `malformed-body` (too large, not canonical JSON, not such a body) */
export function parseCommitmentBody(bytes: Uint8Array): CommitmentBody {
  return parse(commitmentBody, 'commitment', bytes);
}

/** @throws CommitmentError `malformed-body` */
export function formatEventBody(body: EventBody): Uint8Array {
  return format(body, parseEventBody);
}

/** The inverse of formatEventBody. @throws CommitmentError `malformed-body` */
export function parseEventBody(bytes: Uint8Array): EventBody {
  return parse(eventBody, 'event', bytes);
}

function format<Body extends CommitmentBody | EventBody>(
  body: Body,
  check: (bytes: Uint8Array) => Body,
): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = formatCanonicalJson(body);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new CommitmentError('malformed-body', cause.message, { cause });
  }
  check(bytes);
  return bytes;
}

function parse<Body>(schema: v.GenericSchema<unknown, Body>, what: string, bytes: Uint8Array): Body {
  try {
    const parsed = v.safeParse(
      schema,
      parseCanonicalJson(bytes, { maxBytes: MAX_COMMITMENT_BODY_BYTES, maxDepth: 3 }),
    );
    if (parsed.success) return parsed.output;
    throw new CommitmentError('malformed-body', `not the body of a ${what}: ${explainIssues(parsed.issues)}`);
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw new CommitmentError('malformed-body', `not the body of a ${what}: ${cause.message}`, { cause });
  }
}
