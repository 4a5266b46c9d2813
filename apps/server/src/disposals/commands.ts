/** Carries out logged disposals: the objects that an admitted disposal lists lose their data keys. Idempotent, so a crash half-way is made good. */
import type { Logger } from 'pino';
import {
  DISPOSAL_TYPE,
  MAX_DISPOSAL_LIST_BYTES,
  parseDisposalList,
  StatementError,
} from '@vitrine/statements';
import type { KeysState } from '@vitrine/statements';
import { CentreError } from '../error.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { Door } from '../registration/registration.ts';
import type { Vault } from '../vault/vault.ts';
import { EVERY_PRODUCT, mayDispose, neededByOthers, productsNaming } from './policy.ts';

export interface DisposalDoorOptions {
  readonly read: ReadDb;
  readonly keys: () => KeysState;
  readonly nowMs: () => number;
  /** The products for which each of these objects was sent, released or not. */
  readonly holders: (digests: readonly string[]) => Promise<ReadonlyMap<string, readonly string[]>>;
  /** Products for which any object may have been sent: what was is not known. */
  readonly untold: ReadonlySet<string>;
  /** Resolves when the read models show everything that is registered. */
  readonly caughtUp: () => Promise<void>;
}

/**
 * What a disposal must meet beyond the registration policy: its list came along, is well-formed and as long as it says, and its
 * signers may also speak for every other product whose releases name one of the objects, or for which one was sent. What nobody is
 * known to have is refused like what another product keeps: the answer does not tell which it is.
 */
export function disposalDoor({ read, keys, nowMs, holders, untold, caughtUp }: DisposalDoorOptions): Door {
  return async ({ envelope, statement, pointer }, bodies) => {
    if (statement.predicateType !== DISPOSAL_TYPE) throw new TypeError('a disposal was expected');
    const { objects, product, reason } = statement.predicate;
    const list = bodies.get(objects.list);
    if (list === undefined)
      throw new CentreError(
        'body-missing',
        `The list of objects (${objects.list}) did not come with the disposal.`,
        { pointer },
      );
    if (!bodies.has(reason.digest))
      throw new CentreError('body-missing', `The reason (${reason.digest}) did not come with the disposal.`, {
        pointer,
      });
    const digests = digestsIn(list, pointer);
    if (digests.length !== objects.count)
      throw new CentreError(
        'statement-refused',
        `The list has ${digests.length} objects, the statement says ${objects.count}.`,
        { pointer },
      );
    if (digests.includes(objects.list) || digests.includes(reason.digest))
      throw new CentreError('statement-refused', 'A disposal cannot dispose of its own list or reason.', {
        pointer,
      });
    await caughtUp();
    const signers = envelope.signatures.map(({ keyid }) => keyid);
    const [needed] = await neededByOthers(read, digests);
    if (needed !== undefined)
      throw new CentreError(
        'statement-refused',
        `The object ${needed} is a list that others rely on (the artifacts of a release, or an earlier disposal): it is not disposed of.`,
        { pointer },
      );
    const answers = new Map([[product, true]]);
    const may = (of: string): boolean => {
      const answer = answers.get(of) ?? mayDispose(keys(), signers, of, nowMs());
      answers.set(of, answer);
      return answer;
    };
    const naming = await productsNaming(read, digests);
    const received = await holders(digests);
    for (const digest of digests) {
      const named = [...(naming.get(digest) ?? [])];
      const other = named.find((of) => !may(of));
      if (other !== undefined)
        throw new CentreError(
          'statement-refused',
          `The object ${digest} belongs to ${other} too, and the signers may not have objects of ${other} ended.`,
          { pointer },
        );
      const known = [...named, ...(received.get(digest) ?? [])];
      const owners = known.length === 0 ? [EVERY_PRODUCT] : [...known, ...untold];
      if (!owners.every(may))
        throw new CentreError(
          'statement-refused',
          `The object ${digest} is not known to be of ${product} alone. Keys that are custodians of every product that may have it, or of all (“${EVERY_PRODUCT}”), can have it ended.`,
          { pointer },
        );
    }
  };
}

/** @throws CentreError `statement-refused` */
function digestsIn(list: Uint8Array, pointer: string): readonly string[] {
  try {
    return parseDisposalList(list).digests;
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw new CentreError('statement-refused', cause.message, { cause, pointer });
  }
}

/**
 * Carries out every disposal of the log. Called at start and after each fold; resolves once all that is shown at the call is done, or
 * was tried: one that fails, because its list is gone, holds up no other.
 */
export function createDisposer({
  read,
  vault,
  logger,
}: {
  read: ReadDb;
  vault: Vault;
  logger: Logger;
}): () => Promise<void> {
  const done = new Set<number>();
  let turn: Promise<void> = Promise.resolve();
  async function carryOut(listDigest: string): Promise<number> {
    const { digests } = parseDisposalList(
      await vault.getBytes(listDigest, { maxBytes: MAX_DISPOSAL_LIST_BYTES }),
    );
    for (const digest of digests) await vault.dispose(digest);
    return digests.length;
  }
  async function run(): Promise<void> {
    const rows = await read
      .selectFrom('disposals')
      .select(['leaf_index', 'list_digest'])
      .orderBy('leaf_index')
      .execute();
    for (const { leaf_index: entry, list_digest: list } of rows) {
      if (done.has(entry)) continue;
      try {
        const objects = await carryOut(list);
        done.add(entry);
        logger.info({ entry, objects }, 'disposal carried out');
      } catch (error) {
        logger.error({ err: error, entry }, 'a disposal could not be carried out; it is tried again');
      }
    }
  }
  return () => {
    // Never the run under way: it may have read the table before the newest disposal was in it.
    turn = turn
      .then(run)
      .catch((error: unknown) => logger.error({ err: error }, 'the disposals could not be read'));
    return turn;
  };
}
