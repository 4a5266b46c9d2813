/** Public keys as the command line takes them: an SPKI in base64, or a file that holds a public or a private key. */
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { parsePublicKey, parseSpki, StatementError } from '@vitrine/statements';
import type { PublicKey } from '@vitrine/statements';
import { couldNotRun, reasonOf } from './failure.ts';
import { readBounded } from './local-file.ts';

const KEY_FILE_MAX_BYTES = 64 * 1024;
/** The base64 of every Ed25519 SPKI begins so. */
const SPKI_BEGINNING = 'MCowBQYDK2VwAyEA';

export interface ReadKey extends PublicKey {
  /** Whether the file also holds the private half. */
  readonly isPrivate: boolean;
}

/** @param text an SPKI in base64, or the path of a file: PEM ("PUBLIC KEY", "PRIVATE KEY"), or an SPKI in base64 @throws Failure */
export async function readPublicKey(text: string): Promise<ReadKey> {
  if (text.startsWith(SPKI_BEGINNING))
    return { ...parsing(text, () => parsePublicKey(text)), isPrivate: false };
  const bytes = await readBounded(text, KEY_FILE_MAX_BYTES);
  if (bytes.length > KEY_FILE_MAX_BYTES) throw couldNotRun(`${text} is too large to be a key`);
  const content = Buffer.from(bytes).toString('latin1').trim();
  if (content.startsWith(SPKI_BEGINNING))
    return { ...parsing(text, () => parsePublicKey(content)), isPrivate: false };
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(content)?.[1];
  if (label === 'ENCRYPTED PRIVATE KEY')
    throw couldNotRun(
      `${text} is encrypted; take its public key out first: openssl pkey -in ${text} -pubout`,
    );
  if (label !== 'PUBLIC KEY' && label !== 'PRIVATE KEY')
    throw couldNotRun(
      `${text} ${label === undefined ? 'is neither PEM nor an SPKI in base64' : `holds a "${label}"`}; an Ed25519 key is expected ("PUBLIC KEY", "PRIVATE KEY" in PKCS#8, or the SPKI in base64)`,
    );
  const key = readPem(text, content);
  if (key.asymmetricKeyType !== 'ed25519')
    throw couldNotRun(`${text} is a key of type ${key.asymmetricKeyType ?? 'unknown'}; Vitrine uses Ed25519`);
  const spki = new Uint8Array(key.export({ type: 'spki', format: 'der' }));
  return { ...parsing(text, () => parseSpki(spki)), isPrivate: label === 'PRIVATE KEY' };
}

/**
 * The keyid that names a key: itself in hex, or of a key as {@link readPublicKey} takes it. Never a beginning of one: somebody
 * could make a key that begins alike.
 * @throws Failure
 */
export async function readKeyid(text: string): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  if (/^[0-9A-Fa-f]{4,128}$/.test(text))
    throw couldNotRun(`${text} is not a keyid: 64 lower-case hex digits, as vitrine keys list shows them`);
  return (await readPublicKey(text)).keyid;
}

function readPem(file: string, pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw couldNotRun(`${file} is not a readable key: ${reasonOf(cause)}`, cause);
  }
}

function parsing(what: string, parse: () => PublicKey): PublicKey {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw couldNotRun(`${what}: ${cause.message}`, cause);
  }
}
