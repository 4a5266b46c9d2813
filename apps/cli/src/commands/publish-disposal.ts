/** `vitrine publish disposal`: has objects of the vault ended, for a public reason. What is gone is gone. */
import { randomBytes } from 'node:crypto';
import type { ApiClient } from '@vitrine/api';
import {
  disposalStatement,
  formatDisposalList,
  formatStatement,
  payloadDigestOf,
  productName,
  signStatement,
} from '@vitrine/statements';
import { encodeBase64 } from '@vitrine/tlog';
import * as v from 'valibot';
import { connect, patiently, statementsOrigin } from '../centre-connection.ts';
import { confirm, isPerson } from '../confirmation.ts';
import type { AnswerSource } from '../confirmation.ts';
import { lookUp, readObjects } from '../disposal-objects.ts';
import type { DisposalObjectOptions, KnownObject } from '../disposal-objects.ts';
import { checkPromise, fetchStatementEvidence } from '../evidence-source.ts';
import { couldNotRun, refused } from '../failure.ts';
import { policyToHold } from '../policy-option.ts';
import { readReason } from '../reason-option.ts';
import type { ReasonOptions } from '../reason-option.ts';
import { document } from '../release-contents.ts';
import { readSigningKey } from '../signing-key.ts';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';
import { waiting } from '../waiting.ts';

export interface PublishDisposalOptions extends DisposalObjectOptions, ReasonOptions {
  readonly server: string;
  readonly key: string;
  readonly product: string;
  /** Whom the evidence must convince; the centre's own policy where it is not given. */
  readonly policy?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** How many objects are looked up and shown. */
const SHOWN = 50;

/** @param answers asked for confirmation when it is a person @returns the exit code @throws Failure, ApiError */
export async function publishDisposal(
  options: PublishDisposalOptions,
  terminal: Terminal,
  answers: AnswerSource,
): Promise<0> {
  const { product } = options;
  const named = v.safeParse(productName, product);
  if (!named.success) throw couldNotRun(`--product ${product}: ${named.issues[0].message}`);
  const digests = await readObjects(options);
  const reason = document('reason', await readReason(options));
  if (digests.includes(reason.digest)) throw couldNotRun('the reason itself is among the objects');
  const signer = await readSigningKey(options.key, (text) => terminal.note(text));
  const client = connect(options.server);
  const onWait = waiting(terminal);
  const log = await patiently(() => statementsOrigin(client), onWait);
  const policy = await policyToHold(options.policy, client, log, onWait);

  const known = await show(digests, product, client, terminal);
  if (options.yes !== true) {
    if (!isPerson(answers))
      throw couldNotRun('a disposal cannot be undone: give --yes where nobody can be asked');
    await confirm(`End ${count(digests.length)} for good?`, answers, terminal);
  }

  const list = document(
    'list of objects',
    formatDisposalList({ digests: [...digests], salt: randomBytes(32).toString('hex') }),
  );
  const statement = disposalStatement({
    log,
    product,
    objects: { count: digests.length, list: list.digest },
    reason: { digest: reason.digest },
  });
  const digest = payloadDigestOf(formatStatement(statement));
  const envelope = new TextDecoder().decode(await signStatement(statement, [signer]));
  const body = {
    log: 'statements' as const,
    envelopes: [envelope],
    bodies: [encodeBase64(list.bytes), encodeBase64(reason.bytes)],
  };
  const {
    statements: [accepted],
  } = await patiently(() => client.call('registerStatements', { body }), onWait);
  if (accepted?.digest !== digest) throw refused('the centre accepted another statement than the one sent');
  checkPromise(await fetchStatementEvidence(client, digest, onWait), policy, { accepted, digest });
  const pending = await stillHeld(known, client);
  if (pending.length > 0)
    terminal.note(
      `the disposal is registered, but the centre still has ${pending.length} of the artifacts; it carries it out by itself, or says in its own log why it cannot`,
    );
  if (options.json === true)
    terminal.print(
      `${JSON.stringify({ product, disposal: digest, list: list.digest, objects: digests.length, stillHeld: pending, accepted })}\n`,
    );
  else
    terminal.print(
      `${count(digests.length)} of ${product}: disposal registered, entry ${accepted.index}, ${new Date(accepted.registeredAt).toISOString()}\n`,
    );
  return 0;
}

/** Says what will happen. @returns what was looked up */
async function show(
  digests: readonly string[],
  product: string,
  client: ApiClient,
  terminal: Terminal,
): Promise<readonly KnownObject[]> {
  terminal.note(`${count(digests.length)} will be ended, for ${product}:`);
  const known: KnownObject[] = [];
  for (const digest of digests.slice(0, SHOWN)) {
    const object = await lookUp(client, digest, product);
    known.push(object);
    terminal.note(`  ${digest}  ${printable(object.words)}`);
    if (object.otherProducts.length > 0)
      terminal.note(
        printable(`  warning: the product ${object.otherProducts.join(', ')} names it too, and loses it too`),
      );
    if (object.kind === 'body')
      terminal.note('  warning: what names it stands, but nobody will be able to read it here any more');
  }
  if (digests.length > known.length)
    terminal.note(`  and ${digests.length - known.length} more, not looked up`);
  terminal.note(
    'This cannot be undone: their keys are destroyed, in every release that has the same bytes. That it happened, how many, and the reason are public for good; which objects is not. Backups keep them until they are replaced.',
  );
  return known;
}

async function stillHeld(known: readonly KnownObject[], client: ApiClient): Promise<readonly string[]> {
  const held: string[] = [];
  for (const { digest, kind } of known) {
    if (kind !== 'artifact') continue;
    if ((await client.call('artifact', { params: { sha256: digest } })).held) held.push(digest);
  }
  return held;
}

function count(objects: number): string {
  return objects === 1 ? '1 object' : `${objects} objects`;
}
