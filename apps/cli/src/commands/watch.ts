/** `vitrine watch`: has a centre tell an address of what it publishes, and looks after that. */
import type { Watch, Watched } from '@vitrine/api';
import { DigestSchema, ProductNameSchema, WatchIdSchema, WatchSecretSchema } from '@vitrine/api';
import * as v from 'valibot';
import { connect, patiently } from '../centre-connection.ts';
import { couldNotRun } from '../failure.ts';
import { readBounded } from '../local-file.ts';
import { createFile } from '../new-file.ts';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';
import { waiting } from '../waiting.ts';

export interface WatchAddOptions {
  readonly server: string;
  readonly url: string;
  readonly keyid?: string;
  readonly product?: string;
  readonly promises?: boolean;
  /** Where the secret goes instead of standard output. */
  readonly secretOut?: string;
  readonly json?: boolean;
}

export interface WatchOptions {
  readonly server: string;
  readonly id: string;
  readonly secretFile: string;
  readonly json?: boolean;
}

const MAX_SECRET_BYTES = 1_024;

/** @returns the exit code @throws Failure, ApiError */
export async function watchAdd(options: WatchAddOptions, terminal: Terminal): Promise<0> {
  const client = connect(options.server);
  // Asked once: a repetition would be another watch.
  const { expiresAt, id, secret, state } = await client.call('addWatch', {
    body: { url: options.url, watch: watchedBy(options) },
  });
  const { secretOut } = options;
  if (secretOut !== undefined) {
    try {
      await createFile(secretOut, new TextEncoder().encode(`${secret}\n`), 0o600);
    } catch (error) {
      // Nobody could look after it.
      await client.call('removeWatch', { params: { id }, token: secret });
      throw error;
    }
  }
  const told = secretOut === undefined ? { id, secret } : { id };
  if (options.json === true) {
    terminal.print(`${JSON.stringify({ ...told, state, expiresAt })}\n`);
    return 0;
  }
  terminal.print(
    Object.entries(told)
      .map(([name, value]) => `${name.padEnd(7)} ${value}\n`)
      .join(''),
  );
  terminal.note(
    `The centre challenges ${printable(options.url)} now; unless it answers by ${new Date(expiresAt).toISOString()}, the watch is forgotten. Keep the secret: it is not told again.`,
  );
  return 0;
}

/** @throws Failure unless one thing is to be watched */
function watchedBy({ keyid, product, promises }: WatchAddOptions): Watched {
  const [watched, ...others]: Watched[] = [
    ...(keyid === undefined ? [] : [{ keyid: option(DigestSchema, keyid, '--keyid') }]),
    ...(product === undefined ? [] : [{ product: option(ProductNameSchema, product, '--product') }]),
    ...(promises === true ? [{ promises } as const] : []),
  ];
  if (watched === undefined || others.length > 0)
    throw couldNotRun('one of --keyid, --product and --promises must be given');
  return watched;
}

/** @returns the exit code: 1 unless the watch is active @throws Failure, ApiError */
export async function watchShow(options: WatchOptions, terminal: Terminal): Promise<0 | 1> {
  const { client, ...call } = await opened(options);
  const watch = await patiently(() => client.call('watch', call), waiting(terminal), 'busy');
  return say(watch, options, terminal);
}

/** Has the address challenged again. @returns the exit code: 1 unless it answered @throws Failure, ApiError */
export async function watchConfirm(options: WatchOptions, terminal: Terminal): Promise<0 | 1> {
  const { client, ...call } = await opened(options);
  return say(await client.call('confirmWatch', { ...call, body: {} }), options, terminal);
}

/** @returns the exit code @throws Failure, ApiError */
export async function watchRemove(options: WatchOptions, terminal: Terminal): Promise<0> {
  const { client, ...call } = await opened(options);
  const removed = await patiently(() => client.call('removeWatch', call), waiting(terminal), 'busy');
  terminal.print(options.json === true ? `${JSON.stringify(removed)}\n` : `removed ${removed.id}\n`);
  return 0;
}

async function opened({ id, secretFile, server }: WatchOptions) {
  const text = new TextDecoder().decode(await readBounded(secretFile, MAX_SECRET_BYTES)).trim();
  return {
    client: connect(server),
    params: { id: option(WatchIdSchema, id, '--id') },
    token: option(WatchSecretSchema, text, '--secret-file'),
  };
}

/** @throws Failure naming the option; what a secret looks like is not repeated */
function option<S extends v.GenericSchema>(schema: S, value: string, name: string): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) throw couldNotRun(`${name}: ${parsed.issues[0].message} is expected`);
  return parsed.output;
}

function say(watch: Watch, { json }: WatchOptions, terminal: Terminal): 0 | 1 {
  const { expiresAt, failure, id, lastDelivery, state, url, watch: watched } = watch;
  const facts = [
    `watch     ${id}: ${state}${expiresAt === null ? '' : `, forgotten at ${new Date(expiresAt).toISOString()}`}`,
    `of        ${'keyid' in watched ? `the key ${watched.keyid}` : 'product' in watched ? `the product ${watched.product}` : 'the promises'}`,
    `tells     ${url}`,
    `told      ${lastDelivery === null ? 'nothing yet' : `${lastDelivery.entries} at ${new Date(lastDelivery.at).toISOString()} (${lastDelivery.id})`}`,
    ...(failure === null
      ? []
      : [
          `fails     ${failure.reason}${failure.nextAttemptAt === null ? '' : `; tried again at ${new Date(failure.nextAttemptAt).toISOString()}`}`,
        ]),
  ];
  terminal.print(
    json === true ? `${JSON.stringify(watch)}\n` : facts.map((fact) => `${printable(fact)}\n`).join(''),
  );
  return state === 'active' ? 0 : 1;
}
