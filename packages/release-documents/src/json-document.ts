/** JSON from a stranger: bounded in size and depth, and without members that two readers would read differently. */
import { DocumentError, jsonPointer } from './document-error.ts';

/** Largest document, in bytes. */
export const DOCUMENT_MAX_BYTES = 64 * 1024 * 1024;
/** Deepest nesting of arrays and objects. */
export const DOCUMENT_MAX_DEPTH = 128;

/** @throws DocumentError too-large | not-json | too-deep | duplicate-member */
export function parseJsonDocument(bytes: Uint8Array): unknown {
  if (bytes.length > DOCUMENT_MAX_BYTES)
    throw new DocumentError('too-large', `the document is over ${DOCUMENT_MAX_BYTES} bytes`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DocumentError('not-json', 'the document is not UTF-8', '', { cause });
  }
  if (/^\s*</.test(text.slice(0, 100)))
    throw new DocumentError('unknown-format', 'the document is XML; give its JSON form');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DocumentError(
      'not-json',
      `the document is not JSON: ${cause instanceof Error ? cause.message : ''}`,
      '',
      { cause },
    );
  }
  checkNesting(text);
  return value;
}

interface Frame {
  /** The members so far; undefined in an array. */
  readonly members: Set<string> | undefined;
  key: string | number;
  expectsKey: boolean;
}

/** Walks over text that is known to be JSON. */
function checkNesting(text: string): void {
  const frames: Frame[] = [];
  const path = () => jsonPointer(frames.map(({ key }) => key));
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    const frame = frames.at(-1);
    if (character === '{' || character === '[') {
      if (frames.length === DOCUMENT_MAX_DEPTH)
        throw new DocumentError('too-deep', `nested over ${DOCUMENT_MAX_DEPTH} levels`, path());
      const isObject = character === '{';
      frames.push({
        members: isObject ? new Set() : undefined,
        key: isObject ? '' : 0,
        expectsKey: isObject,
      });
    } else if (character === '}' || character === ']') frames.pop();
    else if (character === ',' && frame !== undefined) {
      if (typeof frame.key === 'number') frame.key++;
      else frame.expectsKey = true;
    } else if (character === '"') {
      const start = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++;
      if (frame?.expectsKey !== true) continue;
      const key = String(JSON.parse(text.slice(start, at + 1)));
      frame.key = key;
      frame.expectsKey = false;
      if (frame.members?.has(key) === true)
        throw new DocumentError('duplicate-member', 'the member occurs twice', path());
      frame.members?.add(key);
    }
  }
}
