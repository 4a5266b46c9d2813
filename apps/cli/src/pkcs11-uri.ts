/** Where a key lies on a PKCS#11 token: the URIs of RFC 7512, as far as they name one private key. */
import { couldNotRun } from './failure.ts';

export interface Pkcs11Key {
  /** Label of the token. */
  readonly token: string;
  /** Label of the key; this, or the id, or both. */
  readonly object?: string;
  /** Of the key, in hex. */
  readonly id?: string;
  /** The library that speaks to the token. */
  readonly modulePath: string;
  /** A file that holds the PIN. */
  readonly pinFile?: string;
}

const MAX_LENGTH = 2048;

export function isPkcs11Uri(text: string): boolean {
  return text.startsWith('pkcs11:');
}

/** @throws Failure that says what the URI lacks, or says too much: a PIN never stands in it */
export function parsePkcs11Uri(uri: string): Pkcs11Key {
  if (!isPkcs11Uri(uri) || uri.length > MAX_LENGTH) throw couldNotRun('that is no pkcs11: URI');
  const [path = '', query = '', ...more] = uri.slice('pkcs11:'.length).split('?');
  if (more.length > 0) throw couldNotRun('a pkcs11: URI has one question mark at most (RFC 7512, 2.3)');
  const places = attributesOf(path, ';');
  const ways = attributesOf(query, '&');
  if (ways.has('pin-value'))
    throw couldNotRun(
      'the PIN does not belong on the command line, where others on this machine read it: leave pin-value out and give --pin-file FILE, or type it when asked',
    );
  known(places, ['id', 'object', 'token', 'type']);
  known(ways, ['module-path', 'pin-source']);
  if ((places.get('type') ?? 'private') !== 'private') throw couldNotRun('a private key signs: type=private');
  const token = textOf(places, 'token');
  const modulePath = textOf(ways, 'module-path');
  const object = textOf(places, 'object');
  const id = places.get('id');
  if (token === undefined) throw couldNotRun('the pkcs11: URI does not say which token: token=LABEL');
  if (object === undefined && id === undefined)
    throw couldNotRun('the pkcs11: URI does not say which key: object=LABEL or id=%HH…');
  if (modulePath === undefined)
    throw couldNotRun(
      'the pkcs11: URI does not say which library speaks to the token: …?module-path=/usr/lib/softhsm/libsofthsm2.so, for example',
    );
  if (!modulePath.startsWith('/')) throw couldNotRun('module-path is an absolute path (RFC 7512, 2.4)');
  const pinFile = textOf(ways, 'pin-source')?.replace(/^file:(?:\/\/(?=\/))?/, '');
  return {
    token,
    modulePath,
    ...(object === undefined ? {} : { object }),
    ...(id === undefined ? {} : { id: hexOf(id) }),
    ...(pinFile === undefined ? {} : { pinFile }),
  };
}

/** The URI of the private key alone, as OpenSSL's provider takes it. */
export function formatPkcs11Uri({ id, object, token }: Pkcs11Key): string {
  return [
    `pkcs11:token=${encodeURIComponent(token)}`,
    ...(object === undefined ? [] : [`object=${encodeURIComponent(object)}`]),
    ...(id === undefined ? [] : [`id=${id.replace(/../g, '%$&')}`]),
    'type=private',
  ].join(';');
}

/** Values as they stand, percent-encoded. */
function attributesOf(text: string, separator: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of text === '' ? [] : text.split(separator)) {
    const [, name = '', value = ''] = /^([a-z0-9-]+)=((?:[^%\s]|%[0-9A-Fa-f]{2})*)$/.exec(part) ?? [];
    if (name === '') throw couldNotRun(`“${part}” has no place in a pkcs11: URI: NAME=VALUE is expected`);
    if (found.has(name)) throw couldNotRun(`the pkcs11: URI says ${name} twice`);
    found.set(name, value);
  }
  return found;
}

function known(attributes: ReadonlyMap<string, string>, names: readonly string[]): void {
  const other = [...attributes.keys()].find((name) => !names.includes(name));
  if (other !== undefined)
    throw couldNotRun(
      `the pkcs11: URI names the key by ${other}, which is not supported here; by ${names.join(', ')} it is`,
    );
}

function textOf(attributes: ReadonlyMap<string, string>, name: string): string | undefined {
  const value = attributes.get(name);
  if (value === undefined) return undefined;
  const text = new TextDecoder().decode(bytesOf(value));
  // A NUL or a line end would be something else for the program that is started with it.
  if (text === '' || /[\p{Cc}\ufffd]/u.test(text)) throw couldNotRun(`${name} of the pkcs11: URI is no text`);
  return text;
}

function hexOf(value: string): string {
  const hex = Buffer.from(bytesOf(value)).toString('hex');
  if (hex === '') throw couldNotRun('id of the pkcs11: URI is empty');
  return hex;
}

function bytesOf(value: string): Uint8Array {
  return Buffer.concat(
    (value.match(/%..|[^%]+/gu) ?? []).map((part) =>
      part.startsWith('%') ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part),
    ),
  );
}
