/** The objects that a disposal ends: named by the operator, and what the centre says in public of each. */
import type { ApiClient } from '@vitrine/api';
import { hasProblem } from './centre-connection.ts';
import { couldNotRun } from './failure.ts';
import { readText } from './release-contents.ts';

export interface DisposalObjectOptions {
  readonly object?: readonly string[];
  readonly objectList?: string;
}

/** What one statement may list, so that the list fits into a request. */
const MAX_OBJECTS = 20_000;
const LIST_MAX_BYTES = 16 * 1024 * 1024;

/** Hex SHA-256 of each object, sorted, each once. @throws Failure */
export async function readObjects({
  object = [],
  objectList,
}: DisposalObjectOptions): Promise<readonly string[]> {
  const digests = new Set(object.map((text) => digestIn(text, '--object')));
  if (objectList !== undefined) {
    const text = new TextDecoder().decode(await readText(objectList, LIST_MAX_BYTES));
    for (const [at, line] of text.split('\n').entries()) {
      const [first = ''] = line.trim().split(/\s+/);
      if (first !== '' && !first.startsWith('#'))
        digests.add(digestIn(first, `${objectList} line ${at + 1}`));
    }
  }
  if (digests.size === 0)
    throw couldNotRun('name the objects: --object SHA256…, or --object-list FILE with one a line');
  if (digests.size > MAX_OBJECTS)
    throw couldNotRun(`${digests.size} objects: one disposal takes ${MAX_OBJECTS}; divide the list`);
  return [...digests].sort();
}

function digestIn(text: string, where: string): string {
  if (!/^[0-9a-f]{64}$/.test(text))
    throw couldNotRun(`${where}: “${text}” is not a SHA-256 as 64 lower-case hex digits`);
  return text;
}

/** What an object is known to be. Source files are secret: of those a centre says nothing. */
export interface KnownObject {
  readonly digest: string;
  readonly words: string;
  /** Products besides the disposal's whose releases name it. */
  readonly otherProducts: readonly string[];
  readonly kind: 'artifact' | 'body' | 'not-public';
  /** Of artifacts: whether the centre still has the bytes. */
  readonly held?: boolean;
}

/** @throws ApiError */
export async function lookUp(client: ApiClient, digest: string, product: string): Promise<KnownObject> {
  try {
    const { namedBy, held } = await client.call('artifact', { params: { sha256: digest } });
    const names = namedBy.map((naming) => `${naming.name} of ${naming.product} ${naming.version}`);
    const otherProducts = [...new Set(namedBy.map((naming) => naming.product))].filter(
      (name) => name !== product,
    );
    return {
      digest,
      kind: 'artifact',
      held,
      otherProducts,
      words: `artifact ${names.join(', ')}${held ? '' : ' (not held any more)'}`,
    };
  } catch (thrown) {
    if (!hasProblem(thrown, 'not-found')) throw thrown;
  }
  return (await isPublicBody(client, digest))
    ? {
        digest,
        kind: 'body',
        otherProducts: [],
        words: 'a public body that a statement names (notes, reason, SBOM, provenance)',
      }
    : {
        digest,
        kind: 'not-public',
        otherProducts: [],
        words: 'nothing public: a source file, a manifest, or nothing that the centre has',
      };
}

async function isPublicBody(client: ApiClient, digest: string): Promise<boolean> {
  try {
    const response = await client.call('body', { params: { sha256: digest } });
    await response.body?.cancel();
    return true;
  } catch (thrown) {
    if (hasProblem(thrown, 'not-found', 'object-disposed')) return false;
    throw thrown;
  }
}
